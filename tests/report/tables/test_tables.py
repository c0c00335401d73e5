"""Numbers of the tables, compared with values computed by hand."""

import numpy as np
import pandas as pd
import pytest

from kingdra_repro.report.tables import write_tables
from kingdra_repro.report.tables.cells import PlanResults
from kingdra_repro.report.tables.kinds import (
    accuracy_table,
    cost_table,
    fully_connected_table,
    tables_of,
    thresholds_table,
)
from kingdra_repro.report.tables.paper import paper_mean_std, paper_rows
from kingdra_repro.reproduce.experiments import experiment
from tests.report.tables.made_up import Planned, done


def line(table, row, column="MNIST", order="-"):
    (found,) = table[(table["row"] == row) & (table["column"] == column) & (table["order"] == order)].to_dict(
        "records"
    )
    return found


def test_mean_and_deviation_over_seeds():
    runs = [Planned("K-means", seed=seed) for seed in range(3)]
    cells = done(*zip(runs, [{"acc": 0.50}, {"acc": 0.53}, {"acc": 0.59}], strict=True))
    found = line(accuracy_table("table2", PlanResults(runs, cells)), "K-means")
    assert found["mean"] == pytest.approx(54)
    assert found["std"] == pytest.approx(np.sqrt((16 + 1 + 25) / 2))
    assert found["n"] == 3
    assert (found["paper_mean"], found["paper_std"]) == (53.3, 0.1)
    assert found["difference"] == pytest.approx(0.7)
    assert found["note"] == ""
    assert found["runs"] == ";".join(f"runs/{run.config_hash}" for run in runs)


def test_runs_of_two_orders_are_two_rows():
    plan = [Planned("Ladder-IM", order=order) for order in ("file", "shuffled")]
    table = accuracy_table(
        "table2", PlanResults(plan, done((plan[0], {"acc": 0.9}), (plan[1], {"acc": 0.7})))
    )
    for order, mean in (("file", 90), ("shuffled", 70)):
        found = line(table, "Ladder-IM", order=order)
        assert (found["mean"], found["n"]) == (pytest.approx(mean), 1)


def test_one_run_has_no_deviation():
    run = Planned("K-means")
    assert np.isnan(
        line(accuracy_table("table2", PlanResults([run], done((run, {"acc": 0.5})))), "K-means")["std"]
    )


def test_each_score_of_runs_with_a_part_of_the_labels_has_a_table_with_a_column_a_part():
    runs = [Planned(f"{part}: As written", "usps", experiment="labels") for part in ("1%", "10%")]
    cells = done((runs[0], {"acc": 0.7, "nmi": 0.6, "purity": 0.8}))
    tables = tables_of("labels", PlanResults(runs, cells))
    assert list(tables) == ["labels_nmi", "labels_purity", "labels_acc"]
    for name, mean, paper in (
        ("labels_nmi", 60, 93.3),
        ("labels_purity", 80, 96.33),
        ("labels_acc", 70, None),
    ):
        found = line(tables[name], "As written", "USPS, 1%")
        assert found["mean"] == pytest.approx(mean)
        assert found["paper_mean"] == (paper or pytest.approx(np.nan, nan_ok=True))
        assert line(tables[name], "As written", "USPS, 10%")["note"] == "not run"


@pytest.mark.parametrize("method", ["method=kingdra", "method=kingdra_plus"])
def test_published_and_short_runs_are_never_put_together(method):
    short = Planned("DEC", schedule="short", overrides=(method, "training.epochs=1", "seed=0"))
    full = Planned("DEC", seed=1, overrides=(method, "seed=1"))
    plan = [full, short]
    both = done((full, {"acc": 0.8}), (short, {"acc": 0.2}))
    found = line(accuracy_table("table2", PlanResults(plan, both)), "DEC")
    assert (found["schedule"], found["n"], found["note"]) == ("published", 1, "")
    assert found["mean"] == pytest.approx(80)
    found = line(accuracy_table("table2", PlanResults(plan, done((short, {"acc": 0.2})))), "DEC")
    assert (found["schedule"], found["note"]) == ("short", "short schedule: training.epochs=1")
    assert found["mean"] == pytest.approx(20)


