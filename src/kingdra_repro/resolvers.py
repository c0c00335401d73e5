"""The functions that the configs call: ``${run_folder:}``, ``${models_less:1}``, ``${times:0.5,...}`` ..."""

from importlib.resources import files
from pathlib import Path

from omegaconf import DictConfig, ListConfig, OmegaConf

from kingdra_repro.report.run_folder import run_folder


def models_less(n: int, *, _root_: DictConfig) -> int:
    """A threshold of all models but `n`, at least 1: it keeps its meaning when ``ensemble.size`` changes."""
    return max(1, _root_.ensemble.size - n)


def times(factor: float, value: float | ListConfig) -> float | ListConfig:
    """A number times `factor`, or the widths of layers, rounded: one base's setting relative to another's."""
    if isinstance(value, ListConfig):
        return ListConfig([round(factor * width) for width in value])
    return factor * value


def unless_done(name: str, *, _root_: DictConfig) -> str | None:
    """`name`; None where the run's folder has a result, and nothing of it is to be written again."""
    folder = OmegaConf.select(_root_, "hydra.runtime.output_dir")  # None until Hydra has made it
    return None if folder and (Path(folder) / "result.json").exists() else name


def names(group: str) -> list[str]:
    """The names of a config group's files."""
    found = (file.name for file in files("kingdra_repro.configs").joinpath(group).iterdir())
    return sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml"))


def register_resolvers() -> None:
    """Make the functions known to OmegaConf."""
    OmegaConf.register_new_resolver("run_folder", lambda *, _root_: run_folder(_root_), replace=True)
    OmegaConf.register_new_resolver("models_less", models_less, replace=True)
    OmegaConf.register_new_resolver("times", times, replace=True)
    OmegaConf.register_new_resolver("unless_done", unless_done, replace=True)
    OmegaConf.register_new_resolver("choices", lambda group: ", ".join(names(group)), replace=True)
