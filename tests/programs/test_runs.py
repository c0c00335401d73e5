"""The files that a run writes, and what the same command does the second time."""

import json
import re
import warnings

import numpy as np
import pandas as pd
import pytest

from kingdra_repro import load
from kingdra_repro.data import load_digits
from kingdra_repro.methods import Kingdra, KMeans, SemiSupervised
from kingdra_repro.methods.clusterer import EmptyClusterWarning
from kingdra_repro.programs import run as console
from kingdra_repro.runs.monitor import RunMonitor
from kingdra_repro.runs.reading import EXACT
from tests.programs.conftest import CUSTOM, TINY

SMALL = (*CUSTOM, "n_clusters=3")

# Keys of result.json that other tables are made from: all are required.
KEYS = {
    *("dataset", "method", "seed", "n", "d", "k", "acc", "nmi", "ari", "purity"),
    *("wall_seconds", "device", "version", "commit", "config_hash", "features"),
    *("n_pseudo_labels", "agreement", "mini_clusters"),
}


def only(folder, pattern):
    (found,) = folder.glob(f"outputs/**/{pattern}")
    return found


def test_a_run_leaves_a_folder(kingdra_run, tmp_path):
    outcome = kingdra_run("seed=3", *TINY)
    assert outcome.status == 0
    folder = only(tmp_path, "result.json").parent
    assert str(folder.relative_to(tmp_path)) in outcome.out
    assert folder.name.startswith("seed3-")
    assert {file.name for file in folder.iterdir()} == {
        *(".hydra", "run.log", "history.csv", "result.json", "labels.npy", "votes.npz"),
        *("thresholds.csv", "graph_sample.json", "explorer.json", "map.json"),
        *("iterations.png", "members.png", "members.npz", "model.json", "model.safetensors"),
    }
    result = json.loads((folder / "result.json").read_text())
    assert set(result) >= KEYS
    assert (result["n"], result["d"], result["k"], result["seed"]) == (1797, 64, 10, 3)
    assert result["n_labels"] == 0
    assert result["cluster_sizes"] == np.bincount(np.load(folder / "labels.npy"), minlength=10).tolist()
    assert f"cluster sizes: {' '.join(map(str, result['cluster_sizes']))}\n" in outcome.out
    assert folder.name.endswith(result["config_hash"])
    labels = np.load(folder / "labels.npy")
    assert labels.shape == (1797,)
    assert labels.dtype == np.int64
    history = pd.read_csv(folder / "history.csv", **EXACT)
    assert list(history["iteration"]) == [0, 1]
    assert history["acc"].iloc[-1] == result["acc"]
    assert {"model_acc_mean", "model_acc_std", "pseudo_label_acc", "wall_seconds"} <= set(history)


@pytest.mark.parametrize("base", ["ladder_dot", "imsat_vat", "imsat_rpt", "deep_rim", "linear_rim"])
def test_every_base_runs(kingdra_run, features, tmp_path, base):
    assert kingdra_run(*SMALL, f"base={base}").status == 0
    assert only(tmp_path, "result.json").parent.parent.name == f"kingdra-{base}"


def test_kingdra_plus_runs(kingdra_run, features, tmp_path):
    small = ("method.first_base.hidden=[16]", "method.first_epochs=3", "method.first_batch_size=30")
    assert kingdra_run(*SMALL, "method=kingdra_plus", *small).status == 0
    folder = only(tmp_path, "result.json").parent
    assert folder.parent.name == "kingdra_plus-ladder_im"
    assert not (folder / "checkpoint").exists()
    assert {"sat", "denoising"} <= set(pd.read_csv(folder / "history.csv"))


PICTURES = ("method=kingdra_plus", "base=imsat_affine", "first_base@method.first_base=imsat_affine")


def test_pictures_through_convolutions(kingdra_run, tmp_path):
    """Both bases get the data set's image shape, and it is stored with the model."""
    np.save(tmp_path / "x.npy", np.random.default_rng(0).integers(0, 255, (60, 7, 6, 3), np.uint8))
    assert kingdra_run(*SMALL, *PICTURES, "method.first_epochs=2").status == 0
    folder = only(tmp_path, "result.json").parent
    labels = load(folder).predict(np.load(tmp_path / "x.npy").reshape(60, -1))
    np.testing.assert_array_equal(labels, np.load(folder / "labels.npy"))
    assert set(pd.read_csv(folder / "history.csv")) >= {"sat", "mi"}


