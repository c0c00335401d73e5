"""A small results folder with made-up numbers, and names that break a page that does not escape them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp
from matplotlib.figure import Figure
from sklearn.preprocessing import StandardScaler

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.sources.preprocessing import Preprocessing
from kingdra_repro.files import write_table
from kingdra_repro.report.tables.cells import COLUMNS
from kingdra_repro.reproduce.store import shown_file
from kingdra_repro.runs.explorer import make_explorer
from kingdra_repro.runs.map import make_map

HOSTILE = '</script><script>window.hacked = 1</script><b>&amp; "quoted" it\'s'
HISTORY = "iteration,acc,model_acc_mean,pseudo_label_acc,agreement,n_pseudo_labels,loss"
KINGDRA = "runs/digits/kingdra-ladder_im/seed0-aaaaaaaa-1234567"
SECOND = "runs/digits/kingdra-ladder_im/seed1-bbbbbbbb-1234567"
WORDS = "runs/newsgroups/single-linear_rim/seed0-cccccccc-1234567"


def pictures() -> Dataset:
    """Return 200 pictures of 10 classes."""
    y = np.arange(200) % 10
    X = np.random.default_rng(0).random((200, 64), dtype=np.float32) * 0.3
    X[np.arange(200), y * 6] = 1
    return Dataset("digits", X, y, 10, image_shape=(8, 8), class_names=[*"012345678", HOSTILE])


def people() -> Dataset:
    """Return a standardised table of 90 rows in 3 classes; unscaled class means are 100, 140 and 180."""
    y = np.arange(90) % 3
    X = np.random.default_rng(0).normal(size=(90, 2)).astype(np.float32) + 4 * y[:, None]
    scaler = StandardScaler().fit(100 + 10 * X)
    X = scaler.transform(100 + 10 * X)
    names = ["height", HOSTILE]
    return Dataset("people", X, y, 3, feature_names=names, preprocessing=Preprocessing(scaler=scaler))


def texts() -> Dataset:
    """Return 60 texts of 3 classes."""
    X = sp.random(60, 30, 0.2, "csr", np.float32, random_state=0)
    names = [HOSTILE, *(f"word{column}" for column in range(1, 30))]
    rows = [f"{row}-{HOSTILE}.txt" for row in range(60)]
    return Dataset("newsgroups", X, np.arange(60) % 3, 3, feature_names=names, row_names=rows)


def votes(labels: np.ndarray, n_models: int = 5) -> np.ndarray:
    """Return the votes of models that each get some points wrong, and number the clusters differently."""
    random = np.random.default_rng(1)
    k = int(labels.max()) + 1
    wrong = random.random((n_models, len(labels))) < 0.1
    answers = np.where(wrong, random.integers(0, k, wrong.shape), labels)
    return np.stack([random.permutation(k)[of_model] for of_model in answers]).astype(np.uint8)


def write_run(results: Path, folder: str, data: Dataset, seed: int, with_votes: bool) -> dict[str, object]:
    """Write a run's explorer.json and, for Kingdra, its history; return its row of runs.csv."""
    place = shown_file(results, folder, "explorer.json").parent
    place.mkdir(parents=True)
    assert data.y is not None
    labels = np.where(np.arange(len(data.y)) % 11 == 0, 0, (data.y + 3) % data.n_clusters)
    explorer = make_explorer(data, labels, votes(labels) if with_votes else None)
    (place / "explorer.json").write_text(json.dumps(explorer))
    method, _, base = folder.split("/")[2].partition("-")
    command = f"kingdra-run dataset={data.name} method={method} base={base} seed={seed} note={HOSTILE}"
    _, config_hash, code = folder.rpartition("/")[2].split("-")
    if method == "kingdra":
        key = f"{config_hash},{code},{seed}"
        lines = [
            f"{key},{i},0.{7 + i // 2}{i},0.6{i},{'' if i == 0 else 0.9},0.{80 + i},{100 + 20 * i},{9 - i}"
            for i in range(4)
        ]
        path = results / "history" / f"{data.name}.csv"
        path.parent.mkdir(exist_ok=True)
        head = "" if path.exists() else f"config_hash,code,seed,{HISTORY}\n"
        with path.open("a") as file:
            file.write(head + "\n".join(lines) + "\n")
    return {
        "command": command,
        "dataset": data.name,
        "method": method,
        "base": base,
        "seed": seed,
        "n": len(labels),
        "acc": 0.9123,
        "nmi": 0.85,
        "agreement": 0.91 if with_votes else "",
        "n_pseudo_labels": "160.0" if with_votes else "",
        "wall_seconds": 12.5,
        "device": HOSTILE,
        "finished": "2020-01-01T00:00:00+00:00",
        "commit": "1234567" * 5,
        "config_hash": config_hash,
        "folder": folder,
        "code": code,
    }


