"""The program: settings -> data set -> method.fit -> scores -> run folder -> table."""

import copy
import logging
import shutil
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.console import Console

from kingdra_repro.auto_settings import FEW_NUMBERS, FEW_ROWS
from kingdra_repro.checks import choice
from kingdra_repro.config import check_types, with_auto_settings, with_image_shape
from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.loaded import checked_dataset
from kingdra_repro.data.streamed import StreamedMatrix
from kingdra_repro.errors import InputError
from kingdra_repro.evaluation.without_labels import known_without_labels
from kingdra_repro.files import remove_parts, write_text
from kingdra_repro.library_state import default_library_state
from kingdra_repro.methods import Ensemble
from kingdra_repro.programs.given import fit, given_labels
from kingdra_repro.programs.unread import unread
from kingdra_repro.provenance import commits, device_name
from kingdra_repro.report.figures import draw_run_figures
from kingdra_repro.runs.clusters import cluster_table, names_of_clusters, write_clusters
from kingdra_repro.runs.display import show_table
from kingdra_repro.runs.explorer import write_explorer
from kingdra_repro.runs.folder import base_model, config_hash, exclusive_run
from kingdra_repro.runs.graph_files import write_ensemble_files
from kingdra_repro.runs.map import NONE, check_layout, layout_of, write_map
from kingdra_repro.runs.model import DESCRIPTION, KEEP, keep_model, load_model
from kingdra_repro.runs.monitor import RunMonitor, Stopwatch
from kingdra_repro.runs.questions import choose_pairs, choose_questions, pair_table, question_table
from kingdra_repro.runs.reading import result_if_finished
from kingdra_repro.runs.result import make_result, write_result
from kingdra_repro.runs.votes import Votes
from kingdra_repro.training.phases import saved_progress
from kingdra_repro.training.progress import ProgressDisplay

log = logging.getLogger(__name__)


def cluster(cfg: DictConfig) -> None:
    """One run: cluster one data set with one method, and leave the result in the run's folder.

    Parameters
    ----------
    cfg : DictConfig
        The composed settings, as in configs/config.yaml. Objects are made of them here and nowhere else.

    Raises
    ------
    InputError
        For a user's mistake, in a line.
    """
    check_types(cfg)
    choice(*KEEP)("keep_model", cfg.keep_model)
    check_layout(cfg.report.map)
    job: Any = HydraConfig.get().runtime
    folder = Path(job.output_dir)
    given = HydraConfig.get().overrides.task
    if suited := [one for one in given if one.lstrip("+~").startswith("settings")]:
        raise InputError(f"{suited[0]} cannot be chosen, they follow from base and dataset: leave it out")
    with exclusive_run(folder):
        done = result_if_finished(folder)
        if done is None:
            remove_parts(folder)
            try:
                _run(cfg, job.choices, folder)
            except KeyboardInterrupt as stop:
                stop.args = (_stopped(folder / "checkpoint"),)
                raise
            return
    if done.get("config_hash") != config_hash(cfg):
        raise InputError(f"{folder} has a run of other settings: give this run another folder")
    _warn_of_unread(cfg, job.choices.method)
    kept = (folder / "checkpoint").exists() or not cfg.keep_checkpoint
    lost = "" if kept else " The networks' weights were not kept then."
    Console().print(f"This run is finished already; remove its folder to repeat it.{lost}")
    show_table(done, folder)
    if cfg.report.map not in (NONE, layout_of(folder)) and (folder / DESCRIPTION).exists():
        data, method = _load(cfg.dataset), load_model(folder).estimator
        write_map(folder, data, method, np.load(folder / "labels.npy"), cfg.report.map)
        Console().print(f"The points are laid out anew, by {cfg.report.map}.")


def _stopped(checkpoint: Path) -> str:
    saved = saved_progress(checkpoint)
    if saved is None:
        return "stopped; nothing was saved yet: the same command begins anew"
    return f"stopped; the same command goes on after {saved}"


