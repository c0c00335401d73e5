"""The methods without a base model, run from the command line."""

import json

import numpy as np
import pandas as pd
import pytest

from kingdra_repro.runs.reading import EXACT
from tests.programs.test_runs import KEYS, only

NETWORK = ("method.hidden=[16]", "method.epochs=2")
METHODS = {
    "kmeans": ("method.n_init=1",),
    "agglomerative": (),
    "dae_kmeans": NETWORK,
    "dvae_kmeans": NETWORK,
    "dec": (*NETWORK, "method.n_init=1", "method.max_iter=20", "method.update_interval=10"),
    "deepcluster": NETWORK,
}
ROWS = {"dae_kmeans": 2, "dvae_kmeans": 2, "dec": 2 + 3, "deepcluster": 1 + 2}


@pytest.mark.parametrize("method", METHODS)
def test_every_method_leaves_a_result(kingdra_run, tmp_path, method):
    outcome = kingdra_run(f"method={method}", "seed=2", *METHODS[method])
    assert outcome.status == 0
    assert f"digits · {method} · seed 2" in outcome.out
    result = json.loads(only(tmp_path, "result.json").read_text())
    folder = only(tmp_path, "result.json").parent
    assert str(folder.relative_to(tmp_path)) == f"outputs/digits/{method}/seed2-{result['config_hash']}"
    assert set(result) >= KEYS
    assert result["base"] is None
    assert (result["method"], result["n"], result["d"], result["k"]) == (method, 1797, 64, 10)
    assert result["clusters_found"] == 10
    assert 0.15 < result["acc"] <= 1
    assert [result[name] for name in ("n_pseudo_labels", "agreement", "mini_clusters")] == [None] * 3
    assert np.load(folder / "labels.npy").dtype == np.int64
    if method not in ROWS:
        assert not (folder / "history.csv").exists()
        return
    history = pd.read_csv(folder / "history.csv", **EXACT)
    assert list(history["iteration"]) == list(range(1, ROWS[method] + 1))
    assert history["acc"].iloc[-1] == result["acc"]
    assert "model_acc_mean" not in history
    assert (folder / "iterations.png").exists()


def test_deepcluster_s_accuracy_is_known_after_each_iteration(kingdra_run, tmp_path):
    kingdra_run("method=deepcluster", *NETWORK)
    assert pd.read_csv(only(tmp_path, "history.csv"))["acc"].notna().all()


@pytest.mark.parametrize("method", METHODS)
def test_without_labels(kingdra_run, features, tmp_path, method):
    data = ("dataset=custom", "dataset.path=x.npy", "n_clusters=3")
    assert kingdra_run(f"method={method}", *data, *METHODS[method]).status == 0
    assert json.loads(only(tmp_path, "result.json").read_text())["acc"] is None


def test_the_base_model_is_no_part_of_the_run(kingdra_run, tmp_path):
    kingdra_run("method=kmeans")
    assert "finished already" in kingdra_run("method=kmeans", "base=ladder_dot", "training.epochs=3").out


def test_a_killed_run_goes_on(kingdra_run, features, tmp_path, monkeypatch):
    arguments = ("dataset=custom", "dataset.path=x.npy", "n_clusters=3", "method=dec", *METHODS["dec"])
    monkeypatch.setattr("kingdra_repro.methods.network_fit.SHARE_WITHIN_PHASES", float("inf"))

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("kingdra_repro.methods.dec.target_distribution", die)
        assert kingdra_run(*arguments).status == 130
    assert kingdra_run(*arguments).status == 0
    assert kingdra_run("output_dir=whole", *arguments).status == 0
    first, second = (next(tmp_path.glob(f"{place}/**/labels.npy")) for place in ("outputs", "whole"))
    np.testing.assert_array_equal(np.load(first), np.load(second))


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (("method=dec", "method.tol=3"), "method.tol must be a number of at least 0 and below 1; got 3"),
        (("method=kmeans", "method.n_init=0"), "method.n_init must be an integer of at least 1; got 0"),
        (("method=dae_kmeans", "method.hidden=7"), "method.hidden must be the widths "),
        (("method=deepcluster", "device=cuda:77"), "device=cuda:77 "),
    ],
)
def test_user_errors_are_reported_in_a_line(kingdra_run, arguments, start):
    assert kingdra_run(*arguments).mistake.startswith(start)
