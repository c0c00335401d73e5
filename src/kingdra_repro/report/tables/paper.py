"""The paper's numbers, from paper.yaml."""

from functools import cache
from importlib.resources import files
from typing import Any

from omegaconf import OmegaConf


def paper_mean_std(table: str, row: str, dataset: str) -> tuple[float | None, float | None]:
    """Return mean and standard deviation from paper.yaml; None for what the paper does not give."""
    numbers = _numbers().get(table, {}).get(row, {}).get(dataset, [])
    mean, std = (*numbers, None, None)[:2]
    return mean, std


def paper_rows(table: str) -> list[str]:
    """Return the rows that the paper has numbers for."""
    return list(_numbers().get(table, {}))


def display_name(dataset: str) -> str:
    """Return the paper's name of a data set; the name itself if the paper does not use the data set."""
    return _numbers()["datasets"].get(dataset, dataset)


@cache
def _numbers() -> dict[str, Any]:
    text = files("kingdra_repro.report.tables").joinpath("paper.yaml").read_text()
    numbers: Any = OmegaConf.to_container(OmegaConf.create(text))
    return numbers
