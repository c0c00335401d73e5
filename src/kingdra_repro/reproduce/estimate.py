"""Estimates of how long runs will take, from how long similar runs took."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from kingdra_repro.reproduce.plan import PlannedRun
from kingdra_repro.training.progress import show_duration

_LIKE = ("experiment", "row", "dataset", "schedule")


class Estimate:
    """Estimated seconds of a run: the median over runs of the same experiment, row, data set and schedule.

    Only the plan's cells made on this kind of device ("cpu" or "cuda") are used, if their time is known.
    """

    def __init__(self, cells: pd.DataFrame, device: str):
        timed = cells.reindex(columns=[*_LIKE, "device", "wall_seconds"]).dropna()
        here = timed[timed["device"].astype(str).str.startswith(device)] if len(timed) else timed
        self._seconds: dict[Any, float] = {}
        if len(here):
            self._seconds = dict(here.groupby(list(_LIKE))["wall_seconds"].median())

    def seconds(self, run: PlannedRun) -> float | None:
        """Return the estimate for a run; None if there is no such run yet."""
        return self._seconds.get(tuple(getattr(run, name) for name in _LIKE))

    def total(self, runs: Iterable[PlannedRun]) -> tuple[float, int]:
        """Return the sum of the known estimates in seconds, and the number of runs without an estimate."""
        each = [self.seconds(run) for run in runs]
        known = [seconds for seconds in each if seconds is not None]
        return sum(known), len(each) - len(known)


def show_time_left(seconds: float, n_unknown: int, n: int) -> str:
    """Return ``about 1:20:00 left``, with the number of the `n` runs that have no estimate."""
    if n_unknown == n:
        return f"? left, {n} runs unknown" if n != 1 else "? left"
    unknown = f" and ? for {n_unknown} of {n} runs" if n_unknown else ""
    return f"about {show_duration(seconds)}{unknown} left"
