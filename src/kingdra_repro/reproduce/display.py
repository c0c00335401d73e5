"""The progress over all runs: a bar on a terminal, one line per run elsewhere."""

import sys
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from kingdra_repro.reproduce.plan import PlannedRun
from kingdra_repro.runs.display import say


class PlanDisplay:
    """A context manager that shows on standard error the runs done and in total, time elapsed and left.

    If `concurrent` is true, several runs are made at a time, and `begin` says that a run is sent, not
    started.
    """

    def __init__(self, total: int, concurrent: bool):
        self.console = Console(file=sys.stderr)  # kept, as a run in this process redirects sys.stderr
        self.total, self.done, self.concurrent = total, 0, concurrent
        self._began = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("runs,"),
            TimeElapsedColumn(),
            TextColumn("elapsed, {task.fields[time_left]}"),
            console=self.console,
            refresh_per_second=2,
            transient=True,
        )
        self._task = self._bar.add_task("starting", total=total, time_left="")

    def __enter__(self) -> "PlanDisplay":
        if self.console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.console.is_terminal:
            self._bar.stop()

    def begin(self, run: PlannedRun, time_left: str) -> None:
        """Show that a run starts, or is sent."""
        what = f"sent: {describe_run(run)}" if self.concurrent else describe_run(run)
        self._bar.update(self._task, description=what, time_left=time_left)
        if not self.console.is_terminal:
            place = "" if self.concurrent else f"[{self.done + 1}/{self.total}] "
            self.notify(f"{place}{what}; {time_left}")

    def update_time_left(self, text: str) -> None:
        """Update the time left during a run."""
        self._bar.update(self._task, time_left=text)

    def end(self, run: PlannedRun, what: str) -> None:
        """Show that a run ended, with its outcome `what`."""
        self.done += 1
        self._bar.update(self._task, completed=self.done)
        self.notify(f"[{self.done}/{self.total}] {describe_run(run)}: {what}")

    def notify(self, text: str) -> None:
        """Print a line that stays on the terminal."""
        say(text, self.console)


def describe_run(run: PlannedRun) -> str:
    """Return a name for display, such as ``table2: Kingdra-Ladder-IM, mnist, file, seed 0``."""
    parts = [run.row, run.dataset, *([run.order] if run.order != "-" else []), f"seed {run.seed}"]
    return f"{run.experiment}: {', '.join(parts)}"
