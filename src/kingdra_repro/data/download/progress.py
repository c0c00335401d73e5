"""Progress bars for downloads and feature extraction."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)


def rows_progress() -> Progress:
    """Return a progress bar that counts rows."""
    return _progress(MofNCompleteColumn())


def _progress(*how_much: ProgressColumn) -> Progress:
    """Return a progress bar on standard error with the remaining time; it disappears when it stops."""
    description, bar, left = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    return Progress(description, bar, *how_much, left, console=Console(stderr=True), transient=True)


class DownloadProgress:
    """A progress bar of downloaded bytes that pooch can use: it has ``total``, update, reset and close."""

    def __init__(self, description: str) -> None:
        self._bar = _progress(DownloadColumn(), TransferSpeedColumn())
        self._task = self._bar.add_task(description, total=None)
        self._bar.start()

    @property
    def total(self) -> float | None:
        """Size of the download in bytes; None until the server reports it."""
        return self._bar.tasks[0].total

    @total.setter
    def total(self, n_bytes: float) -> None:
        self._bar.update(self._task, total=n_bytes or None)

    def update(self, n_bytes: int) -> None:
        """Add the number of bytes that have arrived."""
        self._bar.advance(self._task, n_bytes)

    def reset(self) -> None:
        """Reset the bar; pooch calls this at the end, before it fills the bar once more."""
        self._bar.reset(self._task, total=self.total)

    def close(self) -> None:
        """Remove the bar; this may be called more than once."""
        self._bar.stop()
