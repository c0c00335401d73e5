"""A run's folder is a function of what decides its result, so that the same command finds it again."""

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

# Neither how a fit is run, nor where files come from, nor what is written beside the labels changes these.
NOT_HASHED = WITHOUT_EFFECT | {"mirror", "data_dir", "keep_columns"}
# Settings that came later, and the value with which a run is as it was before them: it keeps its hash.
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
# Settings of data sets that name a file or folder; these may name a column as well.
FILES = {"path", "labels", "given", "links", "features", "images", "weights"}
MAYBE_COLUMNS = {"labels", "given"}
LONGEST_NAME = 60  # letters of a file's name; file systems take 255 bytes


def config_hash(cfg: DictConfig) -> str:
    """8 hexadecimal digits of all settings that can change the labels.

    These are the data set's and the method's nodes, less `NOT_HASHED`; the method's holds the base model,
    the pseudo-labels, the seed, the training settings as far as the method uses them, and the labels it is
    given. A file or folder
    that the data set names counts by its contents: another file under the same name is another run.
    """
    return hash_of(hashed_settings(cfg))


def hashed_settings(cfg: DictConfig) -> str:
    """Return the settings that `config_hash` is the hash of, as JSON."""
    groups = (OmegaConf.to_container(cfg[group], resolve=True) for group in ("dataset", "method"))
    data, method = map(_effective, groups)
    method |= _effective(labels_to_draw(cfg) or {})
    settings = {"dataset": _with_contents(data), "method": method}
    if "labels_per_class" in method and "random_state" not in method:
        settings["labels_of_seed"] = cfg.seed  # of what is given to it, where nothing in it is random
    return json.dumps(settings, sort_keys=True)


def hash_of(settings: str) -> str:
    """Return the 8 hexadecimal digits by which runs are found again."""
    return hashlib.sha256(settings.encode()).hexdigest()[:8]


def run_folder(cfg: DictConfig) -> str:
    """``<dataset>/<method>-<base>/seed<seed>-<hash>``, below the folder of all runs; of the whole config.

    Methods that are not made of a base model have ``<method>`` alone; a user's own data set is called
    ``custom-<name of the file, without its endings>``.
    """
    if cfg.get("output_dir") == "":
        raise InputError("output_dir must not be empty: give a folder, or leave it out")
    chosen = cfg.hydra.runtime.choices
    base = base_model(cfg, chosen)
    method = chosen.method if base is None else f"{chosen.method}-{base}"
    return f"{_dataset_name(cfg.dataset, chosen.dataset)}/{method}/seed{cfg.seed}-{config_hash(cfg)}"


def base_model(cfg: DictConfig, chosen: Any) -> str | None:
    """Return the base model that was chosen; None where the method has no use for one."""
    return chosen.base if "base" in cfg.method else None


@contextmanager
def exclusive_run(folder: Path) -> Iterator[None]:
    """No other process works on the run of this folder meanwhile; InputError where one does."""
    with folder_lock(folder) as is_free:
        if not is_free:
            raise InputError(
                f"Another process is working on this run in {folder}: wait until it ends; this command then "
                "shows the result"
            )
        yield


def _dataset_name(dataset: DictConfig, chosen: str) -> str:
    """Return the data set's name; of one read from ``path`` with the file's, as far as any shell takes it."""
    if OmegaConf.is_missing(dataset, "path") or dataset.get("path") is None:
        return chosen
    stem = Path(str(dataset.path)).expanduser().absolute().name.partition(".")[0]
    name = re.sub(r"[^\w-]+", "_", stem)[:LONGEST_NAME].strip("_")
    return f"{chosen}-{name}" if name else chosen


def _effective(node: Any) -> Any:
    """`node` less what has no effect, at any depth."""
    if isinstance(node, dict):
        return {
            key: _effective(value)
            for key, value in node.items()
            if key not in NOT_HASHED and (key not in AS_BEFORE or value != AS_BEFORE[key])
        }
    return [_effective(value) for value in node] if isinstance(node, list) else node


def _with_contents(node: Any, setting: str = "") -> Any:
    """`node` with what identifies the contents of a file or folder in place of its name."""
    if isinstance(node, dict):
        return {key: _with_contents(value, key) for key, value in node.items()}
    if setting in FILES and is_integer(node):
        node = str(node)  # 2024 may be a folder's name
    if not isinstance(node, str) or setting not in FILES:
        return node
    place = Path(node).expanduser()
    if place.is_file():
        found = place.stat()
        digest = _digest(str(place), found.st_size, found.st_mtime_ns)
        return [node, digest] if setting in MAYBE_COLUMNS else digest  # a column may have a file's name
    if place.is_dir() and node and setting not in MAYBE_COLUMNS:
        # A folder of texts or pictures may be large: names, sizes and times stand for the contents.
        files = [(path, path.stat()) for path in files_and_classes(place)[0]]
        return [(str(path.relative_to(place)), found.st_size, found.st_mtime_ns) for path, found in files]
    return node


@cache
def _digest(path: str, size: int, mtime_ns: int) -> str:
    """sha256 of a file, once for each state of it: Hydra asks for the folder's name several times."""
    return checksum(Path(path))
