import os
from pathlib import Path

import pytest
import torch

from kingdra_repro.data.features.resnet50 import ResNet50, load_resnet50
from kingdra_repro.errors import InputError


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    """Random weights, plus a last layer as in torchvision's files."""
    return {**ResNet50().state_dict(), "fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)}


def test_as_many_parameters_as_torchvisions() -> None:
    # torchvision's has 25,557,032 parameters, 2048 x 1000 + 1000 of them in the last layer.
    assert sum(parameter.numel() for parameter in ResNet50().parameters()) == 25_557_032 - 2_049_000


def test_features() -> None:
    features = ResNet50().eval()(torch.zeros(2, 3, 64, 64))
    assert features.shape == (2, 2048)


@pytest.mark.parametrize("form", ["plain", "state_dict", "module.", "without counters"])
def test_forms_of_state_dicts(tmp_path: Path, state: dict[str, torch.Tensor], form: str) -> None:
    given = {
        "plain": state,
        "state_dict": {"state_dict": state},
        "module.": {f"module.{name}": value for name, value in state.items()},
        "without counters": {n: v for n, v in state.items() if not n.endswith("num_batches_tracked")},
    }[form]
    torch.save(given, tmp_path / "given.pth")
    network = load_resnet50(tmp_path / "given.pth")
    assert not network.training
    assert torch.equal(network.conv1.weight, state["conv1.weight"])


class Evil:
    def __reduce__(self) -> tuple:
        return os.system, ("touch escaped",)


def test_nothing_is_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"conv1.weight": Evil()}, "w.pth")
    with pytest.raises(InputError, match="not a file of weights"):
        load_resnet50(Path("w.pth"))
    assert not Path("escaped").exists()


def test_user_errors(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    path = tmp_path / "w.pth"
    path.write_bytes(b"not weights")
    with pytest.raises(InputError, match="not a file of weights"):
        load_resnet50(path)
    torch.save(torch.zeros(3), path)
    with pytest.raises(InputError, match="holds no state dict but a Tensor"):
        load_resnet50(path)
    torch.save({**state, "bn1.bias": torch.zeros(3)}, path)
    with pytest.raises(InputError, match=r"has \(3,\) for bn1.bias, not \(64,\)"):
        load_resnet50(path)
    torch.save({n: v for n, v in state.items() if n != "layer4.2.conv3.weight"}, path)
    with pytest.raises(InputError, match=r"has nothing for layer4.2.conv3.weight"):
        load_resnet50(path)