@default_library_state()
def _run(cfg: DictConfig, choices: Any, folder: Path) -> None:
    data = _load(cfg.dataset)
    if isinstance(data.X, StreamedMatrix):
        _tell(data.X.described())
    checkpoint = folder / "checkpoint"  # an interrupted run resumes from here
    checkpoint.mkdir(exist_ok=True)
    commit = commits(checkpoint / "commits")
    stopwatch = Stopwatch(checkpoint / "wall_seconds")
    votes = Votes(checkpoint / "votes")
    given = given_labels(cfg, data, choices.method)
    suited = with_image_shape(_suited(cfg, data), data.image_shape)
    _warn_of_unread(cfg, choices.method)
    with ProgressDisplay() as display:
        monitor = RunMonitor(folder, data.y, display, stopwatch, votes, given, data.n_clusters)
        make_method = instantiate(suited.method)
        known = {
            "n_clusters": data.n_clusters,
            "image_shape": data.image_shape,
            "checkpoint_dir": checkpoint,
            "monitor": monitor,
        }
        takes = signature(make_method).parameters  # K-means has neither checkpoints nor phases to tell of
        method = make_method(**{name: value for name, value in known.items() if name in takes})
        fit(method, data, given, choices.method)
    monitor.warn_of_no_pseudo_labels(getattr(method, "pseudo_labels", None))

    run = {
        "method": choices.method,
        "base": base_model(cfg, choices),
        "seed": cfg.seed,
        # Methods without a device are scikit-learn's.
        "device": device_name(
            suited.method.get("device", "cpu"), suited.method.get("n_jobs"), suited.method.get("n_models", 1)
        ),
        "config_hash": config_hash(cfg),
        "commit": commit,
    }
    known_now = known_without_labels(method, data.X, votes.first())
    result = make_result(run, data, method, stopwatch.seconds(), given) | known_now
    votes.write(folder / "votes.npz")
    write_ensemble_files(folder, data)
    draw_run_figures(folder, data, method.labels_)
    classes = names_of_clusters(data, given)
    write_explorer(folder, data, method.labels_, classes)
    write_map(folder, data, method, method.labels_, cfg.report.map)
    if data.is_users_own:
        columns = data.table if cfg.dataset.get("keep_columns") else None
        table = cluster_table(method, data.X, method.labels_, data.row_names, columns, classes)
        write_clusters(folder / "clusters.csv", [table])
        if isinstance(method, Ensemble) and method.n_models > 1:
            asked, disagreement = choose_questions(method, data.X, given)
            questions = question_table(data, asked, disagreement, method.labels_, given)
            write_text(folder / "ask.csv", questions.to_csv(index=False, lineterminator="\n"))
            pairs = pair_table(data, choose_pairs(method, data.X, asked, data.links), data.links)
            write_text(folder / "ask_pairs.csv", pairs.to_csv(index=False, lineterminator="\n"))
    keep_model(folder, method, data.preprocessing, cfg.keep_model, classes, data.X)
    write_result(folder, result, method.labels_)
    if not cfg.keep_checkpoint:
        shutil.rmtree(checkpoint)
    show_table(result, folder)


def _load(dataset: DictConfig) -> Dataset:
    return checked_dataset(instantiate(dataset), dataset._target_)


def _suited(cfg: DictConfig, data: Dataset) -> DictConfig:
    """Return the settings with what suits the data where they are ``auto``; say what that is."""
    n, d = data.X.shape
    suited = with_auto_settings(cfg, n, d)
    if "base" not in cfg.method:
        return suited
    told, method = [], suited.method
    if suited is not cfg:
        epochs = f"{method.get('first_epochs', method.epochs)} epochs"
        then = f", then {method.n_iter} iterations of {method.epochs}" if "n_iter" in method else ""
        told.append(f"hidden layers of {list(suited.base.hidden)}, {epochs}{then} (your own settings win)")
    if n * d <= FEW_NUMBERS and suited.n_jobs == -1:
        suited = copy.deepcopy(suited)  # the caller's own stay
        suited.n_jobs = 1
    if data.is_users_own and n <= FEW_ROWS and data.given is None:
        told.append("on so few rows K-means is often as good or better: compare with method=kmeans")
    if told:
        _tell(f"{n:,} rows of {d:,} columns: {'; '.join(told)}")
    return suited


def _warn_of_unread(cfg: DictConfig, method: str) -> None:
    for line in unread(cfg, HydraConfig.get().overrides.task, method):
        log.warning(line)


def _tell(line: str) -> None:
    """Print a line before training begins, and leave it in the run's log."""
    Console(stderr=True).print(line, soft_wrap=True, highlight=False, markup=False)
    log.info(line)
