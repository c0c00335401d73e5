"""Methods that learn from given labels and pairs, run from the command line."""

import json

import numpy as np
import pandas as pd
import pytest

from kingdra_repro.evaluation import purity
from kingdra_repro.programs import predict
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
    "kingdra": (
        "base.hidden=[16]",
        "base.denoising_costs=[9,1,0]",
        "ensemble.size=2",
        "training.first_epochs=20",
        "training.iterations=1",
        "training.batch_size=16",
        "n_jobs=1",
    ),
}
KINGDRA = ("method=kingdra", *METHODS["kingdra"])


@pytest.fixture
def blobs(tmp_path) -> np.ndarray:
    """Write 90 points of 3 classes to data.csv: column "kind" has all labels, "told" four per class."""
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
    """The public code of the second document would fail this test.

    The weights are compared, too, because equal clusters do not prove that the classes were not read.
    """
    found, weights = [], []
    for name in ("right", "wrong"):
        arguments = (f"method={method}", f"output_dir={name}", *METHODS[method], *CUSTOM)
        assert kingdra_run(*arguments).status == 0
        found.append(np.load(next((tmp_path / name).glob("**/labels.npy"))))
        weights.append(next((tmp_path / name).glob("**/model.safetensors")).read_bytes())
        table = pd.read_csv(tmp_path / "data.csv")
        hidden = table.index >= 12
        table.loc[hidden, "kind"] = np.random.default_rng(1).permutation(table.loc[hidden, "kind"])
        table.to_csv(tmp_path / "data.csv", index=False)
    np.testing.assert_array_equal(*found)
    assert weights[0] == weights[1]


@pytest.mark.parametrize("method", ["constrained_kmeans", "kingdra"])
def test_a_part_of_each_class_is_drawn(kingdra_run, tmp_path, blobs, method):
    arguments = (f"method={method}", *METHODS[method], *CUSTOM[:3], "dataset.drop=[told]")
    assert kingdra_run(*arguments, "labels_fraction=0.2").status == 0
    assert json.loads(only(tmp_path, "result.json").read_text())["n_labels"] == 18  # 6 per class


@pytest.mark.parametrize("method", METHODS)
def test_labels_of_all_rows_are_learned_from_or_refused(kingdra_run, tmp_path, blobs, method):
    """kingdra refuses them: clusterers ignore a full y, which scikit-learn passes to every estimator."""
    given = ("dataset=custom", "dataset.path=data.csv", "dataset.given=kind", "dataset.drop=[told]")
    outcome = kingdra_run(f"method={method}", *METHODS[method], *given)
    if method == "kingdra":
        assert outcome.status == 2
        assert "dataset.given has a label of every row" in outcome.err
        assert "none is left for method=kingdra to cluster" in outcome.err
    elif method == "constrained_autoencoder":
        assert outcome.status == 2
        assert "none left to cluster" in outcome.err
    else:
        assert outcome.status == 0
        table = pd.read_csv(only(tmp_path, "clusters.csv"))
        assert (table["class"] == pd.read_csv(tmp_path / "data.csv")["kind"]).mean() > 0.6  # chance: 1/3


@pytest.mark.parametrize("method", ["nearest_labelled", "semi_supervised"])
def test_labels_of_all_rows_leave_none_to_score(kingdra_run, tmp_path, blobs, method):
    table = pd.read_csv(tmp_path / "data.csv")
    table.assign(told=table["kind"]).to_csv(tmp_path / "data.csv", index=False)
    outcome = kingdra_run(f"method={method}", *METHODS[method], *CUSTOM)
    assert outcome.status == 2
    assert "none is left that dataset.labels would score; leave dataset.labels out" in outcome.err


def test_clusters_and_new_points_have_the_names_of_the_classes(kingdra_run, tmp_path, blobs):
    assert kingdra_run("method=constrained_kmeans", *CUSTOM).status == 0
    found = pd.read_csv(only(tmp_path, "clusters.csv"))
    assert list(found) == ["row", "cluster", "class"]
    table = pd.read_csv(tmp_path / "data.csv")
    assert (found["class"] == table["kind"]).mean() > 0.8
    table[list("abcd")][20:30].to_csv(tmp_path / "new.csv", index=False)
    predict.run([f"run={only(tmp_path, 'model.json').parent}", f"data={tmp_path / 'new.csv'}"])
    assert pd.read_csv(tmp_path / "new.clusters.csv")["class"].tolist() == found["class"][20:30].tolist()


def test_a_cluster_without_a_labelled_point_has_no_name(kingdra_run, tmp_path, blobs):
    arguments = (*KINGDRA, *CUSTOM[:2], "dataset.drop=[kind]", "dataset.given=told", "n_clusters=4")
    assert kingdra_run(*arguments).status == 0
    found = pd.read_csv(only(tmp_path, "clusters.csv"), keep_default_na=False)
    assert set(zip(found["cluster"], found["class"], strict=True)) == set(enumerate(["x", "y", "z", ""]))
    explorer = json.loads(only(tmp_path, "explorer.json").read_text())
    assert explorer["classes"] == ["x", "y", "z", ""]
    assert [cluster["class"] for cluster in explorer["clusters"]] == [0, 1, 2, None]