def test_fewer_iterations_do_not_touch_the_first_phase():
    overrides = (
        "method=kingdra",
        *("training.precision=bfloat16", "training.iterations=4", "training.epochs=2"),
    )
    full = Planned("Ladder-IM", value="first_phase_acc", overrides=overrides[:1])
    run = Planned("Ladder-IM", schedule="short", value="first_phase_acc", overrides=overrides)
    cells = done((run, {"acc": 0.9, "first_phase_acc": 0.8}))
    found = line(accuracy_table("table2", PlanResults([full, run], cells)), "Ladder-IM")
    assert found["note"] == "short schedule: training.precision=bfloat16"
    assert found["mean"] == pytest.approx(80)


def test_iterations_do_not_touch_methods_that_have_none():
    overrides = ("method=single", "training.iterations=4")
    plan = [Planned("DEC", overrides=overrides[:1]), Planned("DEC", schedule="short", overrides=overrides)]
    assert (
        line(accuracy_table("table2", PlanResults(plan, done((plan[1], {"acc": 0.9})))), "DEC")["note"] == ""
    )


def test_a_cell_says_where_the_thresholds_were_relaxed():
    rules = ("relaxed+given", "given", "unsupervised", "unsupervised+given", np.nan)
    plan = [Planned("DEC", seed=seed) for seed in range(5)]
    cells = done(*((run, {"acc": 0.9, "rules": one}) for run, one in zip(plan, rules, strict=True)))
    assert line(accuracy_table("table2", PlanResults(plan, cells)), "DEC")["note"] == (
        "thresholds relaxed in 1 of 5 runs; no iteration with pseudo-labels in 1 of 5 runs; "
        "some iterations without pseudo-labels in 1 of 5 runs"
    )
    first_phase = [Planned("DEC", seed=seed, value="first_phase_acc") for seed in range(5)]
    runs = ((run, {"first_phase_acc": 0.9, "rules": "relaxed"}) for run in first_phase)
    assert line(accuracy_table("table2", PlanResults(first_phase, done(*runs))), "DEC")["note"] == ""


def test_a_cell_says_where_the_features_differ():
    plan = [Planned("DEC", seed=seed) for seed in range(3)]
    runs = [{"acc": 0.9, "features": one} for one in ("aaaaaaaa", "aaaaaaaa", np.nan)]
    cells = done(*zip(plan, runs, strict=True))
    assert line(accuracy_table("table2", PlanResults(plan, cells)), "DEC")["note"] == ""
    runs[2]["features"] = "bbbbbbbb"
    cells = done(*zip(plan, runs, strict=True))
    note = line(accuracy_table("table2", PlanResults(plan, cells)), "DEC")["note"]
    assert note == "features differ between the runs: aaaaaaaa, bbbbbbbb"


def test_empty_cells_say_why():
    plan = [
        Planned("DEC"),
        Planned("DEC", "stl"),
        Planned("Ladder-IM", order="file"),
        Planned("Ladder-IM", "stl", "shuffled"),
        Planned("AC"),
    ]
    cells = done((plan[4], {"acc": np.nan}))
    failures = {plan[1].config_hash: "out of memory"}
    table = accuracy_table("table2", PlanResults(plan, cells, failures))
    assert line(table, "DEC")["note"] == "not run"
    assert line(table, "DEC", "STL")["note"] == "failed: out of memory"
    assert line(table, "Ladder-IM", "STL", "file")["note"].startswith("not run in file order")
    assert line(table, "AC", "STL")["note"] == "not planned"
    assert line(table, "AC")["note"] == "run, but acc is not known"
    assert table["mean"].isna().all()
    assert (table["n"] == 0).all()


SWEEP = pd.DataFrame(
    {
        "t_pos": [10, 9],
        "t_neg": [10, 9],
        "n_models": 10,
        "n_mini_clusters": [8, 10],
        "n_pseudo_labels": [100, 200],
        "smallest": [0, 5],
        "purity": [0.9, 0.8],
        "connected_pairs": [1.0, 0.9],
        "connected_points": [1.0, 0.5],
        "seconds": [2.0, 3.0],
    }
)


@pytest.fixture
def swept():
    """Return results with two seeds with thresholds.csv, one without, and a data set that was not run."""
    plan = [Planned("Kingdra", "cifar10", seed=seed, experiment="thresholds") for seed in range(3)]
    plan.append(Planned("Kingdra", "stl", experiment="thresholds"))
    cells = done(*((run, {"acc": 0.5}) for run in plan[:3]))
    sweeps = {
        f"runs/{run.config_hash}": SWEEP.assign(n_pseudo_labels=SWEEP["n_pseudo_labels"] + more)
        for run, more in zip(plan, (0, 50), strict=False)
    }
    return PlanResults(plan, cells, sweeps=sweeps)


