"""kingdra-predict gives new points the same clusters as the estimator's own ``predict``."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

import kingdra_repro
from kingdra_repro.bases import LadderIM
from kingdra_repro.errors import InputError
from kingdra_repro.methods import Kingdra
from kingdra_repro.programs import predict
from kingdra_repro.runs.model import _digest
from kingdra_repro.runs.reading import EXACT
from tests.programs import conftest as console
from tests.programs.conftest import TINY
from tests.programs.test_runs import only

FRESH = "from kingdra_repro.programs.predict import main; main()"


@pytest.fixture
def halves(tmp_path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write the digits as two tables: half.csv, with the classes, and rest.csv, without them.

    Columns that are constant in half.csv are left out. The columns of rest.csv are in reverse order.
    """
    digits = load_digits(as_frame=True)
    table = digits.data.loc[:, digits.data[:900].nunique() > 1]
    table = table.assign(who=[f"writer {i}" for i in range(len(table))])
    half, rest = table[:900], table[900:].iloc[:, ::-1].reset_index(drop=True)
    half.assign(digit=digits.target[:900]).to_csv(tmp_path / "half.csv", index=False)
    rest.to_csv(tmp_path / "rest.csv", index=False)
    return half, rest


TABLE = ("dataset=custom", "dataset.path=half.csv", "dataset.labels=digit", "dataset.id=who")
HALF = (*TABLE, "device=cpu", *TINY)


def called(capsys, *arguments: str) -> tuple[int, str]:
    """Return the exit status, and standard output or, after a user error, the message."""
    outcome = console.called(predict.main, capsys, "kingdra-predict", *arguments)
    return outcome.status, outcome.mistake if outcome.status else outcome.out


