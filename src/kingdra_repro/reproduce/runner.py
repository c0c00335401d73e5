"""Makes planned runs, one or several at a time, and adds each to results/ as soon as it is finished."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from kingdra_repro.errors import InputError
from kingdra_repro.reproduce.display import PlanDisplay
from kingdra_repro.reproduce.estimate import Estimate, show_time_left
from kingdra_repro.reproduce.failures import forget_failures, note_failure
from kingdra_repro.reproduce.finished import read_folder
from kingdra_repro.reproduce.launchers import Launch, SubmittedRun
from kingdra_repro.reproduce.plan import PlannedRun
from kingdra_repro.reproduce.settings import as_override
from kingdra_repro.reproduce.store import add_run

FIXED_OVERRIDES = ("keep_model=false", "report.map=none")  # models of all runs would fill a disk


@dataclass
class Outcome:
    """The outcome of the runs."""

    done: list[PlannedRun] = field(default_factory=list)
    failed: list[PlannedRun] = field(default_factory=list)
    interrupted: list[PlannedRun] = field(default_factory=list)  # at the end of the budget; resumed next time
    waiting: list[PlannedRun] = field(default_factory=list)  # not started: too long for the time left


@dataclass
class Runner:
    """A runner that makes planned runs with kingdra-run.

    Attributes
    ----------
    forwarded_overrides : settings of kingdra-reproduce that all runs are given: device=, mirror= ...
    lock : file descriptor of the lock on `output_dir`, which the runs hold as well
    estimate : function that makes an `Estimate` from what is in results/ now
    archive : folder for packed copies of finished runs, or None
    """

    results: Path
    output_dir: Path
    forwarded_overrides: Sequence[str]
    lock: int
    estimate: Callable[[], Estimate]
    archive: Path | None = None

    def run(
        self,
        launch: Launch,
        n: int,
        queue: Sequence[PlannedRun],
        budget: float | None,
        display: PlanDisplay,
    ) -> Outcome:
        """Make all runs, or as many as the budget allows; a failed run is recorded, and the others go on.

        Parameters
        ----------
        launch : function that makes the runs; see `kingdra_repro.reproduce.launchers.Launcher.launch`
        n : maximum number of runs at a time
        queue : runs in the order in which to make them; those that are finished in outputs/ are added first
        budget : seconds, or None
        """
        end = float("inf") if budget is None else time.monotonic() + budget
        outcome = Outcome()
        ahead = []  # runs that have not ended, active ones included
        for run in queue:
            if finished_folder(self.output_dir, run) is None:
                ahead.append(run)
            else:
                self._gather(run, None, outcome, display)
        fixed = (*FIXED_OVERRIDES, as_override("output_dir", self.output_dir))
        logs = self.output_dir / "logs"
        logs.mkdir(parents=True, exist_ok=True)

        def submissions() -> Iterator[SubmittedRun]:
            for run in list(ahead):
                if self._waits(run, end):
                    outcome.waiting.append(run)
                    continue
                time_left = self._time_left(run, ahead, n)
                display.begin(run, time_left())

                def poll(time_left: Callable[[], str] = time_left) -> None:
                    display.update_time_left(time_left())

                overrides = [*run.overrides, *fixed, *self.forwarded_overrides]
                yield SubmittedRun(run, overrides, self._log(run), poll)

        queued = submissions()
        with closing(launch(queued, n, self.lock, end, logs / "submitit")) as outcomes:
            for one in outcomes:
                ahead.remove(one.submitted.run)
                self._gather(one.submitted.run, one.status, outcome, display, one.line)
        outcome.waiting += [one.run for one in queued]  # the rest of the queue, at the end of the budget
        return outcome

    def _gather(
        self,
        run: PlannedRun,
        status: int | None,
        outcome: Outcome,
        display: PlanDisplay,
        line: str | None = None,
    ) -> None:
        """Add what a run left to results/. Without a result, it was interrupted (status None) or failed."""
        finished = finished_folder(self.output_dir, run)
        unreadable = None if finished is None else _unreadable(finished)
        if finished is not None and unreadable is None:
            add_run(self.results, finished, self.archive)
            forget_failures(self.results, [run.config_hash])
            outcome.done.append(run)
            display.end(run, _summary(finished))
        elif status is None and unreadable is None:
            outcome.interrupted.append(run)
        else:
            status = status or 0  # an unreadable run ended without an error, now or earlier
            line = unreadable or line or self._last_line(run, status)
            note_failure(self.results, run, status, line)
            outcome.failed.append(run)
            display.end(run, f"FAILED: {line}")

    def _waits(self, run: PlannedRun, end: float) -> bool:
        """Return whether a run must wait: no time is left, or it is not yet started and would take longer."""
        seconds = end - time.monotonic()
        if seconds <= 0 or _seconds_so_far(self.output_dir, run) > 0:
            return seconds <= 0
        known = self.estimate().seconds(run)
        return known is not None and known > seconds

    def _time_left(self, run: PlannedRun, ahead: Sequence[PlannedRun], n: int) -> Callable[[], str]:
        """Return a function that formats the time left, to be called during a run that starts now."""
        estimate, began = self.estimate(), time.monotonic()
        seconds, n_unknown = estimate.total(ahead)
        known = estimate.seconds(run) or 0.0
        this = max(known - _seconds_so_far(self.output_dir, run), 0)

        def time_left() -> str:
            spent = known - this + min(time.monotonic() - began, this)
            return show_time_left((seconds - spent) / n, n_unknown, len(ahead))

        return time_left

    def _log(self, run: PlannedRun) -> Path:
        return self.output_dir / "logs" / f"{run.config_hash}.log"

    def _last_line(self, run: PlannedRun, status: int) -> str:
        if status < 0:
            return f"ended by signal {-status}"
        lines = self._log(run).read_text(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "no output")
        return last.removeprefix("kingdra-run: ")


def finished_folder(output_dir: Path, run: PlannedRun) -> Path | None:
    """Return the run's folder below `output_dir` if the run is finished, else None."""
    found = sorted(output_dir.glob(f"*/*/seed*-{run.config_hash}/result.json"))
    return found[0].parent if found else None


def _seconds_so_far(output_dir: Path, run: PlannedRun) -> float:
    """Return the seconds that an interrupted run has taken, see `kingdra_repro.runs.monitor`; 0 if none."""
    for path in output_dir.glob(f"*/*/seed*-{run.config_hash}/checkpoint/wall_seconds"):
        with suppress(ValueError):  # damaged: the run itself will report it
            return float(path.read_text())
    return 0.0


def _unreadable(folder: Path) -> str | None:
    """Return what is wrong with a finished run's folder, and the remedy; None if it can be read."""
    try:
        read_folder(folder)
    except InputError as error:
        what = str(error).rpartition(": ")[0] or str(error)  # without the remedy, which is for `merge`
        return f"{what}: remove {folder} to make the run again"
    return None


def _summary(folder: Path) -> str:
    result = json.loads((folder / "result.json").read_text())
    accuracy, seconds = result.get("acc"), result.get("wall_seconds")  # older versions may have none
    said = "" if accuracy is None else f"accuracy {accuracy:.4f}, "
    return said + ("? s" if seconds is None else f"{seconds:,.0f} s")
