"""Progress display of a fit on the terminal: a bar with the time left, and a line for each phase."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from kingdra_repro.training.events import Iteration, Monitor
from kingdra_repro.training.events import Progress as Event

BAR_EVERY = 0.25  # seconds between two reads of the losses, each of which stalls an accelerator
LINE_EVERY = 10.0  # seconds between two lines if there is no terminal


class ProgressDisplay:
    """A display of iteration, model epochs, losses, pseudo-labels and time left, from the events of a fit.

    Use it as a context manager around the fit. It writes to standard error: standard output is for results.
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
            TextColumn("elapsed{task.fields[left]}"),
            expand=True,
        )
        self._task = self._bar.add_task("starting", total=None, left="")
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

    def show(self, event: Event) -> None:
        """Show an event, unless one was shown a moment ago. Called at every training step."""
        now = time.monotonic()
        if self._start is None:
            self._start = (now, event.model_epochs_done)
        if now - self._shown < self._every:
            return
        self._shown = now
        left = self._time_left(event, now)
        if self.console.is_terminal:
            self._bar.update(
                self._task,
                description=phase(event),
                completed=event.model_epochs_done,
                total=event.model_epochs_total,
                left=f", {left}" if left else "",
            )
            self._numbers.plain = numbers(event)
        else:
            self.notify(" · ".join(part for part in (phase(event), numbers(event), left) if part))

    def notify(self, text: str) -> None:
        """Print a line that stays, such as the results of a finished phase."""
        self.console.print(text, soft_wrap=True, highlight=False, markup=False)

    def _time_left(self, event: Event, now: float) -> str:
        """Return ``0:01:30 left``, or an empty string while the time is unknown."""
        assert self._start is not None
        began, done_before = self._start
        done = event.model_epochs_done - done_before
        if done <= 0:
            return ""
        seconds = (event.model_epochs_total - event.model_epochs_done) * (now - began) / done
        return f"{show_duration(seconds)} left"


def phase(event: Event) -> str:
    """Describe the position of the fit; iteration 0 is the phase without pseudo-labels."""
    iteration = f"iteration {event.iteration}/{event.n_iter} " if event.n_iter else ""
    return f"{iteration}epoch {event.epoch}/{event.n_epochs}"


def numbers(event: Event) -> str:
    """Format model epochs, losses (means over the models) and the number of pseudo-labels."""
    terms = " ".join(f"{name} {value:.3g}" for name, value in event.losses().items())
    pseudo_labels = f" · {event.n_pseudo_labels:,} pseudo-labels" if event.n_pseudo_labels else ""
    epochs = f"{event.model_epochs_done:.0f}/{event.model_epochs_total:.0f} model epochs"
    return f"{epochs} · {terms}{pseudo_labels}"


def show_duration(seconds: float) -> str:
    """Format seconds as hours, minutes and seconds: ``1:05:09``."""
    whole = round(max(seconds, 0))
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def phase_line(row: Mapping[str, Any], n_clusters: int | None = None) -> str | None:
    """Summarise a phase in one line: its known scores and pseudo-labels; return None if it has neither."""
    parts = [f"iteration {row['iteration']}:"]
    if "acc" in row:
        single = f", single models {row['model_acc_mean']:.3f}" if "model_acc_mean" in row else ""
        parts.append(f"accuracy {row['acc']:.3f}{single};")
    if "n_pseudo_labels" in row:
        parts.append(f"{_pseudo_labels(row, n_clusters)};")
    if row.get("agreement") is not None:
        parts.append(f"agreement {row['agreement']:.3f};")
    if len(parts) == 1:
        return None
    parts.append(f"{row.get('wall_seconds', row['seconds']):.0f} s")
    return " ".join(parts)


def _pseudo_labels(row: Mapping[str, Any], n_clusters: int | None) -> str:
    """Describe the mini-clusters found, and whether the next iteration trains on them."""
    rule, smallest = row.get("rule"), row.get("smallest_mini_cluster")
    found = (
        f"{row['n_mini_clusters']}{f' of {n_clusters}' if n_clusters and not smallest else ''} mini-clusters"
    )
    if rule in ("unsupervised", "kept"):
        before = ", but on those before" if rule == "kept" else ""
        return f"not trained on{before}: {found}" + (f", one of only {smallest}" if smallest else "")
    right = "" if row.get("pseudo_label_acc") is None else f" ({row['pseudo_label_acc']:.3f} right)"
    relaxed = (
        f", thresholds relaxed to t_pos {row['t_pos']}, t_neg {row['t_neg']}" if rule == "relaxed" else ""
    )
    return f"{row['n_pseudo_labels']:,} pseudo-labels in {found}{right}{relaxed}"


class ShownProgress:
    """A monitor that displays the events of a fit and forwards them to another monitor."""

    def __init__(self, display: ProgressDisplay, monitor: Monitor | None):
        self._display, self._monitor = display, monitor

    def progress(self, event: Event) -> None:
        self._display.show(event)
        if self._monitor is not None:
            self._monitor.progress(event)

    def iteration(self, it: Iteration) -> None:
        if it.labels is not None and (line := phase_line(it.row)) is not None:
            self._display.notify(line)
        if self._monitor is not None:
            self._monitor.iteration(it)


@contextmanager
def shown_progress(verbose: int, monitor: Monitor | None) -> Iterator[Monitor | None]:
    """Yield the monitor of a fit: the given one or, with ``verbose``, one that displays progress as well."""
    if not verbose:
        yield monitor
        return
    with ProgressDisplay() as display:
        yield ShownProgress(display, monitor)
