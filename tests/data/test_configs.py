"""Every config of a data set lists exactly the settings of its loader."""

import inspect
from pathlib import Path

import pytest
from hydra.utils import get_method
from omegaconf import OmegaConf

CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "dataset").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_config_fits_its_loader(path: Path) -> None:
    config = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    assert isinstance(config, dict)
    loader = get_method(config.pop("_target_"))
    parameters = inspect.signature(loader).parameters
    # All settings are listed; plain values are the loader's defaults.
    assert list(config)
    assert set(config) == set(parameters)
    for name, value in config.items():
        interpolated = isinstance(value, str) and value.startswith("${")
        if not interpolated and not isinstance(value, dict) and value != "???":
            assert value == parameters[name].default
