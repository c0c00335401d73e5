"""The convolutional networks, compared with their formulas in float64, written with scipy."""

import numpy as np
import pytest
import torch
from scipy.signal import correlate
from torch import Tensor

from kingdra_repro.networks.convolutional import ConvolutionalNetwork, map_sizes

M, B, K = 2, 12, 3
SHAPE = (7, 6, 2)
D = 7 * 6 * 2


def streams(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def network(hidden: tuple[int, ...]) -> ConvolutionalNetwork:
    """Build networks with random scales, shifts and biases, as after some training."""
    made = ConvolutionalNetwork(SHAPE, (3, 4), hidden, K, streams(0, 1))
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if not name.startswith(("kernels", "perceptron.weights")):
                parameter.add_(torch.randn(parameter.shape, generator=generator))
        made.perceptron.weights[-1].mul_(100)
    return made


def plain(made: ConvolutionalNetwork, m: int, x: np.ndarray) -> np.ndarray:
    """Compute the outputs of model m for one batch from the formulas."""

    def value(tensor: Tensor) -> np.ndarray:
        return tensor[m].detach().double().numpy()

    h = x.astype(np.float64).reshape(-1, *SHAPE)
    for kernel, gamma, beta in zip(made.kernels, made.gamma, made.beta, strict=True):
        padded = np.pad(h, ((0, 0), (2, 2), (2, 2), (0, 0)))
        channels = [
            correlate(padded, kernel_of_one.transpose(1, 2, 0)[None], mode="valid")[:, ::2, ::2, 0]
            for kernel_of_one in value(kernel)
        ]
        z = np.stack(channels, axis=-1)
        z = (z - z.mean((0, 1, 2))) / z.std((0, 1, 2))
        h = np.maximum(value(gamma) * z + value(beta), 0)
    h = h.reshape(len(h), -1)
    perceptron = made.perceptron
    for weight, gamma, beta in zip(perceptron.weights, perceptron.gamma, perceptron.beta, strict=False):
        z = h @ value(weight)
        h = np.maximum(value(gamma) * (z - z.mean(0)) / z.std(0) + value(beta), 0)
    return h @ value(perceptron.weights[-1]) + value(perceptron.bias)


@pytest.mark.parametrize("hidden", [(), (5,)])
def test_each_pass_is_normalised_by_itself(hidden: tuple[int, ...]) -> None:
    made = network(hidden)
    passes = [
        torch.randn(M, B, D, generator=g) * scale for g, scale in zip(streams(5, 6), (1, 3), strict=True)
    ]
    for x, logits in zip(passes, made.encode(passes), strict=True):
        for m in range(M):
            np.testing.assert_allclose(logits[m].detach(), plain(made, m, x[m].numpy()), atol=1e-4)


@pytest.mark.parametrize("hidden", [(), (5,)])
def test_with_the_population_s_moments_the_whole_set_is_one_batch(hidden: tuple[int, ...]) -> None:
    made = network(hidden)
    x = torch.randn(1, 53, D, generator=torch.Generator().manual_seed(3))
    made.set_moments(lambda: x.split(10, dim=1))
    with torch.no_grad():
        outputs, alone = made(x), made(x[:, :1])
    for m in range(M):
        np.testing.assert_allclose(outputs[m], plain(made, m, x[0].numpy()), atol=1e-4)
    torch.testing.assert_close(alone, outputs[:, :1], atol=1e-5, rtol=1e-5)
    width = hidden[-1] if hidden else 2 * 2 * 4
    assert made.features(x).shape == (M, 53, width)


def test_each_model_s_weights_are_of_its_own_generator() -> None:
    both = ConvolutionalNetwork((16, 16, 1), (32, 8), (), K, streams(0, 1))
    second = ConvolutionalNetwork((16, 16, 1), (32, 8), (), K, streams(1))
    for two, one in zip(both.parameters(), second.parameters(), strict=True):
        assert torch.equal(two[1], one[0])
    assert not torch.equal(both.kernels[0][0], both.kernels[0][1])
    assert both.kernels[1].std().item() == pytest.approx((2 / (32 * 25)) ** 0.5, rel=0.05)


def test_maps_are_halved() -> None:
    assert map_sizes((28, 27, 3), (16, 32)) == [(28, 27, 3), (14, 14, 16), (7, 7, 32)]
