"""Several runs in one command: the table at the end, and the recommended number of clusters."""

import json
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from sklearn.datasets import make_blobs

from kingdra_repro import Kingdra
from kingdra_repro.bases import LadderIM
from kingdra_repro.errors import InputError
from kingdra_repro.evaluation import choose_n_clusters
from kingdra_repro.evaluation.n_clusters import recommend
from kingdra_repro.evaluation.without_labels import MEASURES
from kingdra_repro.methods import DEC, KMeans
from kingdra_repro.programs.sweep import Job, end_sweep, expand_sweep
from tests.methods.test_kinds_of_arrays import REFUSED
from tests.programs.conftest import TINY

CENTRES = [[0, 0, 0], [9, 0, 0], [0, 9, 0]]


@pytest.fixture
def blobs(tmp_path) -> np.ndarray:
    """Write 120 points in three well-separated clusters to heaps.npy."""
    X = make_blobs(120, centers=CENTRES, random_state=0)[0].astype(np.float32)
    np.save(tmp_path / "heaps.npy", X)
    return X


CUSTOM = ("dataset=custom", "dataset.path=heaps.npy")
KMEANS = (*CUSTOM, "method=kmeans")


def recommended(tmp_path) -> pd.DataFrame:
    (path,) = tmp_path.glob("outputs/sweeps/*/n_clusters.csv")
    assert path.with_suffix(".png").stat().st_size > 1000
    return pd.read_csv(path)


@pytest.mark.parametrize("given", ["n_clusters=2..5", "n_clusters=[5,2..4]", "n_clusters=2,3,4,5"])
def test_several_numbers_are_a_sweep(given):
    assert expand_sweep(["seed=1", given]) == ["-m", "seed=1", "n_clusters=2,3,4,5"]
    assert expand_sweep(["-m", given]) == ["-m", "n_clusters=2,3,4,5"]


def test_a_list_of_one_number_is_that_number():
    assert expand_sweep(["seed=1", "n_clusters=[4]"]) == ["seed=1", "n_clusters=4"]


@pytest.mark.parametrize(
    "given", ["n_clusters=3", "n_clusters=range(2,6)", "n_clusters=null", "n_clusters=many"]
)
def test_what_is_hydra_s_is_left_to_it(given):
    assert expand_sweep(["method=kmeans", given]) == ["method=kmeans", given]


def test_a_number_of_clusters_is_recommended(kingdra_run, blobs, tmp_path):
    done = kingdra_run(*KMEANS, "n_clusters=2..4")
    assert done.status == 0, done.err
    assert len(list(tmp_path.glob("outputs/custom-heaps/kmeans/*/result.json"))) == 3
    choice = choose_n_clusters(KMeans(random_state=0), blobs, range(2, 5))
    assert choice.n_clusters == 3
    assert choice.reason in done.out
    assert len(pd.read_csv(next(tmp_path.glob("outputs/sweeps/*/sweep.csv")))) == 3
    assert choice.reason.startswith("3 clusters have the largest")
    table = recommended(tmp_path)
    pd.testing.assert_frame_equal(table, choice.table, check_dtype=False)
    assert table["silhouette"].idxmax() == 1
    assert table["stability"].isna().all()
    # The same command again repeats no run, and prints the same recommendation.
    again = kingdra_run(*KMEANS, "n_clusters=2..4")
    assert again.out.count("finished already") == 3
    assert choice.reason in again.out


def test_an_ensemble_tells_the_same_in_python(kingdra_run, blobs, tmp_path):
    assert kingdra_run(*CUSTOM, *TINY, "device=cpu", "n_clusters=3..4").status == 0
    small = {"n_models": 2, "n_iter": 1, "first_epochs": 1, "epochs": 1, "batch_size": 256}
    estimator = Kingdra(base=LadderIM(hidden=(16, 16)), device="cpu", random_state=0, **small)
    choice = choose_n_clusters(estimator, blobs, [3, 4])
    pd.testing.assert_frame_equal(recommended(tmp_path), choice.table, check_dtype=False)
    assert choice.table[["stability", "agreement", "pseudo_labelled"]].notna().all(axis=None)
    assert estimator.monitor is None


def made(folder, k: int, silhouette: float) -> Path:
    """Write a finished run's result, with the keys that the end of a sweep reads."""
    folder.mkdir()
    said = {"dataset": "heaps", "method": "kmeans", "seed": 0, "n": 9, "k": k, "clusters_found": k}
    (folder / "result.json").write_text(json.dumps({**said, "silhouette": silhouette}))
    return folder


