"""How long runs will take, from how long runs like them took."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from kingdra_repro.reproduce.plan import PlannedRun
from kingdra_repro.training.progress import show_duration

_LIKE = ("experiment", "row", "dataset", "schedule")


class Estimate:
    """Seconds of a run: the median of the runs of the same row, data set and schedule, whatever their seed.

    Of the plan's cells, those made on such a device ("cpu" or "cuda"): others say nothing about this one.
    """

    def __init__(self, cells: pd.DataFrame, device: str):
        here = cells[cells["device"].astype(str).str.startswith(device)] if len(cells) else cells
        self._seconds: dict[Any, float] = {}
        if len(here):
            self._seconds = dict(here.groupby(list(_LIKE))["wall_seconds"].median())

    def seconds(self, run: PlannedRun) -> float | None:
        """None where there is no such run yet."""
        return self._seconds.get(tuple(getattr(run, name) for name in _LIKE))

    def together(self, runs: Iterable[PlannedRun]) -> tuple[float, int]:
        """Return the seconds of those runs that something is known of, and the number of the others."""
        each = [self.seconds(run) for run in runs]
        known = [seconds for seconds in each if seconds is not None]
        return sum(known), len(each) - len(known)


def show_left(seconds: float, n_unknown: int, n: int) -> str:
    """``about 1:20:00 left``, and for how many of the `n` runs that says nothing."""
    if n_unknown == n:
        return f"? left, {n} runs unknown" if n != 1 else "? left"
    unknown = f" and ? for {n_unknown} of {n} runs" if n_unknown else ""
    return f"about {show_duration(seconds)}{unknown} left"
