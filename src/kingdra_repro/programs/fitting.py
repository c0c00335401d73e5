"""The fit of a run: its data, the settings that suit the data, its method, and what the fit records."""

import copy
import logging
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.console import Console

from kingdra_repro.auto_settings import FEW_NUMBERS, FEW_ROWS
from kingdra_repro.config import with_auto_settings, with_image_shape
from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.loaded import checked_dataset
from kingdra_repro.data.streamed import StreamedMatrix
from kingdra_repro.errors import InputError
from kingdra_repro.programs.given import fit, given_labels
from kingdra_repro.programs.unread import warn_of_unread
from kingdra_repro.provenance import commits, device_name
from kingdra_repro.runs.display import say
from kingdra_repro.runs.folder import base_model
from kingdra_repro.runs.monitor import RunMonitor, Stopwatch
from kingdra_repro.runs.votes import Votes
from kingdra_repro.training.progress import ProgressDisplay

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fit:
    """A finished fit.

    Attributes
    ----------
    given : int64 array [n], the labels that the method was given, -1 for none; or None
    votes : answers of its models after each phase
    device, commit : the device and the commits that made it; see `kingdra_repro.provenance`
    """

    method: Any
    given: np.ndarray | None
    votes: Votes
    stopwatch: Stopwatch
    device: str
    commit: str | None


def load(dataset: DictConfig) -> Dataset:
    """Load the data set of a run."""
    return checked_dataset(instantiate(dataset), dataset._target_)


def fit_method(cfg: DictConfig, choices: Any, data: Dataset, folder: Path, checkpoint: Path) -> Fit:
    """Fit the method of a run, or resume the fit from its checkpoint, which is a folder.

    `choices` are the names by which Hydra's config groups were chosen.
    """
    if cfg.n_clusters not in (None, data.n_clusters):
        raise InputError(
            f"n_clusters={cfg.n_clusters} is not read by dataset={choices.dataset}, which has "
            f"{data.n_clusters}: put n_clusters: ${{n_clusters}} into its config"
        )
    if isinstance(data.X, StreamedMatrix):
        _tell(data.X.summary())
    commit = commits(checkpoint / "commits")
    stopwatch, votes = Stopwatch(checkpoint / "wall_seconds"), Votes(checkpoint / "votes")
    given = given_labels(cfg, data, choices.method)
    settings = with_image_shape(_suited(cfg, choices, data), data.image_shape).method
    warn_of_unread(cfg, choices.method)
    with ProgressDisplay() as display:
        monitor = RunMonitor(folder, data.y, display, stopwatch, votes, given, data.n_clusters)
        method = _made(
            settings,
            n_clusters=data.n_clusters,
            image_shape=data.image_shape,
            checkpoint_dir=checkpoint,
            monitor=monitor,
        )
        fit(method, data, given, choices.method)
    monitor.warn_of_no_pseudo_labels(method)
    # Methods without a device are scikit-learn's, on the CPU.
    device = device_name(settings.get("device", "cpu"), settings.get("n_jobs"), settings.get("n_models", 1))
    return Fit(method, given, votes, stopwatch, device, commit)


def _made(settings: DictConfig, **known: Any) -> Any:
    """Make the method with the `known` values that it takes; K-means has neither checkpoints nor phases."""
    make = instantiate(settings)
    takes = signature(make).parameters
    return make(**{name: value for name, value in known.items() if name in takes})


def _suited(cfg: DictConfig, choices: Any, data: Dataset) -> DictConfig:
    """Return the settings with values that suit the data in place of ``auto``, and print these values."""
    n, d = data.X.shape
    suited = with_auto_settings(cfg, n, d)
    if base_model(cfg, choices) is None:
        return suited
    told, method = [], suited.method
    if suited is not cfg:
        epochs = f"{method.get('first_epochs', method.epochs)} epochs"
        then = f", then {method.n_iter} iterations of {method.epochs}" if "n_iter" in method else ""
        told.append(f"hidden layers of {list(suited.base.hidden)}, {epochs}{then} (your own settings win)")
    if n * d <= FEW_NUMBERS and suited.n_jobs == -1:
        suited = copy.deepcopy(suited)  # keep the caller's settings as they are
        suited.n_jobs = 1
    if data.is_custom and n <= FEW_ROWS and data.given is None:
        told.append("on so few rows K-means is often as good or better: compare with method=kmeans")
    if told:
        _tell(f"{n:,} rows of {d:,} columns: {'; '.join(told)}")
    return suited


def _tell(line: str) -> None:
    """Print a line before training starts, and write it to the run's log."""
    say(line, Console(stderr=True))
    log.info(line)