def test_rows_that_are_no_pictures(kingdra_run, features):
    outcome = kingdra_run(*SMALL, *PICTURES)
    assert outcome.status == 2
    assert "kingdra-run: imsat_affine is for pictures, and these rows" in outcome.err


def test_without_labels_there_are_no_scores(kingdra_run, features, tmp_path):
    outcome = kingdra_run(*SMALL)
    assert outcome.status == 0
    assert "ACC" not in outcome.out
    result = json.loads(only(tmp_path, "result.json").read_text())
    assert [result[name] for name in ("acc", "nmi", "ari", "purity")] == [None] * 4
    assert not list(tmp_path.glob("outputs/**/members.png"))


def test_clusters_without_points_are_told_once(kingdra_run, features, tmp_path):
    np.save(tmp_path / "x.npy", np.repeat(features[:2], 30, axis=0))
    with warnings.catch_warnings():
        warnings.simplefilter("error", EmptyClusterWarning)
        done = kingdra_run(*CUSTOM, "n_clusters=4")
    assert done.status == 0, done.err
    assert "of the 4 clusters have points" in done.out


def test_same_command_same_labels(kingdra_run, features, tmp_path):
    for place in ("a", "b"):
        assert kingdra_run(f"output_dir={place}", *SMALL).status == 0
    a, b = (next((tmp_path / place).glob("**/labels.npy")) for place in ("a", "b"))
    assert a.parent.name == b.parent.name
    assert np.array_equal(np.load(a), np.load(b))


def test_one_model_alone_has_no_votes(kingdra_run, features, tmp_path):
    assert kingdra_run("method=single", *SMALL).status == 0
    files = {path.name for path in only(tmp_path, "result.json").parent.iterdir()}
    assert {"history.csv", "labels.npy", "explorer.json"} <= files
    assert files.isdisjoint({"votes.npz", "thresholds.csv", "graph_sample.json"})


def test_a_finished_run_is_not_repeated(kingdra_run, features, tmp_path):
    first = kingdra_run("method=single", *SMALL)
    written = only(tmp_path, "result.json").stat().st_mtime_ns
    settings = {file: file.read_text() for file in tmp_path.glob("outputs/**/.hydra/*")}
    assert len(settings) == 3
    again = kingdra_run(
        "method=single", "device=cpu", "pseudo_labels.t_pos=2", *SMALL
    )  # neither setting affects this run
    assert "finished already" in again.out
    assert first.out.splitlines()[-3] in again.out  # the row of the table
    assert only(tmp_path, "result.json").stat().st_mtime_ns == written
    assert {file: file.read_text() for file in tmp_path.glob("outputs/**/.hydra/*")} == settings


def test_another_file_of_the_same_name_is_another_run(kingdra_run, features, tmp_path):
    for seed in (0, 1):
        np.save(tmp_path / "x.npy", np.random.default_rng(seed).normal(size=(60, 5)))
        assert "finished already" not in kingdra_run(*SMALL, "method=single").out
    assert len(list(tmp_path.glob("outputs/**/result.json"))) == 2


def test_a_file_that_is_edited_during_the_fit_leaves_the_run_its_hash(
    kingdra_run, features, tmp_path, monkeypatch
):
    command = (*CUSTOM, "n_clusters=3", "method=kmeans")
    with monkeypatch.context() as patch:
        edit = KMeans.fit
        patch.setattr(KMeans, "fit", lambda *given: (np.save("x.npy", features + 1), edit(*given))[1])
        assert kingdra_run(*command).status == 0
    folder = only(tmp_path, "result.json").parent
    assert folder.name.endswith(json.loads((folder / "result.json").read_text())["config_hash"])
    np.save(tmp_path / "x.npy", features)
    assert "finished already" in kingdra_run(*command).out


def test_a_killed_run_goes_on(kingdra_run, features, tmp_path, monkeypatch):
    """A run that is killed at the end of iteration 1 resumes, and ends like an uninterrupted run."""
    with monkeypatch.context() as patch:
        patch.setattr("kingdra_repro.runs.monitor.History.add", _dying_at(1))
        outcome = kingdra_run(*SMALL)
    assert outcome.status == 130
    assert "stopped; the same command goes on after iteration 0 and 4 model epochs" in outcome.err
    assert not list(tmp_path.glob("outputs/**/result.json"))

    resumed = kingdra_run(*SMALL)
    assert resumed.status == 0
    assert "iteration 0:" not in resumed.err
    whole = kingdra_run("output_dir=whole", *SMALL)
    assert whole.status == 0
    first, second = (next(tmp_path.glob(f"{place}/**/history.csv")).parent for place in ("outputs", "whole"))
    assert np.array_equal(np.load(first / "labels.npy"), np.load(second / "labels.npy"))
    columns = ["iteration", "loss", "agreement", "n_pseudo_labels"]
    pd.testing.assert_frame_equal(
        pd.read_csv(first / "history.csv")[columns], pd.read_csv(second / "history.csv")[columns]
    )


