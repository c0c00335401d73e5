"""What watches a fit: shows its progress, and writes history.csv, with scores where the classes are known."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kingdra_repro.evaluation import phase_scores
from kingdra_repro.report.history import History
from kingdra_repro.report.progress import ProgressDisplay
from kingdra_repro.report.stopwatch import Stopwatch
from kingdra_repro.report.votes import Votes

if TYPE_CHECKING:
    from kingdra_repro.methods import Iteration, Progress


log = logging.getLogger(__name__)


class RunMonitor:
    """The monitor that the command line hands to a method. The method never sees the classes; this does.

    Parameters
    ----------
    folder : Path
        The run's folder; history.csv goes there.
    y : int64 array [n], the classes, or None
    display : ProgressDisplay
    stopwatch : Stopwatch
    votes : Votes
    given : int64 array [n], the labels that the method is given, -1 for none; None where it is given none
    """

    def __init__(
        self,
        folder: Path,
        y: np.ndarray | None,
        display: ProgressDisplay,
        stopwatch: Stopwatch,
        votes: Votes,
        given: np.ndarray | None = None,
    ):
        self.history = History(folder / "history.csv")
        self.y, self.given = y, given
        self.display = display
        self.stopwatch = stopwatch
        self.votes = votes

    def progress(self, event: "Progress") -> None:
        """Called at every training step."""
        self.stopwatch.tick()
        self.display.show(event)

    def iteration(self, it: "Iteration") -> None:
        """Called after each phase. A line is shown of those that come to an answer."""
        row: dict[str, object] = dict(it.row)
        if self.y is not None and it.labels is not None:
            row |= phase_scores(self.y, it.labels, it.model_labels, it.pseudo_labels, self.given)
        self.stopwatch.save()
        row["wall_seconds"] = round(self.stopwatch.seconds(), 3)
        if it.model_labels is not None and len(it.model_labels) > 1:
            self.votes.add(it.index, it.model_labels)
        self.history.add(row)
        if it.labels is not None:
            self.display.tell(line := _line(row))
            log.info(line)  # to the run's log; the terminal has it


def _line(row: dict[str, object]) -> str:
    """A phase in one line: the scores that are known, and the pseudo-labels."""
    parts = [f"iteration {row['iteration']}:"]
    if "acc" in row:
        single = f", single models {row['model_acc_mean']:.3f}" if "model_acc_mean" in row else ""
        parts.append(f"accuracy {row['acc']:.3f}{single};")
    if row.get("n_pseudo_labels"):
        parts.append(f"{row['n_pseudo_labels']:,} pseudo-labels in {row['n_mini_clusters']} mini-clusters")
        if row.get("pseudo_label_acc") is not None:
            parts.append(f"({row['pseudo_label_acc']:.3f} right)")
        parts[-1] += ";"
    if row.get("agreement") is not None:
        parts.append(f"agreement {row['agreement']:.3f};")
    parts.append(f"{row['wall_seconds']:.0f} s")
    return " ".join(parts)
