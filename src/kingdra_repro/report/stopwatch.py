"""Seconds of work on a run, over all the parts it was cut into."""

import time
from pathlib import Path

from kingdra_repro.atomic import write_text
from kingdra_repro.errors import InputError

SAVE_EVERY = 5.0  # seconds; what a killed part loses at most


class Stopwatch:
    """Counts on from where an interrupted run of the same folder left off.

    Parameters
    ----------
    path : Path
        A file for the seconds so far; its folder exists. It goes when the run is done.

    Raises
    ------
    InputError
        If it holds no number.
    """

    def __init__(self, path: Path):
        self.path = path
        try:
            self._before = float(path.read_text()) if path.exists() else 0.0
        except ValueError as error:
            raise InputError(f"{path} is damaged: remove its folder to begin anew") from error
        self._start = self._saved = time.monotonic()

    def seconds(self) -> float:
        """Seconds of this part and of all earlier ones; the time between parts does not count."""
        return self._before + time.monotonic() - self._start

    def tick(self) -> None:
        """Save the seconds so far, at most every few seconds; cheap enough for every training step."""
        if time.monotonic() - self._saved >= SAVE_EVERY:
            self.save()

    def save(self) -> None:
        """Save the seconds so far."""
        self._saved = time.monotonic()
        write_text(self.path, f"{self.seconds():.3f}")
