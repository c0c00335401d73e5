"""The files in a user's folder, and the classes that its subfolders may represent."""

import logging
import os
from pathlib import Path

from kingdra_repro.errors import InputError, format_names

log = logging.getLogger(__name__)

MAX_STRAY_FRACTION = 0.1  # of all files; so few files next to subfolders are probably not data points


def files_and_classes(folder: Path) -> tuple[list[Path], list[str] | None]:
    """Return all files below a folder, sorted by path, without hidden files.

    Returns
    -------
    files : list of Path
    classes : list of str or None
        The top-level subfolder of each file, if all files are in subfolders. If all but a few files (such as
        a README) are, a warning says why there are no classes.

    Raises
    ------
    InputError
        If there are no files, a folder cannot be read, symbolic links form a cycle, an entry is not a regular
        file, or a name is not valid UTF-8, which results could not hold.
    """
    names = []
    for place, subfolders, files in os.walk(folder, followlinks=True, onerror=_unreadable):
        above = Path(place).parents[: len(Path(place).parts) - len(folder.parts)]
        if os.path.realpath(place) in map(os.path.realpath, above):
            raise InputError(f"{place} is a link to a folder that it lies in: remove the link")
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        below = Path(place).relative_to(folder)
        names += [below / name for name in files if not name.startswith(".")]
    for name in names:
        if (folder / name).exists() and not (folder / name).is_file():  # reading it would block forever
            raise InputError(f"{folder / name} is a pipe or the like, not a file: remove it")
    if not names:
        raise InputError(f"{folder} holds no files: name the folder that holds your texts or pictures")
    for name in names:
        try:
            str(name).encode()
        except UnicodeEncodeError as error:
            raise InputError(f"{os.fsencode(folder / name)!r} is not UTF-8: rename the file") from error
    names.sort()
    beside = [name.name for name in names if len(name.parts) == 1]
    if not beside:
        return [folder / name for name in names], [name.parts[0] for name in names]
    classes = {name.parts[0] for name in names if len(name.parts) > 1}
    if len(classes) > 1 and len(beside) <= max(1, MAX_STRAY_FRACTION * len(names)):
        log.warning(
            "%s has %s beside its subfolders, whose names are therefore no labels: move %s elsewhere, "
            "if they are",
            folder,
            format_names(beside),
            "it" if len(beside) == 1 else "them",
        )
    return [folder / name for name in names], None


def _unreadable(error: OSError) -> None:
    raise InputError(
        f"{error.filename}: {error.strerror}: make it readable, or take it out of the folder"
    ) from error
