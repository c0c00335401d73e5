"""What of a table is clustered by."""

from dataclasses import dataclass
from typing import Any

from kingdra_repro.checks import choice
from kingdra_repro.errors import InputError

CHOICES = {
    "missing": ("error", "drop", "mean", "median"),
    "categories": ("error", "onehot", "ignore"),
    "dates": ("ignore", "parts"),
}


@dataclass(frozen=True)
class TableSettings:
    """What of a table is clustered by.

    Attributes
    ----------
    columns : list of str or None
        These alone, whatever they hold; None: all but those below and those that carry no information.
    drop : list of str
        Columns to leave out.
    missing : {"error", "drop", "mean", "median"}
        Rows with a missing cell are refused, left out, or get the mean or median of the column; a missing
        word then is none of the column's words.
    categories : {"error", "onehot", "ignore"}
        Columns of words are refused, become a column of 0 and 1 for each word, or are left out.
    dates : {"ignore", "parts"}
        Columns of dates are left out, or become year, month, day, weekday (0: Monday) and hour.
    """

    columns: list[str] | None = None
    drop: tuple[str, ...] = ()
    missing: str = "error"
    categories: str = "error"
    dates: str = "ignore"

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            choice(*known)(f"dataset.{name}", getattr(self, name))
        for name, columns in (("columns", self.columns or ()), ("drop", self.drop)):
            if len(set(columns)) < len(columns):
                raise InputError(f"dataset.{name}={list(columns)} names a column twice: name it once")


def unusual(settings: Any) -> dict[str, Any]:
    """Return the fields of a dataclass of settings that are not as they are by default, for messages."""
    usual = type(settings)()
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in vars(settings).items()
        if value != getattr(usual, name)
    }
