"""Methods that learn from labels and pairs, from the command line."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.programs.test_runs import only

QUICK = ("method.hidden=[16]", "method.epochs=1", "method.clustering_epochs=2", "method.annealing=[0,1]")
METHODS = {
    "constrained_kmeans": (),
    "nearest_labelled": (),
    "logistic_regression": (),
    "constrained_autoencoder": QUICK,
    "semi_supervised": (
        "base=ladder",
        "base.hidden=[16]",
        "base.denoising_costs=[9,1,0]",
        "training.first_epochs=20",
    ),
}


@pytest.fixture
def blobs(tmp_path) -> np.ndarray:
    """90 points of three classes, in data.csv: kind is known of all, told of four a class."""
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    X = rng.normal(size=(90, 4)) + 3 * y[:, None]
    table = pd.DataFrame(X, columns=list("abcd"))
    table["kind"] = np.array(["x", "y", "z"])[y]
    table["told"] = np.where(np.arange(90) < 12, table["kind"], "")
    table.to_csv(tmp_path / "data.csv", index=False)
    return y


CUSTOM = ("dataset=custom", "dataset.path=data.csv", "dataset.labels=kind", "dataset.given=told")


@pytest.mark.parametrize("method", METHODS)
def test_the_user_s_own_labels(kingdra_run, tmp_path, blobs, method):
    assert kingdra_run(f"method={method}", *METHODS[method], *CUSTOM).status == 0
    result = json.loads(only(tmp_path, "result.json").read_text())
    assert (result["n_labels"], result["k"], result["n"], result["d"]) == (12, 3, 90, 4)
    assert result["acc"] > 0.5


@pytest.mark.parametrize("method", METHODS)
def test_classes_of_points_without_a_label_are_never_read(kingdra_run, tmp_path, blobs, method):
    """The public code of the second document would fail this test."""
    found = []
    for name in ("right", "wrong"):
        arguments = (f"method={method}", f"output_dir={name}", *METHODS[method], *CUSTOM)
        assert kingdra_run(*arguments).status == 0
        found.append(np.load(next((tmp_path / name).glob("**/labels.npy"))))
        table = pd.read_csv(tmp_path / "data.csv")
        hidden = table.index >= 12
        table.loc[hidden, "kind"] = np.random.default_rng(1).permutation(table.loc[hidden, "kind"])
        table.to_csv(tmp_path / "data.csv", index=False)
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("method", ["constrained_kmeans", "semi_supervised"])
def test_a_part_of_each_class_is_drawn(kingdra_run, tmp_path, method):
    assert kingdra_run(f"method={method}", "labels_fraction=0.03", *METHODS[method]).status == 0
    assert json.loads(only(tmp_path, "result.json").read_text())["n_labels"] == 50  # 5 of each digit


def test_pairs_of_a_file(kingdra_run, tmp_path, blobs):
    pairs = [(0, 3, 1), (3, 60, 1), (1, 80, 0), (80, 0, 0)]  # row 60 has the class of row 0
    pd.DataFrame(pairs, columns=["i", "j", "link"]).to_csv(tmp_path / "links.csv", index=False)
    arguments = ("method=constrained_autoencoder", *QUICK, *CUSTOM, "dataset.links=links.csv")
    assert kingdra_run(*arguments).status == 0
    assert json.loads(only(tmp_path, "result.json").read_text())["n_labels"] == 13
    assert "pairwise_linked" in pd.read_csv(only(tmp_path, "history.csv"))


def test_history_tells_of_labelled_points_apart(kingdra_run, tmp_path, blobs):
    kingdra_run("method=constrained_autoencoder", *QUICK, *CUSTOM)
    history = pd.read_csv(only(tmp_path, "history.csv"))
    last = history.iloc[-1]
    assert list(history["iteration"]) == [1, 2, 3]
    assert {"nmi", "purity", "nmi_given", "purity_given", "lambda"} <= set(history)
    assert last["purity"] == json.loads(only(tmp_path, "result.json").read_text())["purity"]
    assert 0 <= last["purity_given"] <= 1


@pytest.mark.parametrize(
    ("arguments", "mistake"),
    [
        (("method=kmeans",), "dataset.given is for methods that learn from labels, not for method=kmeans"),
        (
            ("method=constrained_kmeans", "dataset.given=a", "dataset.columns=[b,c,d]"),
            "dataset.given=a and dataset.labels are words and",
        ),
        (("method=constrained_kmeans", "dataset.given=none"), "dataset.given=none is neither a file nor"),
        (("method=constrained_kmeans", "dataset.given=kind"), "dataset.given=kind is dataset.labels, too"),
        (
            ("method=constrained_kmeans", "dataset.links=l.csv"),
            "dataset.links is for methods that learn from",
        ),
        (
            ("method=constrained_kmeans", "dataset.links=no.csv"),
            "dataset.links=no.csv does not exist",
        ),
        (
            ("method=constrained_autoencoder", "n_clusters=4"),
            "y must have labels of all 4 classes; got none of class 3",
        ),
    ],
)
def test_user_errors(kingdra_run, tmp_path, blobs, arguments, mistake):
    (tmp_path / "l.csv").write_text("i,j,link\n0,3,1\n")
    assert kingdra_run(*CUSTOM, *arguments).mistake.startswith(mistake)


def test_a_fraction_that_is_none(kingdra_run):
    start = "labels_fraction must be a number above 0 and below 1; got 1.5"
    assert kingdra_run("method=constrained_kmeans", "labels_fraction=1.5").mistake.startswith(start)