def line(
    row: str, column: str, order: str, mean: float | str, std: object, paper: tuple, note: str, runs: str
) -> dict:
    """Return a row of a long-form table."""
    n = len(runs.split(";")) if runs else 0
    difference = mean - paper[0] if mean != "" and paper[0] != "" else ""
    schedule = "published" if order != "shuffled" else "short"
    values = (row, column, order, schedule, mean, std, n, *paper, difference, note, runs)
    return dict(zip(COLUMNS, values, strict=True))


TABLE_2 = [
    line("K-means", "Digits", "-", "", "", (53.3, 0.1), "not run", ""),
    line("Kingdra", "Digits", "file", 91.234, 0.5, (98.5, 0.4), "", f"{KINGDRA};{SECOND}"),
    line("Kingdra", "Digits", "shuffled", 88.0, "", ("", ""), "4 iterations of 2 epochs", SECOND),
    line("K-means", HOSTILE, "-", 60.0, "", (14.0, 1.5), "", "runs/gone"),
    line("Linear RIM", HOSTILE, "file", 50.0, "", (50.9, ""), f"note {HOSTILE}", WORDS),
    line("Kingdra", HOSTILE, "file", "", "", (43.9, 1.4), f"failed: {HOSTILE}", ""),
]


def write_results(results: Path) -> Path:
    """Write a results folder, and return its path."""
    rows = [
        write_run(results, KINGDRA, pictures(), 0, True),
        write_run(results, SECOND, pictures(), 1, True),
        write_run(results, WORDS, texts(), 0, False),
    ]
    (results / "tables").mkdir()
    write_table(results / "runs.csv", pd.DataFrame(rows))
    write_table(results / "tables" / "table2.csv", pd.DataFrame(TABLE_2))
    (results / "tables" / "other.csv").write_text("row,reason\nKingdra,no memory\n")  # not a results table
    (results / "figures").mkdir()
    figure = Figure(figsize=(5.5, 2))
    figure.subplots().plot([0, 1, 2], [0.7, 0.9, 0.95])
    for kind in ("svg", "png"):
        figure.savefig(results / "figures" / f"figure2.{kind}")
    return results


class Hidden:
    """A fake fitted estimator, whose last hidden layer is the features themselves."""

    def last_hidden_layer(self, X: np.ndarray) -> np.ndarray:
        return np.asarray(X.todense()) if sp.issparse(X) else X


def write_run_with_a_map(folder: Path, data: Dataset, labels: np.ndarray | None = None) -> Path:
    """Write a finished run with known classes and a map of its points; return its folder."""
    folder.mkdir()
    assert data.y is not None
    labels = (data.y + 3) % data.n_clusters if labels is None else labels
    n, k = len(labels), data.n_clusters
    (folder / "explorer.json").write_text(json.dumps(make_explorer(data, labels, votes(labels))))
    (folder / "map.json").write_text(json.dumps(make_map(data, Hidden(), labels, "pca", votes(labels))))
    result = {"dataset": data.name, "method": "kingdra", "base": "ladder_im", "seed": 0, "n": n, "k": k}
    (folder / "result.json").write_text(json.dumps({**result, "acc": 1.0, "agreement": 0.75}))
    return folder


def write_run_of_given_labels(folder: Path) -> Path:
    """Write a finished run of a table with given classes for some rows; its first cluster is empty."""
    folder.mkdir()
    long = "a very long name of a column, such as a question that was asked, which goes on and on " * 3
    data = replace(people(), y=None, feature_names=[long, long.replace(" ", "_")])
    explorer = make_explorer(data, np.arange(90) % 2 + 1, None, ["oak", "", "fir"])
    (folder / "explorer.json").write_text(json.dumps(explorer))
    result = {"dataset": data.name, "method": "kingdra", "base": "ladder_im", "seed": 0, "n": 90, "k": 3}
    (folder / "result.json").write_text(json.dumps({**result, "acc": None, "agreement": 0.75}))
    return folder


def write_run_without_classes(folder: Path) -> Path:
    """Write a finished run of a user's own texts, with the files of kingdra-run that the page reads."""
    (folder / ".hydra").mkdir(parents=True)
    (folder / ".hydra" / "overrides.yaml").write_text("- dataset=custom\n- output_dir=x\n- seed=0\n")
    (folder / "history.csv").write_text("iteration,agreement\n0,0.5\n1,0.75\n")
    labels = np.arange(60) % 3
    explorer = make_explorer(replace(texts(), y=None, class_names=None), labels, votes(labels))
    (folder / "explorer.json").write_text(json.dumps(explorer))
    result = {"dataset": "my <texts>", "method": "kingdra", "base": "ladder_im", "seed": 0, "n": 60, "k": 3}
    (folder / "result.json").write_text(json.dumps({**result, "acc": None, "agreement": 0.75}))
    return folder
