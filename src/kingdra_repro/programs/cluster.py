"""What `kingdra-run` does: settings -> data set -> method.fit -> scores -> run folder -> table."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from kingdra_repro.checks import choice
from kingdra_repro.config import check_types
from kingdra_repro.errors import InputError
from kingdra_repro.evaluation.without_labels import unsupervised_measures
from kingdra_repro.files import remove_temporary_files
from kingdra_repro.library_state import default_library_state
from kingdra_repro.programs.fitting import fit_method, load
from kingdra_repro.programs.run_reports import write_reports
from kingdra_repro.programs.unread import warn_of_unread
from kingdra_repro.provenance import code_since
from kingdra_repro.runs.clusters import add_columns, names_of_clusters
from kingdra_repro.runs.display import say, show_table
from kingdra_repro.runs.folder import base_model, config_hash, exclusive_run
from kingdra_repro.runs.map import NONE, check_layout, layout_of, write_map
from kingdra_repro.runs.model import DESCRIPTION, KEEP, keep_model, load_model
from kingdra_repro.runs.reading import result_if_finished
from kingdra_repro.runs.result import make_result, write_result
from kingdra_repro.training.phases import saved_progress


def cluster(cfg: DictConfig) -> None:
    """Make one run: cluster one data set with one method, and write the result into the run's folder."""
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
            remove_temporary_files(folder)
            try:
                _run(cfg, job.choices, folder)
            except KeyboardInterrupt as stop:
                stop.args = (_stopped(folder / "checkpoint"),)
                raise
            return
    _show_finished(cfg, job.choices, folder, done)


def _show_finished(cfg: DictConfig, choices: Any, folder: Path, done: dict[str, Any]) -> None:
    """Show the result of an earlier run; write what it lacks of what the settings ask for."""
    if done.get("config_hash") != config_hash(cfg):
        raise InputError(f"{folder} has a run of other settings: give this run another folder")
    warn_of_unread(cfg, choices.method)
    kept = (folder / "checkpoint").exists() or not cfg.keep_checkpoint
    lost = "" if kept else " The networks' weights were not kept then."
    made_of = [OmegaConf.to_container(cfg[group], resolve=True) for group in ("dataset", "method")]
    since = code_since(done, _targets(made_of))
    is_finished = f"This run is finished already{since and f', but {since}'}"
    say(f"{is_finished}; remove its folder to repeat it.{lost}")
    show_table(done, folder)
    _write_more(cfg, folder)


def _write_more(cfg: DictConfig, folder: Path) -> None:
    """Write what the settings ask for and the finished run lacks, or say why it cannot be written."""
    clusters = folder / "clusters.csv"
    if cfg.dataset.get("keep_columns") and clusters.exists():
        add_columns(clusters, load(cfg.dataset).table)
    has_model = (folder / DESCRIPTION).exists()
    new_map = cfg.report.map not in (NONE, layout_of(folder))
    if has_model and new_map:
        data, method = load(cfg.dataset), load_model(folder).estimator
        write_map(folder, data, method, np.load(folder / "labels.npy"), cfg.report.map)
        say(f"The points are laid out anew, by {cfg.report.map}.")
    told = [one for one in HydraConfig.get().overrides.task if new_map and one.startswith("report.map=")]
    if not has_model and (told := ["keep_model=true"] if cfg.keep_model is True else told):
        say(f"{told[0]} has no effect: the run kept no model, and a finished run is not trained again.")


def _targets(node: Any) -> list[str]:
    """Return all values of ``_target_`` in some settings, at any depth."""
    if isinstance(node, dict):
        own = [node["_target_"]] if "_target_" in node else []
        return own + _targets(list(node.values()))
    return [target for one in node for target in _targets(one)] if isinstance(node, list) else []


def _stopped(checkpoint: Path) -> str:
    saved = saved_progress(checkpoint)
    if saved is None:
        return "stopped; nothing was saved yet: the same command begins anew"
    return f"stopped; the same command goes on after {saved}"


@default_library_state()
def _run(cfg: DictConfig, choices: Any, folder: Path) -> None:
    checkpoint = folder / "checkpoint"  # an interrupted run resumes from here
    identity = config_hash(cfg)  # now: a file of the data may be edited during the fit
    data = load(cfg.dataset)
    checkpoint.mkdir(exist_ok=True)
    fit = fit_method(cfg, choices, data, folder, checkpoint)
    classes = names_of_clusters(data, fit.given)
    run = {
        "method": choices.method,
        "base": base_model(cfg, choices),
        "seed": cfg.seed,
        "device": fit.device,
        "config_hash": identity,
        "commit": fit.commit,
    }
    measures = unsupervised_measures(fit.method, data.X, fit.votes.first())
    result = make_result(run, data, fit.method, fit.stopwatch.seconds(), fit.given) | measures
    write_reports(folder, cfg, data, fit, classes)
    keep_model(folder, fit.method, data.preprocessing, cfg.keep_model, classes, data.X)
    write_result(folder, result, fit.method.labels_)  # last: it marks the run as finished
    if not cfg.keep_checkpoint:
        shutil.rmtree(checkpoint)
    show_table(result, folder)