def test_half_of_the_digits_labels_the_other_half_as_the_estimator_does(kingdra_run, halves, tmp_path):
    assert kingdra_run(*HALF).status == 0
    moved = only(tmp_path, "result.json").parent.rename(tmp_path / "moved")
    command = [sys.executable, "-c", FRESH, f"run={moved}", "data=rest.csv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "rest.clusters.csv\n"), done.stderr
    said = pd.read_csv(tmp_path / "rest.clusters.csv")

    half, rest = (table[halves[0].columns.drop("who")] for table in halves)
    scaler = StandardScaler().fit(half)
    base = LadderIM(hidden=(16, 16))
    small = {"n_models": 2, "n_iter": 1, "first_epochs": 1, "epochs": 1, "batch_size": 256}
    estimator = Kingdra(10, base=base, device="cpu", random_state=0, **small)
    estimator.fit(scaler.transform(half).astype(np.float32))
    np.testing.assert_array_equal(np.load(moved / "labels.npy"), estimator.labels_)
    X = scaler.transform(rest).astype(np.float32)
    proba = estimator.predict_proba(X)
    np.testing.assert_array_equal(said["cluster"], estimator.predict(X))
    model = kingdra_repro.load(moved)
    np.testing.assert_array_equal(model.predict(pd.read_csv(tmp_path / "rest.csv")), said["cluster"])
    np.testing.assert_array_equal(model[-1].predict(X), said["cluster"])
    with pytest.raises(InputError, match="X must be a DataFrame with the columns of the run's table"):
        model.predict(X)
    np.testing.assert_allclose(said["confidence"], proba.max(1), atol=1e-4)
    assert list(said["id"]) == list(halves[1]["who"])
    assert len(set(said["cluster"])) > 1


def test_clusters_of_a_run_are_a_table(kingdra_run, halves, tmp_path, capsys):
    assert kingdra_run(*HALF).status == 0
    folder = only(tmp_path, "result.json").parent
    table = pd.read_csv(folder / "clusters.csv")
    assert list(table) == ["id", "cluster", "confidence", "agreement"]
    assert list(table["id"]) == list(halves[0]["who"])
    np.testing.assert_array_equal(table["cluster"], np.load(folder / "labels.npy"))
    assert set(table["agreement"]) <= {0.0, 0.5, 1.0}
    # Names that differ only after the first dot give different output files.
    for name in ("2024.01.csv", "2024.02.csv"):
        halves[1].to_csv(name, index=False)
        assert called(capsys, str(folder), name) == (0, name.replace(".csv", ".clusters.csv\n"))
    assert table["confidence"].between(0.1, 1).all()
    # Keeping the input columns does not make it another run.
    assert kingdra_run(*HALF, "dataset.keep_columns=true", "output_dir=beside").status == 0
    (beside,) = tmp_path.glob("beside/**/clusters.csv")
    assert beside.parent.name == folder.name
    with_columns = pd.read_csv(beside)
    assert list(with_columns)[4:] == list(pd.read_csv("half.csv"))
    np.testing.assert_array_equal(with_columns["who"], table["id"])
    # The file of the fit gets the clusters of the fit.
    assert called(capsys, str(folder), "half.csv", "output=again.csv") == (0, "again.csv\n")
    pd.testing.assert_frame_equal(pd.read_csv("again.csv"), table)
    assert called(capsys, f"run={folder}", "data=half.csv", "output=all.csv", "keep_columns=true")[0] == 0
    pd.testing.assert_frame_equal(pd.read_csv("all.csv"), with_columns)


@pytest.mark.parametrize("method", ["kmeans", "single"])
def test_columns_of_the_user_keep_their_digits(kingdra_run, tmp_path, capsys, method):
    """A method without such columns of its own leaves the user's "confidence" and "agreement" as they are."""
    X = pd.DataFrame(np.random.default_rng(0).random((60, 3)), columns=["a", "confidence", "agreement"])
    X.to_csv(tmp_path / "x.csv", index=False)
    table = ("dataset=custom", "dataset.path=x.csv", "dataset.keep_columns=true", "n_clusters=3")
    assert kingdra_run(*table, f"method={method}", *TINY).status == 0
    folder = only(tmp_path, "result.json").parent
    assert called(capsys, str(folder), "x.csv", "keep_columns=true")[0] == 0
    for path in (folder / "clusters.csv", tmp_path / "x.clusters.csv"):
        own = pd.read_csv(path, **EXACT).iloc[:, -3:]
        np.testing.assert_array_equal(own, X)


def test_a_folder_of_parquet_gets_the_table_of_clusters_of_one_file(kingdra_run, halves, tmp_path, capsys):
    """The table has missing values, a column of words, and row names."""
    table = halves[0].assign(ink=np.array(["blue", "black", None])[np.arange(900) % 3])
    table.loc[700, "pixel_3_3"] = np.nan
    table.to_parquet("all.parquet")
    Path("parts").mkdir()
    for i in range(3):
        table[300 * i : 300 * i + 300].to_parquet(f"parts/{i}.parquet")
    settings = ("dataset.id=who", "dataset.missing=mean", "dataset.categories=onehot", "n_clusters=3")
    assert kingdra_run("dataset=custom", "dataset.path=all.parquet", "method=kmeans", *settings).status == 0
    folder = str(only(tmp_path, "result.json").parent)
    for keep in ("false", "true"):
        made = []
        for data in ("all.parquet", "parts"):
            more = (f"output={keep}.csv", f"keep_columns={keep}")
            assert called(capsys, folder, data, *more) == (0, f"{keep}.csv\n")
            made.append(Path(f"{keep}.csv").read_text())
        assert made[0] == made[1]
        assert len(made[0].splitlines()) == 901


@pytest.mark.parametrize(
    ("dtype", "scale"),
    [("float32", "auto"), ("float32", "minmax"), ("float64", "standard"), ("uint8", "auto")],
)
def test_arrays_are_read_as_the_run_s_was(kingdra_run, tmp_path, capsys, dtype, scale):
    X = load_digits().data[:200].astype(dtype)
    np.save(tmp_path / "x.npy", X)
    command = ("dataset=custom", "dataset.path=x.npy", "n_clusters=3", "method=kmeans")
    assert kingdra_run(*command, f"dataset.scale={scale}").status == 0
    folder = only(tmp_path, "result.json").parent
    assert called(capsys, f"run={folder}", "data=x.npy") == (0, "x.clusters.csv\n")
    Path("run").symlink_to(folder)
    assert called(capsys, "run", "x.npy") == (0, "x.clusters.csv\n")
    np.save("own.npy", X)
    Path("own.clusters.csv").write_text("cluster,id\n")
    told = "own.clusters.csv is a file of another kind: move it away, or give output=FILE"
    assert called(capsys, "run", "own.npy") == (2, told)
    assert Path("own.clusters.csv").read_text() == "cluster,id\n"
    said = pd.read_csv("x.clusters.csv")
    assert list(said) == ["row", "cluster"]
    assert list(said["row"]) == list(range(200))
    np.testing.assert_array_equal(said["cluster"], np.load(folder / "labels.npy"))
    model = kingdra_repro.load(folder)
    np.testing.assert_array_equal(model.predict(X), said["cluster"])
    with pytest.raises(InputError, match="X has 60 columns: the model was fitted on 64"):
        model.predict(X[:, :60])
    np.save(tmp_path / "narrow.npy", X[:, :60])
    status, line = called(capsys, f"run={folder}", "data=narrow.npy")
    assert (status, line) == (2, "narrow.npy has 60 columns: the model was fitted on 64")
    if dtype == "uint8":
        np.save(tmp_path / "x.npy", X / 255)
        assert "was fitted on uint8" in called(capsys, f"run={folder}", "data=x.npy")[1]


def test_columns_of_words_hold_words_in_a_part_without_letters(kingdra_run, tmp_path, capsys):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "code": rng.choice(["01", "02", "X9"], 60),
            "smoker": rng.choice(["true", "false", "unknown"], 60),
            "x": rng.normal(size=60).round(3),
        }
    )
    table.to_csv(tmp_path / "codes.csv", index=False)
    of_run = ("dataset=custom", "dataset.path=codes.csv", "dataset.categories=onehot", "n_clusters=3")
    assert kingdra_run(*of_run, "method=kmeans").status == 0
    labels = np.load(only(tmp_path, "labels.npy"))
    plain = ((table["code"] != "X9") & (table["smoker"] != "unknown")).to_numpy()
    table[plain].to_csv(tmp_path / "part.csv", index=False)
    run = only(tmp_path, "result.json").parent
    assert called(capsys, f"run={run}", "data=part.csv") == (0, "part.clusters.csv\n")
    np.testing.assert_array_equal(pd.read_csv(tmp_path / "part.clusters.csv")["cluster"], labels[plain])


