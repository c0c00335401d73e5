"""The monitor of a run's fit, and what it records: history.csv, the votes and the seconds of work."""

import csv
import io
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kingdra_repro.errors import InputError
from kingdra_repro.evaluation import phase_scores
from kingdra_repro.files import write_text
from kingdra_repro.runs.votes import Votes
from kingdra_repro.training.events import Iteration, Progress
from kingdra_repro.training.progress import ProgressDisplay, phase, phase_line

log = logging.getLogger(__name__)

SAVE_EVERY = 5.0  # seconds; a killed run loses at most this much of its time


class History:
    """The rows of history.csv. A resumed run starts with the rows that are in the file."""

    def __init__(self, path: Path):
        self.path = path
        self.rows: list[dict[str, object]] = []
        if path.exists():
            with path.open(encoding="utf-8", newline="") as file:
                self.rows = [dict(row) for row in csv.DictReader(file)]

    def add(self, row: Mapping[str, object]) -> None:
        """Add the row of a phase and write the file; rows of this phase and of later ones are replaced.

        A killed run may have written rows of phases after the checkpoint that it resumes from.
        """
        index = int(str(row["iteration"]))
        self.rows = [old for old in self.rows if int(str(old["iteration"])) < index] + [dict(row)]
        columns = list(dict.fromkeys(name for one in self.rows for name in one))
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(self.path, text.getvalue())


class Stopwatch:
    """A stopwatch that continues when an interrupted run resumes.

    The seconds so far are in a file, whose folder must exist. Raises InputError if the file holds no number.
    """

    def __init__(self, path: Path):
        self.path = path
        try:
            self._before = float(path.read_text(encoding="utf-8")) if path.exists() else 0.0
        except ValueError as error:
            raise InputError(f"{path} is damaged: remove its folder to start again") from error
        self._start = self._saved = time.monotonic()

    def seconds(self) -> float:
        """Return the seconds of work so far, without the time between an interrupt and the resumption."""
        return self._before + time.monotonic() - self._start

    def tick(self) -> None:
        """Save the seconds so far, at most every few seconds; cheap enough for every training step."""
        if time.monotonic() - self._saved >= SAVE_EVERY:
            self.save()

    def save(self) -> None:
        """Save the seconds so far."""
        self._saved = time.monotonic()
        write_text(self.path, f"{self.seconds():.3f}")


@dataclass
class RunMonitor:
    """The monitor that the command line passes to a method. It sees the classes; the method never does.

    Attributes
    ----------
    folder : the run's folder, where history.csv is written
    y : int64 array [n], the classes, or None
    given : int64 array [n], the labels that the method is given, -1 for none; None if it is given none
    """

    folder: Path
    y: np.ndarray | None
    display: ProgressDisplay
    stopwatch: Stopwatch
    votes: Votes
    given: np.ndarray | None
    n_clusters: int

    def __post_init__(self) -> None:
        self.history = History(self.folder / "history.csv")
        self._begun = False

    def progress(self, event: Progress) -> None:
        """Show a training step; at the first step of a resumed run, print where it resumes."""
        if not self._begun and (event.iteration > 0 or event.epoch > 1):
            self.display.notify(line := f"going on from {phase(event)}")
            log.info(line)
        self._begun = True
        self.stopwatch.tick()
        self.display.show(event)

    def iteration(self, it: Iteration) -> None:
        """Record a phase; print a line if the phase has labels and there is anything to report about them."""
        row: dict[str, object] = dict(it.row)
        if self.y is not None and it.labels is not None:
            row |= phase_scores(self.y, it.labels, it.model_labels, it.pseudo_labels, self.given)
        self.stopwatch.save()
        row["wall_seconds"] = round(self.stopwatch.seconds(), 3)
        if it.model_labels is not None and len(it.model_labels) > 1:
            self.votes.add(it.index, it.model_labels)
        self.history.add(row)
        if it.labels is not None and (line := phase_line(row, self.n_clusters)) is not None:
            self.display.notify(line)
            log.info(line)  # to the run's log; the terminal already shows it

    def warn_of_no_pseudo_labels(self, method: Any) -> None:
        """Warn if no iteration of the fitted method had pseudo-labels to train on."""
        rules = {row.get("rule") for row in self.history.rows[:-1]}  # nothing trains on the last phase's set
        if rules == {"unsupervised"}:
            threshold = getattr(method.pseudo_labels, "threshold", None)
            more = "" if threshold is None else f", or a pseudo_labels.threshold below {threshold:g}"
            if not getattr(method.pseudo_labels, "relax", True):
                more = ", lower thresholds, or pseudo_labels.relax=true"
            log.warning(
                "No iteration trained on pseudo-labels: n_clusters=%d mini-clusters of enough points were "
                "never found. Give a smaller n_clusters%s",
                self.n_clusters,
                more,
            )
