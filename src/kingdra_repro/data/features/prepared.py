"""Features that were made once and are kept in the data folder.

A prepared folder holds ``train_X.npy`` (or a sparse ``train_X.npz``), ``train_Y.npy`` where there are labels
(the names of the authors' own feature files), and ``about.json``: how they were made, n, d, checksums,
version, commit. It appears whole, by a rename.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from kingdra_repro.data.download.download import folder_beside
from kingdra_repro.data.download.folder import data_folder
from kingdra_repro.errors import InputError
from kingdra_repro.files import checksum
from kingdra_repro.provenance import commit
from kingdra_repro.version import package_version

# To be raised where the same settings come to give other features, so that old ones are not used any more.
FEATURES_VERSION = 1


def prepared_folder(
    data_dir: str | os.PathLike | None, dataset: str, kind: str, settings: dict[str, Any]
) -> Path:
    """Where the features of a data set with these settings are kept: a folder of the data folder.

    Parameters
    ----------
    dataset : str
        The data set's folder in the data folder.
    kind : str
        First part of the folder's name, for people.
    settings : dict
        All that the features depend on; as JSON it makes the rest of the name.
    """
    made = json.dumps({"making": FEATURES_VERSION, **settings}, sort_keys=True)
    digest = hashlib.sha256(made.encode()).hexdigest()
    return data_folder(data_dir).absolute() / dataset / f"{kind}_{digest[:8]}"


def read_prepared(
    folder: Path,
) -> tuple[np.ndarray | sp.csr_matrix, np.ndarray | None, dict[str, Any]]:
    """Features (a read-only memory map, or CSR), labels and about.json of a prepared folder.

    Raises
    ------
    InputError
        Where it is damaged.
    """
    try:
        about = json.loads((folder / "about.json").read_text())
        labels = folder / "train_Y.npy"
        y = np.load(labels, allow_pickle=False) if labels.exists() else None
        if (folder / "train_X.npz").exists():
            return sp.csr_matrix(sp.load_npz(folder / "train_X.npz")), y, about
        return np.load(folder / "train_X.npy", mmap_mode="r", allow_pickle=False), y, about
    except MemoryError:
        raise
    except Exception as error:  # NumPy's reader fails in many ways on bytes that it did not write
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{folder} is damaged ({reason}): remove it, and it will be made again") from error


def write_prepared(
    target: Path, X: np.ndarray | sp.csr_matrix, labels: np.ndarray | None, about: dict[str, Any]
) -> None:
    """Write a prepared folder from features in memory.

    Raises
    ------
    InputError
        Where the data folder cannot be written to.
    """
    with folder_beside(target) as beside:
        part = beside / target.name
        part.mkdir()
        if sp.issparse(X):
            sp.save_npz(part / "train_X.npz", X)
        else:
            np.save(part / "train_X.npy", X, allow_pickle=False)
        finish_prepared(part, target, labels, {**about, "n": X.shape[0], "d": X.shape[1]})


def finish_prepared(part: Path, target: Path, labels: np.ndarray | None, about: dict[str, Any]) -> None:
    """Add labels and about.json to a folder that has the features, and give it its name.

    The folder `part` holds train_X.npy or train_X.npz and nothing else, on the same disk as `target`.
    """
    if labels is not None:
        np.save(part / "train_Y.npy", labels.astype(np.int64), allow_pickle=False)
    sums = {path.name: checksum(path) for path in sorted(part.iterdir())}
    about = {**about, "sha256": sums, "version": package_version(), "commit": commit()}
    (part / "about.json").write_text(json.dumps(about, indent=1))
    try:
        os.replace(part, target)
    except OSError:
        if not target.is_dir():
            raise
        shutil.rmtree(part)  # another process was first, with the same content
