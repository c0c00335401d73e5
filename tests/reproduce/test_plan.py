"""The plan has the paper's cells, and its hashes are those of kingdra-run with the same overrides."""

import pandas as pd
import pytest

from kingdra_repro.config import all_settings, read_config
from kingdra_repro.errors import InputError
from kingdra_repro.reproduce import experiments as experiments_module
from kingdra_repro.reproduce import plan as plan_module
from kingdra_repro.reproduce.experiments import experiment, names, parse_seeds
from kingdra_repro.reproduce.plan import PlannedRun, join_results, plan
from kingdra_repro.reproduce.selection import by_value, select
from kingdra_repro.reproduce.settings import settings, split_names
from kingdra_repro.runs.folder import config_hash
from scripts import golden

SHARED_ROWS = ["Ladder-IM-ensemble", "Kingdra-Ladder-IM"]


@pytest.fixture(scope="module")
def table2() -> list[PlannedRun]:
    """Return the runs of table 2. The whole plan is cached on disk; tests/test_golden.py reads it, too."""
    return [run for run in golden.whole_plan() if run.experiment == "table2"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["rows=IMSAT (RPT, radius 2),DEC"], ["IMSAT (RPT, radius 2)", "DEC"]),
        (["rows=[DEC,K-means]"], ["DEC", "K-means"]),
        (["rows=Kingdra-plus"], ["Kingdra-plus"]),
    ],
)
def test_names_of_rows_with_a_comma(given, expected):
    assert split_names(settings(given).rows) == expected


def cell(planned, **fields):
    return [run for run in planned if all(getattr(run, name) == value for name, value in fields.items())]


def test_table_2_has_the_paper_s_cells(table2):
    cells = {(run.row, run.dataset) for run in table2 if run.dataset != "usps"}  # not a column of the paper
    pictures = {"IMSAT (affine)", "Kingdra (affine)", "Kingdra (affine, 7 models)", "Kingdra-plus (affine)"}
    denoising = {"dAE+K-means (denoising)", "dVAE+K-means (denoising)"}
    ours = {*denoising, "Kingdra-plus", "Kingdra-plus (16 iterations)", "IMSAT (RPT, radius 2)", *pictures}
    assert len({(row, dataset) for row, dataset in cells if row not in ours}) == 70
    assert {run.value for run in table2} == {"acc", "first_phase_acc"}


def test_the_hash_is_kingdra_run_s(table2):
    every_40th = table2[::40]
    assert {run.schedule for run in every_40th} == {"published", "short"}
    for run in every_40th:
        assert config_hash(all_settings(run.overrides)) == run.config_hash, run


def test_rows_of_the_same_runs_share_them(table2):
    hashes = [{run.config_hash for run in cell(table2, row=row, dataset="mnist")} for row in SHARED_ROWS]
    assert hashes[0] == hashes[1]
    assert len(hashes[0]) == 20  # five seeds, two orders, two schedules


def test_orders(table2):
    assert {run.order for run in cell(table2, row="K-means")} == {"-"}
    assert {run.order for run in cell(table2, row="IMSAT (VAT)")} == {"shuffled"}
    for dataset, orders in {"mnist": {"file", "shuffled"}, "cifar10": {"shuffled"}}.items():
        assert {run.order for run in cell(table2, row="Kingdra-Ladder-IM", dataset=dataset)} == orders
    (run,) = cell(
        table2, row="Kingdra-Ladder-IM", dataset="mnist", order="file", schedule="published", seed=3
    )
    assert run.overrides == (
        "dataset=mnist", "method=kingdra", "base=ladder_im", "training.order=file", "seed=3"
    )  # fmt: skip


def test_a_seed_that_changes_nothing_is_left_out(table2):
    assert [run.seed for run in cell(table2, row="AC", dataset="stl", schedule="short")] == [0]
    assert [run.seed for run in cell(table2, row="K-means", dataset="stl", schedule="short")] == [
        0,
        1,
        2,
        3,
        4,
    ]


def test_a_schedule_that_changes_nothing_is_left_out(table2):
    for row, dataset, expected in (("K-means", "mnist", True), ("Kingdra-Ladder-IM", "mnist", False)):
        published, short = (
            cell(table2, row=row, dataset=dataset, schedule=name, seed=0)[0]
            for name in ("published", "short")
        )
        assert (published.config_hash == short.config_hash) is expected
        assert (published.overrides == short.overrides) is expected
    assert "training.iterations=4" in short.overrides


def test_every_experiment_names_rows_data_sets_and_orders_that_there_are():
    for name in names("experiment"):
        one = experiment(name)
        for row in one.rows.values():
            assert set(row.datasets) <= set(one.datasets), name
            assert set(row.orders) <= set(one.orders), name
        for order in one.orders.values():
            assert set(order.datasets) <= set(one.datasets), name


def test_every_row_that_has_a_name_is_run_somewhere():
    commands = {row.overrides for name in names("experiment") for row in experiment(name).rows.values()}
    rows = read_config("rows").items()
    unused = [name for name, given in rows if not any(set(given) <= set(one) for one in commands)]
    assert unused == []