def test_decimals_and_thousands_are_those_of_the_run(kingdra_run, tmp_path, capsys):
    prices = ["3.560,7", "1.538,2", "2.100,0", "3.488,1", "1.600,5", "2.050,0"] * 4
    lines = [f"{price};{i % 7},5" for i, price in enumerate(prices)]
    (tmp_path / "german.csv").write_text("\n".join(["price;w", *lines]) + "\n")
    of_run = ("dataset=custom", "dataset.path=german.csv", "dataset.columns=[price]", "n_clusters=3")
    assert kingdra_run(*of_run, "method=kmeans").status == 0
    run = only(tmp_path, "result.json").parent
    found = []
    for name, rows in (
        ("long", ["3.560,0;3", "1.538,0;3", "2.100,0;3"]),
        ("short", ["3.560;3", "1.538;3", "2.100;3"]),
    ):
        (tmp_path / f"{name}.csv").write_text("\n".join(["price;w", *rows]) + "\n")
        assert called(capsys, f"run={run}", f"data={name}.csv")[0] == 0
        found.append(pd.read_csv(tmp_path / f"{name}.clusters.csv")["cluster"].tolist())
    assert found[0] == found[1]
    assert len(set(found[0])) == 3


def test_a_table_in_another_unit_is_refused(kingdra_run, tmp_path, capsys):
    share = np.random.default_rng(0).uniform(1, 99, 40).round(1)
    pd.DataFrame({"share": [f"{one}%" for one in share]}).to_csv(tmp_path / "share.csv", index=False)
    assert (
        kingdra_run("dataset=custom", "dataset.path=share.csv", "n_clusters=2", "method=kmeans").status == 0
    )
    run = only(tmp_path, "result.json").parent
    assert called(capsys, f"run={run}", "data=share.csv")[0] == 0
    pd.DataFrame({"share": share / 100}).to_csv(tmp_path / "parts.csv", index=False)
    assert called(capsys, f"run={run}", "data=parts.csv") == (
        2,
        "parts.csv's column 'share' has numbers without a unit, where those that were fitted are with %: "
        "write them alike",
    )


