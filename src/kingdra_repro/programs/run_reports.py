"""The reports of a run: figures, the files for its page, and the tables for a user's own data."""

from pathlib import Path

from omegaconf import DictConfig

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.programs.fitting import Fit
from kingdra_repro.report.figures import draw_run_figures
from kingdra_repro.runs.clusters import cluster_table, write_clusters
from kingdra_repro.runs.explorer import write_explorer
from kingdra_repro.runs.graph_files import write_ensemble_files
from kingdra_repro.runs.map import write_map
from kingdra_repro.runs.questions import write_questions


def write_reports(folder: Path, cfg: DictConfig, data: Dataset, fit: Fit, classes: list[str] | None) -> None:
    """Write the reports of a finished fit into the run's folder.

    `classes` are the names of the clusters, see `kingdra_repro.runs.clusters.names_of_clusters`.
    """
    method, labels = fit.method, fit.method.labels_
    # First: other reports read it.
    fit.votes.write(folder / "votes.npz", getattr(method, "model_labels_", None))
    write_ensemble_files(folder, data)
    draw_run_figures(folder, data, labels)
    write_explorer(folder, data, labels, classes)
    write_map(folder, data, method, labels, cfg.report.map)
    if data.is_custom:
        columns = data.table if cfg.dataset.get("keep_columns") else None
        table = cluster_table(method, data.X, labels, data.row_names, columns, classes)
        write_clusters(folder / "clusters.csv", [table])
        if method.is_ensemble:
            write_questions(folder, data, method, fit.given)