def test_runs_that_differ_in_their_numbers_alone_are_compared(tmp_path, capsys, monkeypatch):
    titles = []
    monkeypatch.setattr(Axes, "set_title", lambda panel, title, **_: titles.append(title))
    jobs = [
        Job(made(tmp_path / f"run{seed}{k}", k, 0.1 * (k == best)), ("method=kmeans", f"seed={seed}"))
        for seed, best in ((0, 3), (1, 2))
        for k in (2, 3)
    ]
    end_sweep([*jobs, Job(tmp_path / "failed", ("seed=0",))], tmp_path)
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines() if "clusters have" in line] == ["3", "2"]
    assert [line for line in out.splitlines() if line.startswith("seed=")] == ["seed=0:", "seed=1:"]
    tables = sorted(tmp_path.glob("sweeps/*/n_clusters_[01].csv"))
    assert [set(pd.read_csv(table)["settings"]) for table in tables] == [{"seed=0"}, {"seed=1"}]
    assert titles == ["seed=0", "seed=1"]
    (path,) = tmp_path.glob("sweeps/*/sweep.csv")
    assert list(pd.read_csv(path)["k"]) == [2, 3, 2, 3]


def test_without_several_numbers_a_sweep_ends_with_its_table(tmp_path, capsys):
    end_sweep([Job(made(tmp_path / f"run{seed}", 3, 0.1), (f"seed={seed}",)) for seed in (0, 1)], tmp_path)
    assert {"data", "heaps", "run1"} <= set(capsys.readouterr().out.split())
    assert [path.name for path in tmp_path.glob("sweeps/*/*")] == ["sweep.csv"]


def test_a_sweep_over_thresholds_says_which_were_not_kept_to(tmp_path, capsys):
    jobs = [
        Job(made(tmp_path / f"run{t_neg}", 3, 0.1), (f"pseudo_labels.t_neg={t_neg}",)) for t_neg in (3, 4)
    ]
    path = tmp_path / "run4" / "result.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "rules": "relaxed+given"}))
    end_sweep(jobs, tmp_path)
    assert "1 of 2 runs used lower thresholds" in capsys.readouterr().out
    (table,) = tmp_path.glob("sweeps/*/sweep.csv")
    assert pd.read_csv(table)["rules"].fillna("").tolist() == ["", "relaxed+given"]


def test_the_table_of_a_sweep_says_in_what_its_runs_differ(tmp_path, capsys):
    ways = [(0, "1e-3"), (1, "1e-3"), (0, "1e-2")]
    jobs = [
        Job(made(tmp_path / f"run{i}", 3, 0.1), ("method=kmeans", f"seed={seed}", f"training.rate={rate}"))
        for i, (seed, rate) in enumerate(ways)
    ]
    end_sweep(jobs, tmp_path)
    (path,) = tmp_path.glob("sweeps/*/sweep.csv")
    table = pd.read_csv(path, dtype=str)
    assert table["training.rate"].tolist() == ["1e-3", "1e-3", "1e-2"]
    heading = next(line for line in capsys.readouterr().out.splitlines() if "training.rate" in line)
    assert {"seed", "method"} <= set(heading.split())
    assert list(table).count("seed") == list(table).count("method") == 1


@pytest.mark.parametrize("sweep", ["method.n_init=1,2,3", "n_clusters=2,3,4"])
def test_a_damaged_result_is_left_out_of_the_table(kingdra_run, blobs, tmp_path, sweep):
    command = (*KMEANS, "n_clusters=3", sweep) if "n_init" in sweep else (*KMEANS, sweep)
    assert kingdra_run("-m", *command).status == 0
    path = sorted(tmp_path.glob("outputs/custom-heaps/kmeans/*/result.json"))[0]
    path.write_text(path.read_text()[:100])
    outcome = kingdra_run("-m", *command)
    assert outcome.status == 2
    assert "Traceback" not in outcome.err
    assert outcome.err.count("is damaged") == 1
    tables = [pd.read_csv(path) for path in tmp_path.glob("outputs/sweeps/*/sweep.csv")]
    assert sorted(map(len, tables)) == [2, 3]
    assert outcome.out.count("clusters have the largest") == ("n_clusters" in sweep)


def test_the_result_of_another_run_is_no_result_of_a_failed_job(kingdra_run, blobs, tmp_path):
    """Both jobs have the folder `same`; the second one finds the run of other settings there, and fails."""
    outcome = kingdra_run("-m", *KMEANS, "n_clusters=3", "hydra.sweep.subdir=same", "method.n_init=1,2")
    assert "same has a run of other settings" in outcome.err
    (path,) = tmp_path.glob("outputs/sweeps/*/sweep.csv")
    assert len(pd.read_csv(path)) == 1


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("n_clusters=5..2", "n_clusters=5..2 must be numbers from 2 upwards"),
        ("n_clusters=1..3", "n_clusters=1..3 must be numbers from 2 upwards"),
        ("n_clusters=2..3..4", "n_clusters=2..3..4 is no range"),
        ("n_clusters=2..", "n_clusters=2.. is no range"),
        ("n_clusters=[]", "n_clusters=[] is no range"),
        ("n_clusters=2..2000", "n_clusters=2..2000 has more than 100 numbers"),
    ],
)
def test_ranges_that_are_none(given, reason, kingdra_run, blobs):
    assert kingdra_run(*KMEANS, given).mistake.startswith(reason)