@pytest.mark.parametrize("unknown", ["  ", "-1"])
def test_cells_of_spaces_or_minus_one_are_no_class(kingdra_run, tmp_path, blobs, unknown):
    table = pd.read_csv(tmp_path / "data.csv", keep_default_na=False)
    table.assign(told=table["told"].replace("", unknown)).to_csv(tmp_path / "data.csv", index=False)
    assert kingdra_run("method=constrained_kmeans", *CUSTOM).status == 0
    result = json.loads(only(tmp_path, "result.json").read_text())
    assert (result["n_labels"], result["k"]) == (12, 3)


def test_pairs_of_a_file(kingdra_run, tmp_path, blobs):
    pairs = [(0, 3, 1), (3, 60, 1), (1, 80, 0), (80, 0, 0)]  # row 60 gets the class of row 3: a 13th label
    pd.DataFrame(pairs, columns=["i", "j", "link"]).to_csv(tmp_path / "links.csv", index=False)
    arguments = ("method=constrained_autoencoder", *QUICK, *CUSTOM, "dataset.links=links.csv")
    assert kingdra_run(*arguments).status == 0
    assert json.loads(only(tmp_path, "result.json").read_text())["n_labels"] == 13
    assert "pairwise_linked" in pd.read_csv(only(tmp_path, "history.csv"))


def test_pairs_alone(kingdra_run, tmp_path, blobs):
    pairs = [(0, 3, 1), (3, 60, 1), (1, 80, 0), (80, 0, 0)]
    pd.DataFrame(pairs, columns=["i", "j", "link"]).to_csv(tmp_path / "links.csv", index=False)
    arguments = (*KINGDRA, *CUSTOM[:3], "dataset.drop=[told]", "dataset.links=links.csv")
    assert kingdra_run(*arguments).status == 0
    result = json.loads(only(tmp_path, "result.json").read_text())
    assert (result["n_labels"], result["links"]) == (0, 4)
    assert 0 <= result["links_kept"] <= 4


def test_an_ensemble_asks_and_takes_the_answers(kingdra_run, tmp_path, blobs):
    """ask.csv also has the labels that are known. The run with the answers asks for other points."""
    arguments = (*KINGDRA, *CUSTOM, "dataset.id=name", "n_clusters=3")
    table = pd.read_csv(tmp_path / "data.csv").assign(name=[f"p{i}" for i in range(90)])
    table.to_csv(tmp_path / "data.csv", index=False)
    assert kingdra_run(*arguments, "output_dir=first").status == 0
    path = next((tmp_path / "first").glob("**/ask.csv"))
    asked = pd.read_csv(path)
    assert list(asked) == ["row", "id", "answer", "cluster", "disagreement", *table]
    assert (asked["id"] == asked["name"]).all()
    assert asked["answer"].isna().tolist() == [True] * 20 + [False] * 12
    assert asked["row"][20:].tolist() == list(range(12))
    assert (asked["answer"][20:] == asked["kind"][20:]).all()
    assert asked["disagreement"][:20].is_monotonic_decreasing

    asked.loc[:9, "answer"] = asked.loc[:9, "kind"]
    asked.to_csv(path, index=False)
    told = [name for name in arguments if not name.startswith("dataset.given")]
    given = f"dataset.given={path.relative_to(tmp_path)}"
    assert kingdra_run(*told, given, "output_dir=second", "dataset.drop=[told]").status == 0
    result = json.loads(next((tmp_path / "second").glob("**/result.json")).read_text())
    assert result["n_labels"] == 22
    again = pd.read_csv(next((tmp_path / "second").glob("**/ask.csv")))
    assert set(again["row"][:20]).isdisjoint(asked["row"][:10])

    asked.assign(id="p0").to_csv(path, index=False)
    told += [given, "output_dir=third", "dataset.drop=[told]"]
    assert "is of other data: row" in kingdra_run(*told).mistake
    asked.assign(row=90).to_csv(path, index=False)
    assert "has row 90, and the data have rows 0 to 89" in kingdra_run(*told).mistake