def test_an_array_on_another_scale_is_refused(kingdra_run, tmp_path, capsys):
    X = load_digits().data[:200]
    np.save("x.npy", (X / 16).astype(np.float32))
    np.save("unscaled.npy", X)
    np.save("bytes.npy", (X * 255 / 16).astype(np.uint8))
    np.save("darker.npy", X[:50] / 32)
    command = ("dataset=custom", "dataset.path=x.npy", "n_clusters=3")
    for more in (("method=kmeans",), ("method=single", "dataset.stream=true", "device=cpu", *TINY)):
        assert kingdra_run(*command, *more).status == 0
    folders = [path.parent for path in tmp_path.rglob("model.json")]
    assert len(folders) == 2
    for folder in folders:
        for name, highest in (("unscaled.npy", 16), ("bytes.npy", 255)):
            said = f"{name} has values from 0 to {highest}: the model was fitted on 0 to 1; scale them alike"
            assert called(capsys, str(folder), name) == (2, said)
        assert called(capsys, str(folder), "darker.npy")[0] == 0
        with pytest.raises(InputError, match="X has values from 0 to 16"):
            kingdra_repro.load(folder).predict(X)
    described = json.loads((folder / "model.json").read_text())
    del described["range"], described["sha256_of_this"]  # as older versions wrote it
    described["sha256_of_this"] = _digest(described)
    (folder / "model.json").write_text(json.dumps(described))
    assert called(capsys, str(folder), "unscaled.npy")[0] == 0


def test_mistakes_in_one_line(kingdra_run, halves, tmp_path, capsys):
    assert kingdra_run(*TABLE, "method=kmeans").status == 0
    run = f"run={only(tmp_path, 'result.json').parent}"
    halves[1].rename(columns={"pixel_3_3": "pixel_3,3"}).to_csv("renamed.csv", index=False)
    halves[1].assign(pixel_3_3="dark").to_csv("words.csv", index=False)
    np.save("x.npy", np.zeros((3, 64)))
    Path("empty").mkdir()
    for arguments, reason in [
        ((run, "data=renamed.csv"), "renamed.csv does not fit: it has no column 'pixel_3_3'"),
        ((run, "data=words.csv"), "pixel_3_3"),
        ((run, "data=x.npy"), "x.npy is no table"),
        ((run, "data=nowhere.csv"), "data=nowhere.csv does not exist"),
        (
            (run, "data=empty"),
            "data=empty is a folder: give a file like that of the run, or a folder of nothing",
        ),
        ((run, "data=rest.csv", "output=rest.csv"), "output=rest.csv is the file of the points"),
        ((run, "data=rest.csv", "output=x.xlsx"), "output=x.xlsx: clusters are written as CSV"),
        ((run, "data=rest.csv", "output=none/x.csv"), "output=none/x.csv: there is no folder none: make it"),
        ((run, "data=rest.csv", "keep_columns=1"), "keep_columns must be true or false; got 1"),
        (
            (run, "data=rest.csv", "mirror=m"),
            "mirror=m is for models of pictures, and this is none: leave it",
        ),
        ((run,), "Give FOLDER FILE, or run=FOLDER data=FILE"),
        ((run, "rest.csv", "half.csv"), "half.csv: data=rest.csv is given already"),
        ((run, "file=rest.csv"), "unknown argument file=rest.csv"),
        (("run=empty", "data=rest.csv"), "empty/model.safetensors is not there"),
    ]:
        status, line = called(capsys, *arguments)
        assert status == 2
        assert reason in line
    assert not list(tmp_path.glob("*.clusters.csv"))


def test_columns_of_an_array_cannot_be_kept(kingdra_run, features, tmp_path, capsys):
    assert kingdra_run("dataset=custom", "dataset.path=x.npy", "n_clusters=3", "method=kmeans").status == 0
    folder = str(only(tmp_path, "result.json").parent)
    status, told = called(capsys, folder, "x.npy", "keep_columns=true")
    assert status == 2
    assert "keep_columns=true is for tables, and x.npy is none: leave it out" in told
    assert not (tmp_path / "x.clusters.csv").exists()


def test_a_method_without_an_answer_for_new_points_says_so(kingdra_run, features, tmp_path, capsys):
    command = ("dataset=custom", "dataset.path=x.npy", "n_clusters=3", "method=agglomerative")
    assert kingdra_run(*command).status == 0
    folder = only(tmp_path, "result.json").parent
    assert called(capsys, f"run={folder}", "data=x.npy")[1].startswith("Agglomerative has no answer for new")
    assert list(pd.read_csv(folder / "clusters.csv")) == ["row", "cluster"]


def test_a_model_is_not_kept_where_it_is_not_wanted(kingdra_run, features, tmp_path):
    command = ("dataset=custom", "dataset.path=x.npy", "n_clusters=3", "method=kmeans")
    assert "keep_model must be one of auto, True, False" in kingdra_run(*command, "keep_model=yes").mistake
    for no in ("false", "0"):
        assert kingdra_run(*command, f"keep_model={no}", f"output_dir=outputs/{no}").status == 0
    assert not list(tmp_path.glob("outputs/**/model.*"))
