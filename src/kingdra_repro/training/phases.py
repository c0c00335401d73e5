"""The checkpoint of an ensemble: a folder a phase, and which of them a killed run goes on from.

    phase2/models_0_1.pt  members as they are at the end of phase 2
    phase2/iteration.pt   written last: the phase is done; the history, and what the next phase trains on
    phase3/models_0_1.pt  the same members within phase 3

The last two phases that are done are kept: a state that is damaged later costs a phase, not the run.
"""

import logging
import shutil
from pathlib import Path
from typing import Any

from kingdra_repro.errors import InputError
from kingdra_repro.training.checkpoint import Checkpoint, note_of

KEPT = 2

log = logging.getLogger(__name__)


def models_of(checkpoint: Checkpoint, phase: int) -> list[str]:
    """List the names of the saved states of members at the end of a phase, or within it."""
    return checkpoint.names(f"phase{phase}/models_")


def note_phase(checkpoint: Checkpoint, phase: int, state: dict[str, Any]) -> None:
    """Note that a phase is done, whose members have been saved, and remove phases that are too old.

    ``state`` is what `resumable` gives back.
    """
    checkpoint.save(f"phase{phase}/iteration", {**state, "models": models_of(checkpoint, phase)})
    oldest = _committed(checkpoint)[-KEPT:][0]
    for old in _phases(checkpoint):
        if old < oldest:
            _remove(checkpoint, old)


def resumable(checkpoint: Checkpoint) -> tuple[int, dict[str, Any]] | None:
    """Load the last phase that is done and undamaged, and its state; None where no phase is done.

    Damaged states of members within the next phase are removed, and phases after that: members then go on
    from the end of the phase.

    Raises
    ------
    InputError
        If phases are done, but all are damaged.
    """
    committed, found, damaged = _committed(checkpoint), None, list[str]()
    for phase in reversed(committed):
        faults = _faults(checkpoint, phase)
        if not faults:
            found = phase
            break
        damaged += faults
    if committed and found is None:
        raise InputError(
            f"The checkpoint in {checkpoint.folder} has damaged or lost {', '.join(damaged)}: put the files "
            "models_*.pt back, or remove that folder to start again"
        )
    last = -1 if found is None else found
    for phase in _phases(checkpoint):
        if phase > last:
            checkpoint.remove(f"phase{phase}/iteration")
        if phase > last + 1:
            _remove(checkpoint, phase)
    for name in models_of(checkpoint, last + 1):
        if not checkpoint.is_complete(name):
            damaged.append(f"{name}.pt")
            checkpoint.remove(name)
    if damaged:
        since = "the beginning" if found is None else f"the end of iteration {found}"
        log.warning(
            "The checkpoint in %s has damaged or lost %s: going on from %s",
            checkpoint.folder,
            ", ".join(dict.fromkeys(damaged)),
            since,
        )
    if found is None:
        return None
    return found, checkpoint.load(f"phase{found}/iteration") or {}


def saved_progress(folder: Path) -> str | None:
    """Say what a fit with this checkpoint goes on after; None where nothing is saved that it would take up.

    Such as "iteration 2 and 370 model epochs", "12 model epochs", or a note of another method's state.
    """
    epochs: dict[tuple[Path, str], int] = {}
    for path in folder.rglob("phase*/models_*.pt"):  # those of a first phase by other models, too
        for entry in note_of(path).split():
            member, done = entry.split(":")
            key = path.parent.parent, member
            epochs[key] = max(epochs.get(key, 0), int(done))
    committed = [int(path.parent.name.removeprefix("phase")) for path in folder.glob("phase*/iteration.pt")]
    parts = [f"iteration {max(committed)}"] if committed else []
    if epochs:
        parts.append(f"{sum(epochs.values()):,} model epochs")
    if not parts:
        states = sorted(folder.glob("*.pt"), key=lambda path: path.stat().st_mtime_ns)
        parts = [note for path in states if (note := note_of(path))][-1:]
    return " and ".join(parts) or None


def _faults(checkpoint: Checkpoint, phase: int) -> list[str]:
    """List the files of a phase that are damaged, or missing."""
    iteration = f"phase{phase}/iteration"
    if not checkpoint.is_complete(iteration):
        return [f"{iteration}.pt"]
    noted = (checkpoint.load(iteration) or {}).get("models", [])
    names = sorted({*noted, *models_of(checkpoint, phase)})
    return [f"{name}.pt" for name in names if not checkpoint.is_complete(name)]


def _phases(checkpoint: Checkpoint) -> list[int]:
    found = (path.name.removeprefix("phase") for path in checkpoint.folder.glob("phase*"))
    return sorted(int(number) for number in found if number.isdecimal())


def _committed(checkpoint: Checkpoint) -> list[int]:
    return [phase for phase in _phases(checkpoint) if checkpoint.names(f"phase{phase}/iteration")]


def _remove(checkpoint: Checkpoint, phase: int) -> None:
    checkpoint.remove(f"phase{phase}/iteration")  # first: a folder that is half removed is not taken up
    shutil.rmtree(checkpoint.folder / f"phase{phase}", ignore_errors=True)
