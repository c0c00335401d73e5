"""Settings for which columns of a table become features, and how."""

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
    """Settings for which columns of a table become features, and how.

    Attributes
    ----------
    columns : list of str or None
        Use only these columns, even those that carry no information. If None, use all columns except `drop`
        and those that carry no information.
    drop : tuple of str
        Columns to leave out.
    missing : {"error", "drop", "mean", "median"}
        For a missing cell, raise an error, leave the row out, or use the mean or median of the column. With
        mean or median, a missing word is encoded as zeros.
    categories : {"error", "onehot", "ignore"}
        For columns of words, raise an error, encode them one-hot, or leave them out.
    dates : {"ignore", "parts"}
        Leave columns of dates out, or turn them into year, month, day, weekday (0: Monday) and hour.
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
        if both := [name for name in self.drop if name in (self.columns or ())]:
            raise InputError(f"dataset.columns and dataset.drop both have {both[0]!r}: leave it out of one")


def non_default_fields(settings: Any) -> dict[str, Any]:
    """Return the fields of a settings dataclass that differ from their defaults, for messages."""
    default = type(settings)()
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in vars(settings).items()
        if value != getattr(default, name)
    }
