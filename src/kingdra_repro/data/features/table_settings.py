"""What of a table is clustered by."""

from dataclasses import dataclass

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
            if getattr(self, name) not in known:
                raise InputError(
                    f"dataset.{name} must be one of {', '.join(known)}; got {getattr(self, name)!r}"
                )
        for name, columns in (("columns", self.columns or ()), ("drop", self.drop)):
            if len(set(columns)) < len(columns):
                raise InputError(f"dataset.{name}={list(columns)} names a column twice: name it once")
