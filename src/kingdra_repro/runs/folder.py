"""The folder of a run. Its name follows from what decides the result, so the same command finds it again."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from kingdra_repro.checks import is_integer
from kingdra_repro.config import labels_to_draw
from kingdra_repro.data.sources.file_folder import files_and_classes
from kingdra_repro.errors import InputError
from kingdra_repro.files import checksum, folder_lock
from kingdra_repro.training.options import WITHOUT_EFFECT

# How a fit is run, where files come from and what is written in addition do not change the labels.
NOT_HASHED = WITHOUT_EFFECT | {"mirror", "data_dir", "keep_columns"}
# Settings that were added later, with the value that keeps the earlier behaviour: it is not hashed.
AS_BEFORE = {
    "decay_epochs": 0.0,
    "labels_fraction": None,
    "labels_per_class": None,
    "given": None,
    "links": None,
    "keep_phase": "last",
    "relax": True,
    "image_shape": None,
    "drop": None,
    "id": None,
    "missing": "error",
    "categories": "error",
    "dates": "ignore",
    "separator": None,
    "decimal": None,
    "encoding": None,
    "header": "auto",
    "stream": "auto",
    "buffer_rows": None,
}
# Settings of data sets that name a file or folder; those of MAYBE_COLUMNS may name a column instead.
FILES = {"path", "labels", "given", "links", "features", "images", "weights"}
MAYBE_COLUMNS = {"labels", "given"}
LONGEST_NAME = 60  # characters of a file's name; file systems allow 255 bytes


def config_hash(cfg: DictConfig) -> str:
    """Return the hash, 8 hexadecimal digits, of all settings that can change the labels.

    These are the nodes of the data set and the method, without `NOT_HASHED` and without settings that have
    their value in `AS_BEFORE`. The method's node holds the base model, the pseudo-labels, the seed and the
    training settings that the method uses; the number of labels to draw is added. A file that the data set
    names counts by its contents, and a folder by the names, sizes and times of its files: other contents
    under the same name make another run.
    """
    return hash_of(hashed_settings(cfg))


def hashed_settings(cfg: DictConfig) -> str:
    """Return the settings that `config_hash` hashes, as JSON."""
    groups = (OmegaConf.to_container(cfg[group], resolve=True) for group in ("dataset", "method"))
    data, method = map(_effective, groups)
    method |= _effective(labels_to_draw(cfg) or {})
    settings = {"dataset": _with_contents(data), "method": method}
    if "labels_per_class" in method and "random_state" not in method:
        settings["labels_of_seed"] = cfg.seed  # the seed draws labels even if the method is not random
    return json.dumps(settings, sort_keys=True)


def hash_of(settings: str) -> str:
    """Return the first 8 hexadecimal digits of the SHA-256 of some settings."""
    return hashlib.sha256(settings.encode()).hexdigest()[:8]


def run_folder(cfg: DictConfig) -> str:
    """Return ``<dataset>/<method>-<base>/seed<seed>-<hash>``, relative to the folder of all runs.

    `cfg` is the whole config. Methods without a base model have only ``<method>``. A user's own data set is
    called ``custom-<name of the file, without extensions>``.
    """
    if cfg.get("output_dir") == "":
        raise InputError("output_dir must not be empty: give a folder, or leave it out")
    chosen = cfg.hydra.runtime.choices
    base = base_model(cfg, chosen)
    method = chosen.method if base is None else f"{chosen.method}-{base}"
    return f"{_dataset_name(cfg.dataset, chosen.dataset)}/{method}/seed{cfg.seed}-{config_hash(cfg)}"


def base_model(cfg: DictConfig, chosen: Any) -> str | None:
    """Return the name of the chosen base model; None if the method does not use one."""
    return chosen.base if "base" in cfg.method else None


@contextmanager
def exclusive_run(folder: Path) -> Iterator[None]:
    """Hold the lock of a run's folder; raise InputError if another process is working on the run."""
    with folder_lock(folder) as is_free:
        if not is_free:
            raise InputError(
                f"Another process is working on this run in {folder}: wait until it ends; this command then "
                "shows the result"
            )
        yield


def _dataset_name(dataset: DictConfig, chosen: str) -> str:
    """Return the data set's name and, if it has a ``path``, its file's name in shell-safe characters."""
    if OmegaConf.is_missing(dataset, "path") or dataset.get("path") is None:
        return chosen
    stem = Path(str(dataset.path)).expanduser().absolute().name.partition(".")[0]
    name = re.sub(r"[^\w-]+", "_", stem)[:LONGEST_NAME].strip("_")
    return f"{chosen}-{name}" if name else chosen


def _effective(node: Any) -> Any:
    """Return `node` without the settings that have no effect, at any depth."""
    if isinstance(node, dict):
        return {
            key: _effective(value)
            for key, value in node.items()
            if key not in NOT_HASHED and (key not in AS_BEFORE or value != AS_BEFORE[key])
        }
    return [_effective(value) for value in node] if isinstance(node, list) else node


def _with_contents(node: Any, setting: str = "") -> Any:
    """Return `node` with each name of a file or folder replaced by what identifies its contents."""
    if isinstance(node, dict):
        return {key: _with_contents(value, key) for key, value in node.items()}
    if setting in FILES and is_integer(node):
        node = str(node)  # a folder may be called 2024
    if not isinstance(node, str) or setting not in FILES:
        return node
    place = Path(node).expanduser()
    if place.is_file():
        found = place.stat()
        digest = _digest(str(place), found.st_size, found.st_mtime_ns)
        return [node, digest] if setting in MAYBE_COLUMNS else digest  # a column may have the name of a file
    if place.is_dir() and node and setting not in MAYBE_COLUMNS:
        # A folder of texts or pictures may be large, so names, sizes and times stand for its contents.
        files = [(path, path.stat()) for path in files_and_classes(place)[0]]
        return [(str(path.relative_to(place)), found.st_size, found.st_mtime_ns) for path, found in files]
    return node


@cache
def _digest(path: str, size: int, mtime_ns: int) -> str:
    """Return the SHA-256 of a file. Cached, because Hydra asks for the folder's name several times."""
    return checksum(Path(path))
