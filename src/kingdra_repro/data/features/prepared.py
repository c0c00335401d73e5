"""Read and write prepared folders: features that are computed once and kept in the data folder.

A prepared folder contains ``train_X.npy`` (or a sparse ``train_X.npz``), ``train_Y.npy`` if there are labels
(the file names are those of the authors' own feature files), and ``about.json``: how the features were made,
n, d, checksums, version and commit. It is created by a rename, so it is never incomplete.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from kingdra_repro.data.download.download import sibling_temp_dir
from kingdra_repro.data.download.folder import data_folder
from kingdra_repro.errors import InputError
from kingdra_repro.files import checksum
from kingdra_repro.provenance import commit
from kingdra_repro.version import package_version

# Increase this when the same settings give different features than before, so that old folders are not used.
FEATURES_VERSION = 1


def prepared_folder(
    data_dir: str | os.PathLike | None, dataset: str, kind: str, settings: dict[str, Any]
) -> Path:
    """Return the path of the prepared folder for a data set and these settings, inside the data folder.

    Parameters
    ----------
    dataset : str
        The data set's folder in the data folder.
    kind : str
        First part of the folder's name, meant for human readers.
    settings : dict
        Everything that the features depend on; a hash of its JSON is the rest of the name.
    """
    made = json.dumps({"making": FEATURES_VERSION, **settings}, sort_keys=True)
    digest = hashlib.sha256(made.encode()).hexdigest()
    return data_folder(data_dir).absolute() / dataset / f"{kind}_{digest[:8]}"


def read_prepared(
    folder: Path,
) -> tuple[np.ndarray | sp.csr_matrix, np.ndarray | None, dict[str, Any]]:
    """Read the features (a read-only memory map, or CSR), labels and about.json of a prepared folder.

    Raises
    ------
    InputError
        If the folder is damaged.
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
    except Exception as error:  # NumPy raises many kinds of errors for files it did not write
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{folder} is damaged ({reason}): remove it, and it will be made again") from error


def write_prepared(
    target: Path, X: np.ndarray | sp.csr_matrix, labels: np.ndarray | None, about: dict[str, Any]
) -> None:
    """Write a prepared folder from features in memory.

    Raises
    ------
    InputError
        If the data folder cannot be written to.
    """
    with sibling_temp_dir(target) as temp_dir:
        part = temp_dir / target.name
        part.mkdir()
        if sp.issparse(X):
            sp.save_npz(part / "train_X.npz", X)
        else:
            np.save(part / "train_X.npy", X, allow_pickle=False)
        finish_prepared(part, target, labels, {**about, "n": X.shape[0], "d": X.shape[1]})


def finish_prepared(part: Path, target: Path, labels: np.ndarray | None, about: dict[str, Any]) -> None:
    """Add labels and about.json to the folder `part`, which has the features, and rename it to `target`.

    `part` contains train_X.npy or train_X.npz and nothing else, and is on the same disk as `target`.
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
        shutil.rmtree(part)  # another process was faster, with the same content
