"""The OmegaConf resolvers that the configs use, such as ``${times:...}``."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from kingdra_repro.auto_settings import AUTO
from kingdra_repro.config import names
from kingdra_repro.networks.denoising import usual_costs
from kingdra_repro.runs.folder import run_folder


def register_resolvers() -> None:
    """Register the resolvers with OmegaConf."""
    OmegaConf.register_new_resolver("run_folder", lambda *, _root_: run_folder(_root_), replace=True)
    OmegaConf.register_new_resolver("models_less", models_less, replace=True)
    OmegaConf.register_new_resolver("times", times, replace=True)
    OmegaConf.register_new_resolver("usual_costs", _usual_costs, replace=True)
    OmegaConf.register_new_resolver("or_else", or_else, replace=True)
    OmegaConf.register_new_resolver("unless_done", unless_done, replace=True)
    OmegaConf.register_new_resolver("choices", lambda group: ", ".join(names(group)), replace=True)


def models_less(n: int, *, _root_: DictConfig) -> int:
    """Return the number of models minus `n`, at least 1: a threshold that follows ``ensemble.size``."""
    return max(1, _root_.ensemble.size - n)


def times(factor: float, value: float | ListConfig | str) -> float | ListConfig | str:
    """Scale a number, or scale and round layer widths, to set one base relative to another."""
    if isinstance(value, str):  # auto
        return value
    if isinstance(value, ListConfig):
        return ListConfig([round(factor * width) for width in value])
    return factor * value


def _usual_costs(hidden: Any) -> ListConfig | str:
    """Return the usual denoising costs for these hidden layers; `AUTO` if the layers are not a list yet."""
    return ListConfig(usual_costs(hidden)) if isinstance(hidden, ListConfig) else AUTO


def or_else(value: Any, otherwise: Any) -> Any:
    """Return a setting, or `otherwise` if it is null or an empty list."""
    if value is not None and value != []:
        return value
    return ListConfig(otherwise) if isinstance(otherwise, list) else otherwise


def unless_done(name: str, *, _root_: DictConfig) -> str | None:
    """Return `name`, or None if the run's folder already has a result, so that its files stay as they are."""
    folder = OmegaConf.select(_root_, "hydra.runtime.output_dir")  # None until Hydra has made it
    return None if folder and (Path(folder) / "result.json").exists() else name
