"""ResNet-50 as a feature extractor, compatible with torchvision's weights."""

import pickle
from pathlib import Path

import torch
from torch import Tensor, nn

from kingdra_repro.errors import InputError

N_FEATURES = 2048
# Width of the 3 x 3 convolution, number of blocks and stride of the four stages.
STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
EXPANSION = 4


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3 and 1 x 1 convolutions with a shortcut; the 3 x 3 one has the stride (ResNet v1.5)."""

    def __init__(self, n_in: int, width: int, stride: int) -> None:
        super().__init__()
        n_out = width * EXPANSION
        self.conv1 = nn.Conv2d(n_in, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, n_out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(n_out)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or n_in != n_out:
            self.downsample = nn.Sequential(
                nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, n_in, h, w] to [batch, 4 * width, h / stride, w / stride]."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = torch.relu(self.bn1(self.conv1(x)))
        x = torch.relu(self.bn2(self.conv2(x)))
        return torch.relu(self.bn3(self.conv3(x)) + shortcut)


class ResNet50(nn.Module):
    """ResNet-50 without its last layer; it maps pictures to 2,048 average-pooled features.

    The parameters have torchvision's names, so that its state dicts can be loaded.

    References
    ----------
    He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        n_in = 64
        for number, (width, n_blocks, stride) in enumerate(STAGES, start=1):
            blocks = []
            for block in range(n_blocks):
                blocks.append(Bottleneck(n_in, width, stride if block == 0 else 1))
                n_in = width * EXPANSION
            setattr(self, f"layer{number}", nn.Sequential(*blocks))

    def forward(self, x: Tensor) -> Tensor:
        """Compute the features of pictures.

        Parameters
        ----------
        x : float tensor [batch, 3, height, width]
            Normalised as for the training of the weights (ImageNet's mean and standard deviation).

        Returns
        -------
        float tensor [batch, 2048]
        """
        x = torch.relu(self.bn1(self.conv1(x)))
        x = nn.functional.max_pool2d(x, 3, 2, padding=1)
        for number in range(1, len(STAGES) + 1):
            x = getattr(self, f"layer{number}")(x)
        return x.mean(dim=(2, 3))


def load_resnet50(weights: Path) -> ResNet50:
    """Load a ResNet-50 with trained weights, in evaluation mode.

    Parameters
    ----------
    weights : Path
        A state dict in torchvision's format (``.pth``), either itself or under the key ``state_dict``; its
        last layer (``fc``) is not used. It is read with ``weights_only``, so only tensors are unpickled.

    Raises
    ------
    InputError
        If the file is not such a state dict; the message names a parameter that is missing or has another
        shape.
    """

    def wrong(what: str) -> InputError:
        remedy = "give the file of torchvision's resnet50 state dict"
        return InputError(f"weights={weights} {what}: {remedy}", "weights")

    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError, KeyError) as error:
        raise wrong(f"is not a file of weights ({type(error).__name__})") from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    network = ResNet50()
    wanted = network.state_dict()
    if not isinstance(state, dict):
        raise wrong(f"holds no state dict but a {type(state).__name__}")
    # Data-parallel training puts "module." before each name.
    state = {str(name).removeprefix("module."): value for name, value in state.items()}
    for name, value in wanted.items():
        if name.endswith("num_batches_tracked"):  # a counter for training, missing in older files
            state.setdefault(name, value)
        found = state.get(name)
        if not isinstance(found, Tensor) or found.shape != value.shape:
            shape = tuple(found.shape) if isinstance(found, Tensor) else "nothing"
            raise wrong(f"has {shape} for {name}, not {tuple(value.shape)}")
    network.load_state_dict({name: state[name] for name in wanted})
    return network.eval()
