"""The checkpoint of an ensemble: one folder per phase, and the choice of the phase to resume from.

    phase2/models_0_1.pt  members at the end of phase 2
    phase2/iteration.pt   written last, marks the phase as done: the history, what the next phase trains on
    phase3/models_0_1.pt  the same members within phase 3

The last two completed phases are kept, so that a state that is damaged later costs a phase, not the run.
"""

import logging
import shutil
from pathlib import Path
from typing import Any

from kingdra_repro.errors import InputError
from kingdra_repro.training.checkpoint import Checkpoint, read_note

KEPT = 2

log = logging.getLogger(__name__)


def models_of(checkpoint: Checkpoint, phase: int) -> list[str]:
    """List the names of the members' saved states at the end of a phase or within it."""
    return checkpoint.names(f"phase{phase}/models_")


def mark_phase_done(checkpoint: Checkpoint, phase: int, state: dict[str, Any]) -> None:
    """Mark a phase as done, after its members were saved, and remove all but the last completed phases.

    ``state`` is what `resumable` returns.
    """
    checkpoint.save(f"phase{phase}/iteration", {**state, "models": models_of(checkpoint, phase)})
    oldest = _committed(checkpoint)[-KEPT:][0]
    for old in _phases(checkpoint):
        if old < oldest:
            _remove(checkpoint, old)


def resumable(checkpoint: Checkpoint) -> tuple[int, dict[str, Any]] | None:
    """Load the last phase that is done and undamaged, with its state; return None if no phase is done.

    Damaged states of members within the next phase are removed, and so are all later phases: the members then
    resume from the end of the phase that is returned.

    Raises
    ------
    InputError
        If all completed phases are damaged.
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
    """Describe the state from which a fit with this checkpoint would resume; return None if there is none.

    For example "iteration 2 and 370 model epochs", "12 model epochs", or the note of another method's state.
    """
    epochs: dict[tuple[Path, str], int] = {}
    for path in folder.rglob("phase*/models_*.pt"):  # in subfolders too: models of a first phase
        for entry in read_note(path).split():
            member, done = entry.split(":")
            key = path.parent.parent, member
            epochs[key] = max(epochs.get(key, 0), int(done))
    committed = [int(path.parent.name.removeprefix("phase")) for path in folder.glob("phase*/iteration.pt")]
    parts = [f"iteration {max(committed)}"] if committed else []
    if epochs:
        parts.append(f"{sum(epochs.values()):,} model epochs")
    if not parts:
        states = sorted(folder.glob("*.pt"), key=lambda path: path.stat().st_mtime_ns)
        parts = [note for path in states if (note := read_note(path))][-1:]
    return " and ".join(parts) or None


def _faults(checkpoint: Checkpoint, phase: int) -> list[str]:
    """List the damaged or missing files of a phase."""
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
    checkpoint.remove(f"phase{phase}/iteration")  # first: a half-removed phase must not be resumed from
    shutil.rmtree(checkpoint.folder / f"phase{phase}", ignore_errors=True)
