"""What a killed run leaves, and the next one takes up."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from kingdra_repro.errors import InputError
from kingdra_repro.files import atomic_write


class Checkpoint:
    """A folder of named states, each file whole or absent, all of one run.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    run : str
        What the states depend on (settings and data), in a line. States that another run left are not
        taken up; where it left none, having failed before it trained anything, the folder is this run's.

    Raises
    ------
    InputError
        If the folder holds the states of another run, or cannot be written to.
    """

    def __init__(self, folder: Path, run: str) -> None:
        self.folder, self.run = folder, run
        known = self.load("run")
        if known is not None and known["run"] != run and self._has_no_states():
            (folder / "seed.pt").unlink(missing_ok=True)
            known = None
        if known is None:
            self.save("run", {"run": run})
        elif known["run"] != run:
            raise InputError(
                f"The checkpoint in {folder} belongs to other settings or data: give another checkpoint_dir, "
                "or remove that folder"
            )

    def save(self, name: str, state: dict[Any, Any]) -> None:
        """Write a state of tensors, numbers, strings, lists, tuples and dicts."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            atomic_write(self.folder / f"{name}.pt", lambda file: torch.save(_plain(state), file))
        except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
            raise InputError(
                f"Cannot write the checkpoint in {self.folder} ({error}): free space there, or give a "
                "folder that can be written to"
            ) from error

    def _has_no_states(self) -> bool:
        """Look here or in folders within, such as that of a first phase."""
        return all(path.stem in ("run", "seed") for path in self.folder.rglob("*.pt"))

    def names(self, prefix: str) -> list[str]:
        """Return the names of the saved states that begin so."""
        return sorted(path.stem for path in self.folder.glob(f"{prefix}*.pt"))

    def load(self, name: str) -> dict[Any, Any] | None:
        """Load a state as it was saved (on the CPU), or None where there is none.

        Only tensors and plain values are read.
        """
        path = self.folder / f"{name}.pt"
        if not path.exists():
            return None
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # torch's reader fails in many ways on bytes that it did not write
            raise InputError(f"{path} cannot be read: remove {self.folder} to start again") from error


def _plain(value: Any) -> Any:
    """With Python's numbers for NumPy's, which are not read again with ``weights_only``."""
    if isinstance(value, dict):
        return {_plain(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        plain = [_plain(one) for one in value]
        return plain if isinstance(value, list) else tuple(plain)
    return value.item() if isinstance(value, np.generic) else value