def test_columns_named_like_those_of_the_answers_are_told_apart(kingdra_run, tmp_path, features):
    """A table may have both "cluster" and "input cluster", such as the clusters.csv of an earlier run."""
    names = ["cluster", "input cluster", "row", "input row", "a"]
    pd.DataFrame(features, columns=names).to_csv(tmp_path / "t.csv", index=False)
    command = (*KINGDRA, "dataset=custom", "dataset.path=t.csv", "n_clusters=3", "dataset.keep_columns=true")
    assert kingdra_run(*command, "output_dir=first").status == 0
    path = next((tmp_path / "first").glob("**/ask.csv"))
    for written in (path, path.with_name("clusters.csv")):
        header = written.read_text().splitlines()[0].split(",")
        assert header[-5:] == ["input input cluster", "input cluster", "input input row", "input row", "a"]
    asked = pd.read_csv(path)
    asked["answer"] = ["x", "y", "z", "x", "y"] * (len(asked) // 5)
    asked.to_csv(path, index=False)
    assert kingdra_run(*command, f"dataset.given={path}", "output_dir=second").status == 0
    asked.assign(row=asked["row"] ^ 1).to_csv(path, index=False)
    assert "of other data" in kingdra_run(*command, f"dataset.given={path}", "output_dir=third").mistake


def test_an_ensemble_asks_for_pairs_and_takes_the_answers(kingdra_run, tmp_path, blobs):
    """Known pairs are listed below the questions; questions without an answer are ignored."""
    pd.DataFrame([(0, 3, 1, 0.5), (0, 1, 0, 1)], columns=["i", "j", "link", "weight"]).to_csv(
        tmp_path / "links.csv", index=False
    )
    arguments = (*KINGDRA, *CUSTOM[:3], "dataset.drop=[told]", "n_clusters=3")
    assert kingdra_run(*arguments, "dataset.links=links.csv", "output_dir=first").status == 0
    path = next((tmp_path / "first").glob("**/ask_pairs.csv"))
    asked = pd.read_csv(path)
    assert list(asked)[:5] == ["i", "j", "link", "weight", "i: a"]
    assert (asked["i: kind"] == np.array(["x", "y", "z"])[blobs[asked["i"]]]).all()
    assert (asked["i"] != asked["j"]).all()
    blank = asked["link"].isna()
    assert asked[["i", "j", "link", "weight"]][~blank].values.tolist() == [[0, 3, 1, 0.5], [0, 1, 0, 1]]
    assert blank.sum() >= 10

    asked.loc[:4, "link"] = (blobs[asked["i"][:5]] == blobs[asked["j"][:5]]).astype(float)
    asked.to_csv(path, index=False)
    links = f"dataset.links={path.relative_to(tmp_path)}"
    assert kingdra_run(*arguments, links, "output_dir=second").status == 0
    result = json.loads(next((tmp_path / "second").glob("**/result.json")).read_text())
    assert result["links"] == 7


def test_history_tells_of_labelled_points_apart(kingdra_run, tmp_path, blobs):
    kingdra_run("method=constrained_autoencoder", *QUICK, *CUSTOM)
    history = pd.read_csv(only(tmp_path, "history.csv"))
    last = history.iloc[-1]
    assert list(history["iteration"]) == [1, 2, 3]
    assert {"nmi", "purity", "nmi_given", "purity_given", "lambda"} <= set(history)
    assert last["purity"] == json.loads(only(tmp_path, "result.json").read_text())["purity"]
    labels = np.load(only(tmp_path, "labels.npy"))
    assert last["purity_given"] == pytest.approx(purity(blobs[:12], labels[:12]))


@pytest.mark.parametrize(
    ("arguments", "mistake"),
    [
        (("method=kmeans",), "dataset.given is for methods that learn from labels, not for method=kmeans"),
        (
            ("method=constrained_kmeans", "dataset.given=a", "dataset.columns=[b,c,d]"),
            "dataset.given=a and dataset.labels are words and",
        ),
        (
            ("n_clusters=2",),
            "n_clusters=2 is less than the classes of dataset.given and dataset.labels, 3 ('x', 'y', 'z'): "
            "correct a name, or give at least 3",
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
            "dataset.given has no label of 1 of n_clusters=4 classes, and method=constrained_autoencoder",
        ),
        (
            ("method=nearest_labelled", "dataset.given=part", "dataset.drop=[told]"),
            "dataset.given has no label of 'z', and method=nearest_labelled needs some of each class: label",
        ),
        (
            ("method=kingdra", "dataset.links=apart.csv"),
            "Rows 0 and 3 have the class 'x', and the pairs say that they cannot be linked",
        ),
        (
            ("method=kingdra", "dataset.links=together.csv"),
            "Rows 0 and 1 must be linked, and have the classes 'x' and 'y'",
        ),
        (
            (*CUSTOM, "method=nearest_labelled", "labels_fraction=0.1"),
            "labels_fraction=0.1 draws labels, and dataset.given gives yours: leave one of them out",
        ),
    ],
)
def test_user_errors(kingdra_run, tmp_path, blobs, arguments, mistake):
    (tmp_path / "l.csv").write_text("i,j,link\n0,3,1\n")
    (tmp_path / "apart.csv").write_text("i,j,link\n0,3,0\n")
    (tmp_path / "together.csv").write_text("i,j,link\n0,1,1\n")
    if "dataset.given=part" in arguments:
        table = pd.read_csv(tmp_path / "data.csv")
        table.assign(part=table["told"].replace("z", None)).to_csv(tmp_path / "data.csv", index=False)
    assert kingdra_run(*CUSTOM, *arguments).mistake.startswith(mistake)


def test_a_fraction_that_is_none(kingdra_run):
    start = "labels_fraction must be a number above 0 and below 1; got 1.5"
    assert kingdra_run("method=constrained_kmeans", "labels_fraction=1.5").mistake.startswith(start)
