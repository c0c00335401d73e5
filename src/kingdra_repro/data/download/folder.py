"""Where data files are kept."""

import os
from pathlib import Path

import pooch


def data_folder(data_dir: str | os.PathLike | None = None) -> Path:
    """Return the folder that holds downloaded and prepared data; it need not exist yet.

    None: the environment variable ``KINGDRA_DATA_DIR``, and without one the user's cache folder of the
    platform (``~/.cache/kingdra`` on Linux).
    """
    chosen = data_dir or os.environ.get("KINGDRA_DATA_DIR") or pooch.os_cache("kingdra")
    return Path(chosen).expanduser()
