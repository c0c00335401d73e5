"""A run's folder is a function of what decides its result, so that the same command finds it again."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

# Where files come from and where the work is done change rounding, and on a GPU the noise.
WITHOUT_EFFECT = {"mirror", "data_dir", "device", "n_jobs", "compile"}


def config_hash(cfg: DictConfig) -> str:
    """8 hexadecimal digits of all settings that can change the labels.

    These are the data set's and the method's nodes, less `WITHOUT_EFFECT`; the method's holds the base model,
    the pseudo-labels, the seed and the training settings as far as the method uses them. A file or folder
    that the data set names counts by its contents: another file under the same name is another run.
    """
    groups = (OmegaConf.to_container(cfg[group], resolve=True) for group in ("dataset", "method"))
    data, method = map(_effective, groups)
    settings = {"dataset": _with_contents(data), "method": method}
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]


def run_folder(cfg: DictConfig) -> str:
    """``<dataset>/<method>-<base>/seed<seed>-<hash>``, below the folder of all runs.

    Methods that are not made of a base model have ``<method>`` alone.

    Parameters
    ----------
    cfg : DictConfig
        The whole config, with Hydra's own node.
    """
    chosen = cfg.hydra.runtime.choices
    base = base_model(cfg, chosen)
    method = chosen.method if base is None else f"{chosen.method}-{base}"
    return f"{chosen.dataset}/{method}/seed{cfg.seed}-{config_hash(cfg)}"


def base_model(cfg: DictConfig, chosen: Any) -> str | None:
    """The base model that was chosen; None where the method has no use for one."""
    return chosen.base if "base" in cfg.method else None


def _effective(node: Any) -> Any:
    """`node` less what has no effect, at any depth."""
    if isinstance(node, dict):
        return {key: _effective(value) for key, value in node.items() if key not in WITHOUT_EFFECT}
    return [_effective(value) for value in node] if isinstance(node, list) else node


def _with_contents(node: Any) -> Any:
    """`node` with what identifies the contents of a file or folder in place of its name."""
    if isinstance(node, dict):
        return {key: _with_contents(value) for key, value in node.items()}
    if isinstance(node, str) and Path(node).is_file():
        found = Path(node).stat()
        return _digest(node, found.st_size, found.st_mtime_ns)
    if isinstance(node, str) and Path(node).is_dir():
        # A folder of texts or pictures may be large: names, sizes and times stand for the contents.
        files = [(path, path.stat()) for path in sorted(Path(node).rglob("*")) if path.is_file()]
        return [(str(path.relative_to(node)), found.st_size, found.st_mtime_ns) for path, found in files]
    return node


@cache
def _digest(path: str, size: int, mtime_ns: int) -> str:
    """sha256 of a file, once for each state of it: Hydra asks for the folder's name several times."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
