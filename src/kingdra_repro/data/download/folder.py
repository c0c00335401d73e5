"""The location of the data folder."""

import os
from pathlib import Path

import pooch


def data_folder(data_dir: str | os.PathLike | None = None) -> Path:
    """Return the folder for downloaded and prepared data, which need not exist yet.

    If `data_dir` is None, the environment variable ``KINGDRA_DATA_DIR`` gives the folder. If that is not set
    either, it is in the user's cache folder for the platform (``~/.cache/kingdra`` on Linux).
    """
    chosen = data_dir or os.environ.get("KINGDRA_DATA_DIR") or pooch.os_cache("kingdra")
    return Path(chosen).expanduser()
