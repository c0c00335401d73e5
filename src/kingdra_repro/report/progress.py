"""The progress of a run: a bar on a terminal, a line now and then elsewhere."""

import time
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from kingdra_repro.durations import show_duration

if TYPE_CHECKING:
    from kingdra_repro.methods import Progress as Event

BAR_EVERY = 0.25  # seconds between two looks at the losses, each of which makes an accelerator wait
LINE_EVERY = 10.0  # seconds between two lines where there is no terminal


class ProgressDisplay:
    """Iteration, model epochs, losses, pseudo-labels and time left, from the events of a fit.

    Use as a context manager around the fit. Writes to standard error: standard output holds results alone.
    """

    def __init__(self, console: Console | None = None):
        self.console = console or Console(stderr=True)
        self._every = BAR_EVERY if self.console.is_terminal else LINE_EVERY
        self._shown = float("-inf")
        self._start: tuple[float, float] | None = None  # time of the first event, epochs done then
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("elapsed,"),
            TimeRemainingColumn(),
            TextColumn("left"),
            expand=True,
        )
        self._task = self._bar.add_task("starting", total=None)
        self._numbers = Text(style="dim")
        self._live = Live(
            Group(self._bar, self._numbers), console=self.console, refresh_per_second=4, transient=True
        )

    def __enter__(self) -> "ProgressDisplay":
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.console.is_terminal:
            self._live.stop()

    def show(self, event: "Event") -> None:
        """Show an event, unless the last was shown a moment ago. Called at every training step."""
        now = time.monotonic()
        if self._start is None:
            self._start = (now, event.model_epochs_done)
        if now - self._shown < self._every:
            return
        self._shown = now
        if self.console.is_terminal:
            self._bar.update(
                self._task,
                description=phase(event),
                completed=event.model_epochs_done,
                total=event.model_epochs_total,
            )
            self._numbers.plain = numbers(event)
        else:
            self._line(f"{phase(event)} · {numbers(event)} · {self._time_left(event, now)} left")

    def tell(self, text: str) -> None:
        """One line that stays: what a finished phase came to."""
        self._line(text)

    def _line(self, text: str) -> None:
        self.console.print(text, soft_wrap=True, highlight=False, markup=False)

    def _time_left(self, event: "Event", now: float) -> str:
        assert self._start is not None
        began, done_before = self._start
        done = event.model_epochs_done - done_before
        if done <= 0:
            return "?"
        return show_duration((event.model_epochs_total - event.model_epochs_done) * (now - began) / done)


def phase(event: "Event") -> str:
    """Where the fit is: iteration 0 is the phase without pseudo-labels."""
    iteration = f"iteration {event.iteration}/{event.n_iter} " if event.n_iter else ""
    return f"{iteration}epoch {event.epoch}/{event.n_epochs}"


def numbers(event: "Event") -> str:
    """Model epochs, losses (mean over the models) and pseudo-labels, shortly."""
    terms = " ".join(f"{name} {value:.3g}" for name, value in event.losses().items())
    pseudo_labels = f" · {event.n_pseudo_labels:,} pseudo-labels" if event.n_pseudo_labels else ""
    epochs = f"{event.model_epochs_done:.0f}/{event.model_epochs_total:.0f} model epochs"
    return f"{epochs} · {terms}{pseudo_labels}"