def test_a_run_that_is_stopped_before_it_saved_says_so(kingdra_run, features, monkeypatch):
    monkeypatch.setattr("kingdra_repro.runs.monitor.RunMonitor.progress", _die)
    outcome = kingdra_run(*SMALL)
    assert outcome.status == 130
    assert "stopped; nothing was saved yet: the same command begins anew" in outcome.err


@pytest.mark.parametrize("sweep", [(), ("-m", "seed=0,1")])
def test_a_run_that_is_stopped_while_it_is_imported_ends_in_a_line(kingdra_run, features, monkeypatch, sweep):
    def stopped(cfg):
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as stop:
            raise ImportError("C extensions failed") from stop

    monkeypatch.setattr(console, "_cluster", stopped)
    outcome = kingdra_run(*SMALL, *sweep)
    assert outcome.status == 130
    assert outcome.err.splitlines()[-1].startswith("kingdra-run: stopped; the same command goes on")
    assert "Traceback" not in outcome.err


def test_a_run_that_is_stopped_within_a_phase_says_how_far_it_was(kingdra_run, features, monkeypatch):
    """The second method is not an ensemble."""
    for module in ("training.worker", "methods.network_fit"):
        monkeypatch.setattr(f"kingdra_repro.{module}.SHARE_WITHIN_PHASES", float("inf"))
    progress = RunMonitor.progress

    def stop_in_the_third_epoch(monitor, event):
        progress(monitor, event)
        if event.epoch == 3:
            raise KeyboardInterrupt

    small = ("method.hidden=[16]", "method.epochs=4")
    for settings, said in [
        ((*SMALL, "training.first_epochs=4"), "goes on after 4 model epochs"),
        ((*SMALL, "method=dae_kmeans", *small), "goes on after epoch 2 of the autoencoder"),
    ]:
        with monkeypatch.context() as patch:
            patch.setattr("kingdra_repro.runs.monitor.RunMonitor.progress", stop_in_the_third_epoch)
            assert said in kingdra_run(*settings).err
        again = kingdra_run(*settings)
        assert again.status == 0
        assert "epoch 3/4" in next(line for line in again.err.splitlines() if "going on from" in line)