def test_a_row_that_is_not_there(monkeypatch):
    read = experiments_module.read_config
    changed = {("rows",): {"DeepClustr": []}}
    monkeypatch.setattr(experiments_module, "read_config", lambda *place: changed.get(place) or read(*place))
    with pytest.raises(InputError, match=r"did you mean DeepClustr\?"):
        experiment.__wrapped__("figure5")


@pytest.mark.parametrize("name", [name for name in names("experiment") if name != "table2"])
def test_every_experiment_composes(name):
    planned = plan([name])
    assert {run.row for run in planned} == set(experiment(name).rows)
    assert {run.dataset for run in planned} == set(experiment(name).datasets)


def test_what_a_gpu_runs_are_cells_of_the_tables(table2):
    """The most valuable runs come first. They use the public code's settings, so they fill these cells."""
    queue = by_value(plan(["gpu"]), "rows")
    assert {run.config_hash for run in queue} <= {run.config_hash for run in [*table2, *plan(["cost"])]}
    assert (queue[0].row, queue[0].dataset) == ("Kingdra-Ladder-IM (10 iterations)", "mnist")
    first = [(run.dataset, run.seed) for run in queue[1:9]]
    assert first == [
        (dataset, seed) for seed in (0, 1) for dataset in ("stl", "reuters", "newsgroups", "cifar10")
    ]
    assert queue[-1].row == "Kingdra-Ladder-IM (50 iterations)"
    assert len(queue) == 61


def test_cost_is_not_shortened():
    assert {run.schedule for run in plan(["cost"])} == {"published"}


def test_one_seed_of_everything_comes_before_the_next_of_anything(table2):
    queue = by_value(select(table2, "short"))
    assert len({run.config_hash for run in queue}) == len(queue)
    assert [run.seed for run in queue] == sorted(run.seed for run in queue)
    rows = list(dict.fromkeys(run.row for run in queue))
    assert rows[:3] == ["K-means", "Ladder-IM", "Ladder-IM-ensemble"]
    assert rows.index("IMSAT (VAT)") < rows.index("DEC")


def test_select(table2):
    chosen = select(table2, "published", rows=["DEC"], datasets=["mnist"], seeds=[0, 2])
    assert [(run.row, run.dataset, run.seed) for run in chosen] == [("DEC", "mnist", 0), ("DEC", "mnist", 2)]


def test_a_row_is_selected_without_its_share_of_the_labels():
    def names(rows):
        return list(dict.fromkeys(run.row for run in select(plan(["labels"]), "published", rows=[rows])))

    assert names("1%: As written") == ["1%: As written"]
    assert names("As written") == ["1%: As written", "2%: As written", "5%: As written", "10%: As written"]


@pytest.mark.parametrize(
    ("given", "seeds"), [("0..4", (0, 1, 2, 3, 4)), ("3", (3,)), ("0,2,4..5", (0, 2, 4, 5)), ([1, 0], (1, 0))]
)
def test_seeds(given, seeds):
    assert parse_seeds(given) == seeds


@pytest.mark.parametrize("given", ["4..0", "a", "", "0..", "-1", "1.5", "0...2"])
def test_no_seeds(given):
    with pytest.raises(InputError, match=r"give seeds=0\.\.4"):
        parse_seeds(given)


def planned_run(hash_: str, seed: int = 0, row: str = "A") -> PlannedRun:
    return PlannedRun("e", row, "acc", "mnist", "-", "short", seed, (f"seed={seed}",), hash_)


def test_matched_takes_the_latest_version_of_the_code():
    runs = pd.DataFrame(
        {
            "config_hash": ["a", "a", "a", "b", "b", "other"],
            "dataset": "elsewhere",
            "finished": ["2026-02-01", "2026-03-01", None, None, None, "2026-01-01"],
            "acc": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
        }
    )
    cells = join_results(
        [planned_run("a"), planned_run("a", row="B"), planned_run("b", 1), planned_run("c", 2)], runs
    )
    assert list(cells["acc"]) == [0.2, 0.2, 0.5]
    assert list(cells["row"]) == ["A", "B", "A"]
    assert set(cells["dataset"]) == {"mnist"}


def test_matched_with_nothing():
    cells = join_results([planned_run("a")], pd.DataFrame(columns=["config_hash", "acc"]))
    assert cells.empty
    assert {"experiment", "row", "dataset", "order", "schedule", "seed", "acc"} <= set(cells)


def test_a_plan_is_kept_until_the_code_changes(tmp_path, monkeypatch):
    monkeypatch.setenv("KINGDRA_DATA_DIR", str(tmp_path / "data"))
    composed, compose_plan = [], plan_module._compose
    monkeypatch.setattr(plan_module, "_compose", lambda names: composed.append(names) or compose_plan(names))
    first = plan(["smoke"])
    assert plan(["smoke"]) == first
    assert len(composed) == 1
    (kept,) = (tmp_path / "data").iterdir()
    kept.write_text(kept.read_text()[:-9])
    assert plan(["smoke"]) == first
    assert len(composed) == 2
    monkeypatch.setattr(plan_module, "_checksum_of_the_code", lambda: "of another version")
    assert plan(["smoke"]) == first
    assert len(composed) == 3