def test_a_number_that_is_out_changes_nothing_of_the_others():
    rows = [
        {"k": 2, "clusters_found": 2, **dict.fromkeys(MEASURES, 0.9), "silhouette": 0.2},
        {"k": 3, "clusters_found": 3, **dict.fromkeys(MEASURES, 0.9), "silhouette": 0.9},
        {"k": 9, "clusters_found": 1, **dict.fromkeys(MEASURES, 0.9), "silhouette": None},
    ]
    both = [recommend(pd.DataFrame(rows[:n])) for n in (2, 3)]
    assert [choice.n_clusters for choice in both] == [3, 3]
    assert both[0].reason == both[1].reason


def test_of_equal_scores_the_smaller_number_wins():
    rows = [{"k": k, "clusters_found": k, **dict.fromkeys(MEASURES, 0.9)} for k in (4, 2, 3)]
    assert recommend(pd.DataFrame(rows)).n_clusters == 2


def test_each_number_has_a_checkpoint_of_its_own(tmp_path, blobs):
    small = {"n_models": 2, "n_iter": 1, "first_epochs": 1, "epochs": 1, "batch_size": 256}
    kingdra = Kingdra(base=LadderIM(hidden=(8,)), device="cpu", checkpoint_dir=tmp_path / "kept", **small)
    choose_n_clusters(kingdra, blobs, [2, 3])
    assert sorted(path.name for path in tmp_path.glob("kept/*")) == ["k2", "k3"]


def test_a_comparison_that_was_stopped_ends_as_one_that_was_not(tmp_path, blobs):
    class Stopping:
        phases = 0

        def progress(self, event) -> None: ...

        def iteration(self, it) -> None:
            self.phases += 1
            if self.phases == 4:
                raise KeyboardInterrupt

    def kingdra(**more) -> Kingdra:
        small = {"n_models": 2, "n_iter": 1, "first_epochs": 1, "epochs": 1, "random_state": 0}
        return Kingdra(base=LadderIM(hidden=(8,)), device="cpu", **small, **more)

    straight = choose_n_clusters(kingdra(), blobs, [2, 3])
    with pytest.raises(KeyboardInterrupt):  # at the end of the second number's last phase
        choose_n_clusters(kingdra(checkpoint_dir=tmp_path, monitor=Stopping()), blobs, [2, 3])
    resumed = choose_n_clusters(kingdra(checkpoint_dir=tmp_path), blobs, [2, 3])
    pd.testing.assert_frame_equal(resumed.table, straight.table)
    assert resumed.reason == straight.reason


def test_a_monitor_that_cannot_be_copied_sees_the_fits_of_every_number(blobs):
    class Locked:
        def __init__(self) -> None:
            self.lock, self.seen = threading.Lock(), []

        def progress(self, event) -> None: ...

        def iteration(self, it) -> None:
            if it.labels is not None:
                self.seen.append(it.labels.max() + 1)

    monitor = Locked()
    dec = DEC(hidden=(8,), epochs=1, max_iter=0, random_state=0, device="cpu", monitor=monitor)
    assert choose_n_clusters(dec, blobs, [2, 3]).table["k"].tolist() == [2, 3]
    assert monitor.seen == [2, 3]
    assert dec.monitor is monitor


def test_what_float32_does_not_tell_apart_is_refused_as_by_fit(blobs):
    far = blobs.astype(np.float64) + np.eye(1, blobs.shape[1]) * 1e9
    with pytest.raises(ValueError, match="float32"):
        choose_n_clusters(KMeans(random_state=0), far, [2, 3])


@pytest.mark.parametrize("kind", REFUSED)
def test_x_is_refused_as_by_fit(kind):
    give, message = REFUSED[kind]
    with pytest.raises(InputError, match=message):
        choose_n_clusters(KMeans(random_state=0), give(), [2, 3])


@pytest.mark.parametrize("numbers", [[3], [1, 2], [2, 2.5], [2, "3"], [[2], [3]], "23", 5, None, []])
def test_numbers_that_cannot_be_compared(numbers, blobs):
    with pytest.raises(ValueError, match="n_clusters must be two integers or more"):
        choose_n_clusters(KMeans(), blobs, numbers)


def test_the_table_shows_lists_of_names(kingdra_run, tmp_path):
    np.savetxt(
        tmp_path / "t.csv",
        np.random.default_rng(0).random((30, 3)),
        delimiter=",",
        header="a,b,c",
        comments="",
    )
    done = kingdra_run(
        "-m", "dataset=custom", "dataset.path=t.csv", "n_clusters=2", "method=kmeans", "dataset.drop=[a],[b]"
    )
    rows = [line for line in done.out.splitlines() if "seed0-" in line and "run folder" not in line]
    assert ["[a]" in rows[0], "[b]" in rows[1]] == [True, True]