def test_what_a_kill_left_half_written_goes(kingdra_run, features, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("kingdra_repro.programs.run_reports.draw_run_figures", _die)
        assert kingdra_run("method=single", *SMALL).status == 130
    folder = only(tmp_path, "run.log").parent
    (folder / ".iterations.png.part-x_y1z2w3").touch()
    assert kingdra_run("method=single", *SMALL).status == 0
    assert {path.name for path in folder.glob(".*")} == {".hydra"}


def test_killed_when_all_iterations_were_done(kingdra_run, features, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("kingdra_repro.programs.run_reports.draw_run_figures", _die)
        assert kingdra_run(*SMALL).status == 130
    assert kingdra_run(*SMALL).status == 0
    history = pd.read_csv(only(tmp_path, "history.csv"), **EXACT)
    assert list(history["iteration"]) == [0, 1]
    result = json.loads(only(tmp_path, "result.json").read_text())
    assert result["wall_seconds"] > history["wall_seconds"].iloc[-1]


def test_the_page_of_a_kept_phase_has_the_votes_of_that_phase(kingdra_run, features, tmp_path, monkeypatch):
    """Phase 1 of 2 gives the answer: the page's files are those of a run that ends after phase 1."""
    with monkeypatch.context() as patch:
        found = iter((0.1, 0.3, 0.2))
        patch.setattr("kingdra_repro.methods.best_phase.modularity", lambda graph, labels: next(found))
        kept = kingdra_run(*SMALL, "training.iterations=2", "method.keep_phase=modularity")
        assert "kept the answer of iteration 1" in kept.out
    assert kingdra_run(*SMALL, "training.iterations=1", "output_dir=shorter").status == 0
    for name in ("explorer.json", "map.json"):
        first, second = (next(tmp_path.glob(f"{place}/**/{name}")) for place in ("outputs", "shorter"))
        assert first.read_text() == second.read_text()


def test_the_checkpoint_stays_if_asked_for(kingdra_run, features, tmp_path):
    kingdra_run("method=single", "keep_checkpoint=true", *SMALL)
    assert only(tmp_path, "checkpoint").is_dir()
    assert "weights" not in kingdra_run("method=single", "keep_checkpoint=true", *SMALL).out
    kingdra_run("method=single", "seed=1", *SMALL)
    assert (
        "weights were not kept" in kingdra_run("method=single", "seed=1", "keep_checkpoint=true", *SMALL).out
    )


def test_a_mistake_is_one_of_a_finished_run_too(kingdra_run, features):
    assert kingdra_run("method=kmeans", *SMALL).status == 0
    assert kingdra_run("method=kmeans", "+foo=1", *SMALL).mistake.startswith("foo is not a setting")


@pytest.mark.parametrize("name", ["result.json", "checkpoint/wall_seconds"])
def test_a_damaged_file_is_reported(kingdra_run, features, tmp_path, name):
    command = ("method=single", *SMALL, "hydra.run.dir=here")
    (tmp_path / "here" / "checkpoint").mkdir(parents=True)
    (tmp_path / "here" / name).write_text("")
    assert f"{name} is damaged: remove its folder" in kingdra_run(*command).mistake


def test_texts_have_their_names_beside_their_clusters(kingdra_run, tmp_path):
    (tmp_path / "texts").mkdir()
    for i in range(12):
        words = "sea ship wave harbour" if i % 2 else "tax court judge law"
        (tmp_path / "texts" / f"{i:02}.txt").write_text(f"{words} {i}")
    assert kingdra_run("dataset=custom", "dataset.path=texts", "n_clusters=2", "method=kmeans").status == 0
    table = pd.read_csv(only(tmp_path, "clusters.csv"))
    assert list(table["id"]) == [f"{i:02}.txt" for i in range(12)]
    assert list(table["cluster"]) == list(np.load(only(tmp_path, "labels.npy")))


def test_the_log_tells_of_each_iteration(kingdra_run, features, tmp_path):
    kingdra_run(*SMALL)
    lines = only(tmp_path, "run.log").read_text().splitlines()
    assert [line.split(": ")[1] for line in lines] == ["60 rows of 5 columns", "iteration 0", "iteration 1"]


def test_a_run_that_never_trained_on_pseudo_labels_warns(kingdra_run, features):
    never = r"No iteration trained on pseudo-labels: n_clusters=\d+ .* Give a smaller n_clusters"
    outcome = kingdra_run(*SMALL, "pseudo_labels=threshold", "pseudo_labels.threshold=0.99")
    assert re.search(never + ", or a pseudo_labels.threshold below 0.99\n", outcome.err)
    assert not re.search(
        never, kingdra_run(*SMALL, "pseudo_labels=argmax", "pseudo_labels.min_fraction=0").err
    )


def test_a_setting_that_the_method_does_not_read_is_told_before_training(kingdra_run, features):
    lines = kingdra_run(*SMALL, "method=single").err.splitlines()
    told = lines.index("WARNING: training.epochs has no effect on method=single: leave it out")
    assert not any(" model epochs " in line or line.startswith("iteration") for line in lines[:told])


def test_the_method_never_sees_the_labels(kingdra_run, monkeypatch):
    seen = []
    fit = Kingdra.fit
    monkeypatch.setattr(Kingdra, "fit", lambda self, X, y=None: seen.append(y) or fit(self, X, y))
    assert kingdra_run(*TINY).status == 0  # digits, whose classes are known
    assert seen == [None]


def test_semi_supervised_learning_is_scored_where_it_was_given_no_labels(kingdra_run, tmp_path, monkeypatch):
    given = []
    fit = SemiSupervised.fit
    monkeypatch.setattr(SemiSupervised, "fit", lambda self, X, y: given.append(y) or fit(self, X, y))
    settings = ("method=semi_supervised", "base=ladder", "labels_per_class=3")
    outcome = kingdra_run(*settings, *TINY)
    assert outcome.status == 0
    assert "30 labels given" in outcome.out
    (y,) = given
    true = load_digits().y
    assert np.bincount(y[y >= 0]).tolist() == [3] * 10
    assert (y[y >= 0] == true[y >= 0]).all()
    result = json.loads(only(tmp_path, "result.json").read_text())
    labels = np.load(only(tmp_path, "labels.npy"))
    assert result["n_labels"] == 30
    assert result["acc"] == np.mean(labels[y < 0] == true[y < 0])
    assert pd.read_csv(only(tmp_path, "history.csv"), **EXACT)["acc"].tolist() == [result["acc"]]


@pytest.mark.parametrize("way", ["argmax", "kmeans", "threshold"])
def test_other_pseudo_labels(kingdra_run, tmp_path, way):
    assert kingdra_run(f"pseudo_labels={way}", *TINY).status == 0
    history = pd.read_csv(only(tmp_path, "history.csv"), **EXACT)
    assert {"n_pseudo_labels", "pseudo_label_acc", "rule"} <= set(history)
    assert "t_pos" not in history


def test_a_mixed_base(kingdra_run, tmp_path):
    outcome = kingdra_run("base=mixed", *TINY, "ensemble.size=5")
    assert outcome.status == 0
    folder = only(tmp_path, "result.json").parent
    assert folder.parent.name == "kingdra-mixed"
    assert {"mi_clean", "dot_clean"} <= set(pd.read_csv(folder / "history.csv"))


def _die(*_):
    raise KeyboardInterrupt


def _dying_at(index):
    from kingdra_repro.runs.monitor import History

    add = History.add

    def add_or_die(self, row):
        if row["iteration"] == index:
            raise KeyboardInterrupt
        add(self, row)

    return add_or_die


def test_another_map_of_a_finished_run_takes_no_training(kingdra_run, features, tmp_path):
    command = ("dataset=custom", "dataset.path=x.npy", "n_clusters=3", "method=kmeans")
    assert kingdra_run(*command, "report.map=none").status == 0
    folder = only(tmp_path, "result.json").parent
    assert not (folder / "map.json").exists()
    again = kingdra_run(*command, "report.map=tsne")
    assert "finished already" in again.out
    found = json.loads((folder / "map.json").read_text())
    assert found["title"] == "t-SNE of the features"
    assert found["points"]["labels"] == np.load(folder / "labels.npy").tolist()
    assert "report.map must be one of" in kingdra_run(*command, "report.map=mds").mistake


def test_what_a_finished_run_without_a_model_cannot_do_is_said(kingdra_run, features, tmp_path):
    command = ("dataset=custom", "dataset.path=x.npy", "n_clusters=3", "method=kmeans")
    assert kingdra_run(*command, "report.map=none", "keep_model=false").status == 0
    told = "{} has no effect: the run kept no model"
    for wanted in ("report.map=tsne", "keep_model=true"):
        assert told.format(wanted) in kingdra_run(*command, wanted).out
    assert "no effect" not in kingdra_run(*command).out
    assert "no effect" not in kingdra_run(*command, "report.map=none", "keep_model=false").out


def test_the_columns_of_a_table_are_added_to_a_finished_run(kingdra_run, tmp_path):
    """They are what the run itself would have written, and are added once."""
    table = pd.DataFrame(np.random.default_rng(0).random((30, 2)), columns=["a", "b"])
    table.assign(id=[f"{row:05}" for row in range(30)], note="NA").to_csv(tmp_path / "t.csv", index=False)
    command = ("dataset=custom", "dataset.path=t.csv", "n_clusters=3", *TINY, "dataset.id=id")
    command = (*command, "dataset.categories=ignore")
    assert kingdra_run(*command, "dataset.keep_columns=true", "output_dir=other").status == 0
    (expected,) = tmp_path.glob("other/**/clusters.csv")
    assert kingdra_run(*command).status == 0
    for _ in range(2):
        again = kingdra_run(*command, "dataset.keep_columns=true")
        assert "finished already" in again.out
        assert only(tmp_path, "clusters.csv").read_text() == expected.read_text()


def test_another_map_is_of_the_last_hidden_layer_as_the_first_was(kingdra_run, features, tmp_path):
    command = ("dataset=custom", "dataset.path=x.npy", "n_clusters=3", "method=single", "device=cpu", *TINY)
    assert kingdra_run(*command, "report.map=tsne").status == 0
    first = only(tmp_path, "map.json").read_text()
    assert json.loads(first)["title"] == "t-SNE of the last hidden layer"
    assert kingdra_run(*command, "report.map=pca").status == 0
    assert kingdra_run(*command, "report.map=tsne").status == 0
    assert only(tmp_path, "map.json").read_text() == first
