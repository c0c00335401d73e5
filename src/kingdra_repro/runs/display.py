"""What a run shows on the terminal: its progress, and its scores at the end."""

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

if TYPE_CHECKING:
    from kingdra_repro.training.events import Progress as Event

import re
from pathlib import Path
from typing import Any

from rich.table import Table

from kingdra_repro.errors import InputError

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

    def notify(self, text: str) -> None:
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


COLUMNS = {
    "acc": "ACC",
    "nmi": "NMI",
    "ari": "ARI",
    "purity": "purity",
    "n_pseudo_labels": "pseudo-labels",
    "wall_seconds": "seconds",
}


def show_table(result: dict[str, Any], folder: Path) -> None:
    """Print a run's scores, and where it lies.

    Parameters
    ----------
    result : dict
        As in result.json; scores that are None (no classes known) are left out.
    folder : Path
        The run's folder.
    """
    console = Console()
    names = [result["dataset"], result["method"], result["base"], f"seed {result['seed']}"]
    if result.get("n_labels"):
        names.append(f"{result['n_labels']} labels given")
    title = " · ".join(name for name in names if name is not None)
    table = Table()
    known = {name: heading for name, heading in COLUMNS.items() if result[name] is not None}
    for heading in known.values():
        table.add_column(heading, justify="right")
    table.add_row(*(_cell(name, result[name]) for name in known))
    console.print(title, highlight=False, markup=False)
    console.print(table)
    if sizes := result.get("cluster_sizes"):  # older runs do not tell
        console.print(f"cluster sizes: {_sizes(sizes)}", soft_wrap=True, highlight=False)
    if (found := result.get("clusters_found", result["k"])) < result["k"]:
        console.print(f"only {found} of the {result['k']} clusters have points", highlight=False)
    console.print(f"run folder: {_shortest(folder)}", soft_wrap=True, highlight=False, markup=False)


def _cell(name: str, value: float) -> str:
    match name:
        case "wall_seconds":
            return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
        case "n_pseudo_labels":
            return f"{value:,}"
        case _:
            return f"{value:.4f}"


MOST_SIZES = 30  # clusters whose sizes are all shown


def _sizes(sizes: list[int]) -> str:
    """Show the sizes of cluster 0, 1 ...; of many clusters the smallest, the middle and the largest one's."""
    if len(sizes) <= MOST_SIZES:
        return " ".join(f"{size:,}" for size in sizes)
    low, middle, high = (sorted(sizes)[place] for place in (0, len(sizes) // 2, -1))
    return f"from {low:,} to {high:,}, the median {middle:,}"


def _shortest(folder: Path) -> Path:
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


_SECONDS = {"h": 3600, "min": 60, "m": 60, "s": 1}


def parse_duration(given: str) -> float:
    """Seconds of ``2h``, ``90min``, ``1h30min`` or ``45s``.

    Raises
    ------
    InputError
        For anything else, and for a number without a unit.
    """
    text = given.replace(" ", "").lower()
    parts = re.findall(r"(\d+(?:\.\d+)?)(h|min|m|s)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise InputError(f"budget must be a duration, such as budget=2h or budget=1h30min; got {given}")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def show_duration(seconds: float) -> str:
    """``1:05:09``: hours, minutes, seconds."""
    whole = round(max(seconds, 0))
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
