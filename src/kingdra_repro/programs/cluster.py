"""The program: settings -> data set -> method.fit -> scores -> run folder -> table."""

import shutil
from inspect import signature
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.console import Console

from kingdra_repro.config import check_types
from kingdra_repro.errors import InputError
from kingdra_repro.files import remove_parts
from kingdra_repro.methods import draw_labels
from kingdra_repro.provenance import commits, device_name
from kingdra_repro.report.figures import draw_run_figures
from kingdra_repro.runs.display import ProgressDisplay, show_table
from kingdra_repro.runs.explorer import write_explorer
from kingdra_repro.runs.folder import base_model, config_hash, exclusive_run
from kingdra_repro.runs.graph_files import write_ensemble_files
from kingdra_repro.runs.monitor import RunMonitor, Stopwatch, Votes
from kingdra_repro.runs.result import make_result, read_result, write_result


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
    job: Any = HydraConfig.get().runtime
    folder = Path(job.output_dir)
    with exclusive_run(folder):
        done = read_result(folder)
        if done is None:
            remove_parts(folder)
            _run(cfg, job.choices, folder)
            return
    if done.get("config_hash") != config_hash(cfg):
        raise InputError(f"{folder} has a run of other settings: give this one another folder")
    kept = (folder / "checkpoint").exists() or not cfg.keep_checkpoint
    lost = "" if kept else " The networks' weights were not kept then."
    Console().print(f"This run is finished already; remove its folder to repeat it.{lost}")
    show_table(done, folder)


def _run(cfg: DictConfig, choices: Any, folder: Path) -> None:
    data = instantiate(cfg.dataset)
    checkpoint = folder / "checkpoint"  # an interrupted run goes on from here
    checkpoint.mkdir(exist_ok=True)
    commit = commits(checkpoint / "commits")
    stopwatch = Stopwatch(checkpoint / "wall_seconds")
    votes = Votes(checkpoint / "votes")
    given = None  # labels: no method sees any but the one that says how many
    if "labels_per_class" in cfg.method:
        given = draw_labels(data.y, data.n_clusters, cfg.method.labels_per_class, cfg.seed)
    with ProgressDisplay() as display:
        monitor = RunMonitor(folder, data.y, display, stopwatch, votes, given)
        make_method = instantiate(cfg.method)
        known = {"n_clusters": data.n_clusters, "checkpoint_dir": checkpoint, "monitor": monitor}
        takes = signature(make_method).parameters  # K-means has neither checkpoints nor phases to tell of
        method = make_method(**{name: value for name, value in known.items() if name in takes})
        method.fit(data.X, given)

    run = {
        "method": choices.method,
        "base": base_model(cfg, choices),
        "seed": cfg.seed,
        # What has no device is scikit-learn's.
        "device": device_name(
            cfg.method.get("device", "cpu"), cfg.method.get("n_jobs"), cfg.method.get("n_models", 1)
        ),
        "config_hash": config_hash(cfg),
        "commit": commit,
    }
    result = make_result(run, data, method, stopwatch.seconds(), given)
    votes.write(folder / "votes.npz")
    write_ensemble_files(folder, data)
    draw_run_figures(folder, data, method.labels_)
    write_explorer(folder, data, method.labels_)
    write_result(folder, result, method.labels_, data.row_names)
    if not cfg.keep_checkpoint:
        shutil.rmtree(checkpoint)
    show_table(result, folder)