def test_thresholds(swept):
    table = thresholds_table(swept)
    found = line(table, "CIFAR10, t_pos = 9, t_neg = 9", "pseudo-labels")
    assert (found["mean"], found["n"]) == (225, 2)
    assert found["std"] == pytest.approx(50 / np.sqrt(2))
    assert found["runs"].count(";") == 1
    assert line(table, "CIFAR10, t_pos = 10, t_neg = 10", "purity (%)")["mean"] == pytest.approx(90)
    assert line(table, "STL", "purity (%)")["note"] == "not run"


def test_fully_connected_beside_the_papers_81(swept):
    table = fully_connected_table(swept)
    found = line(table, "90%: points joined to all others", "CIFAR10")
    assert (found["mean"], found["paper_mean"], found["difference"]) == (50, 81, -31)
    assert line(table, "90%: pairs joined", "CIFAR10")["mean"] == 90
    assert line(table, "100%: pairs joined", "STL")["note"] == "not run"


def test_seconds_of_different_devices_are_not_averaged(swept):
    runs = [
        Planned("Ladder-IM", "cifar10", seed=seed, experiment="cost", value="wall_seconds") for seed in (0, 1)
    ]
    more = done((runs[0], {"wall_seconds": 60}), (runs[1], {"wall_seconds": 6, "device": "cuda:0"}))
    table = cost_table(
        PlanResults([*runs, *swept.planned], pd.concat([more, swept.cells]), sweeps=swept.sweeps)
    )
    assert line(table, "Ladder-IM", "CIFAR10, cpu")["mean"] == 60
    assert line(table, "Ladder-IM", "CIFAR10, cuda:0")["mean"] == 6
    assert line(table, "Graph clustering", "CIFAR10, cpu")["mean"] == 2


def test_seconds_of_a_method_that_ran_elsewhere_or_not_at_all():
    names = ("Ladder-IM", "Kingdra-Ladder-IM", "IMSAT (RPT)")
    runs = [Planned(name, experiment="cost", value="wall_seconds") for name in names]
    cells = done((runs[0], {"wall_seconds": 60}), (runs[1], {"wall_seconds": 6, "device": "cuda:0"}))
    table = cost_table(PlanResults(runs, cells))
    assert line(table, "Ladder-IM", "MNIST, cuda:0")["note"] == "not run on this device"
    assert line(table, "IMSAT (RPT)", "MNIST, cuda:0")["note"] == "not run"
    assert line(table, "IMSAT (RPT)", "MNIST, cpu")["paper_mean"] == 300


def test_files_of_all_tables(tmp_path):
    plan = [
        Planned("K-means"),
        Planned("Kingdra", experiment="figure2"),
        Planned("5", experiment="ensemble_size"),
    ]
    (tmp_path / "failed.csv").write_text(f"config_hash,line\n{plan[0].config_hash},Killed | 9\n")
    write_tables(tmp_path, plan, done())
    assert {path.name for path in (tmp_path / "tables").iterdir()} == {
        f"{name}.{ending}" for name in ("table2", "ensemble_size") for ending in ("csv", "md", "tex")
    }
    assert "failed: Killed \\| 9" in (tmp_path / "tables" / "table2.md").read_text()


def test_the_papers_numbers():
    table_2 = [row for row in paper_rows("table2") if row != "Linear RIM"]
    assert len(table_2) == 14
    datasets = ("mnist", "stl", "cifar10", "reuters", "newsgroups")
    numbers = [[paper_mean_std("table2", row, dataset) for dataset in datasets] for row in table_2]
    means, stds = np.moveaxis(np.array(numbers, dtype=float), 2, 0)
    # Column sums of the table in the paper, computed independently of paper.yaml.
    np.testing.assert_allclose(means.sum(0), [1082.8, 1123.1, 639.6, 857.8, 356.7], atol=1e-6)
    np.testing.assert_allclose(np.nansum(stds, 0), [28.31, 20.7, 20.0, 38.2, 21.2], atol=1e-6)
    assert paper_mean_std("table2", "Kingdra-Ladder-IM", "newsgroups") == (43.9, 1.4)
    assert paper_mean_std("table2", "DEC", "mnist") == (84.3, None)
    assert paper_mean_std(experiment("batch_order").paper, "Ladder-IM", "mnist") == (95.0, 2.8)
    assert paper_mean_std(experiment("beyond").paper, "Linear RIM", "newsgroups") == (50.9, None)
    assert paper_mean_std("table2", "ours", "mnist") == (None, None)
