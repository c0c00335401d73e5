"""The program's settings, as `kingdra-run` composes them."""

from collections.abc import Sequence

from hydra import compose, initialize_config_module
from omegaconf import DictConfig

from kingdra_repro.schema import check_names, register_schema


def all_settings(overrides: Sequence[str]) -> DictConfig:
    """The program's settings with overrides such as ``dataset=mnist``.

    Parameters
    ----------
    overrides : sequence of str
        In Hydra's form. Those of `kingdra-run` are all known here.

    Returns
    -------
    DictConfig
        Its ``dataset`` is ready to be instantiated.

    Raises
    ------
    InputError, hydra.errors.HydraException, omegaconf.errors.OmegaConfBaseException
        Where an override is wrong.
    """
    register_schema()
    with initialize_config_module("kingdra_repro.configs", version_base="1.3"):
        settings = compose("config", list(overrides))
    check_names(settings, "dataset")
    return settings
