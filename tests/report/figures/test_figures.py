"""The paper's figures: what is drawn, and that drawing them again changes no byte."""

import matplotlib
import numpy as np
import pandas as pd
import pytest

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.report.figures import draw_paper_figures
from kingdra_repro.report.figures.curves import ensemble_size, figure5
from kingdra_repro.report.figures.graph import agreements, figure3, layout_positions
from kingdra_repro.report.figures.histories import mean_history, shown_runs
from kingdra_repro.report.figures.iterations import figure2
from kingdra_repro.report.figures.members import figure4
from kingdra_repro.report.figures.style import STYLE, WIDTH
from kingdra_repro.runs.graph_files import GraphSample
from kingdra_repro.runs.members import Members
from tests.report.tables.made_up import Planned, done

HISTORY = pd.DataFrame(
    {
        "iteration": [0, 1, 2],
        "acc": [0.6, 0.7, 0.8],
        "model_acc_mean": [0.5, 0.6, 0.7],
        "pseudo_label_acc": [0.95, 0.9, 0.85],
        "n_pseudo_labels": [40, 60, 90],
        "rule": "given",
    }
)
# Two classes; one of the three models puts point 3 into the wrong one.
VOTES = np.array([[0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0], [0, 0, 0, 0, 1, 1]])


@pytest.fixture
def results(tmp_path):
    """Write the shown files of two seeds; return the results folder, histories by folder, and the cells."""
    runs, histories = [], {}
    for experiment in ("figure2", "figure3", "figure4", "figure5"):
        for seed, shift in ((0, 0.0), (1, 0.02)):
            run = Planned("row", seed=seed, experiment=experiment)
            folder = tmp_path / "shown" / run.config_hash
            folder.mkdir(parents=True, exist_ok=True)
            histories[f"runs/{run.config_hash}"] = HISTORY.assign(acc=HISTORY["acc"] + shift)
            y = np.array([0, 0, 0, 1, 1, 1])
            GraphSample.of(np.arange(6), np.stack([VOTES] * 3), y).write(folder / "graph_sample.json")
            pictures = np.random.default_rng(0).random((6, 16), dtype=np.float32)
            data = Dataset("made up", pictures, y, 2, image_shape=(4, 4))
            Members.of(data, np.array([0, 0, 0, 0, 1, 1])).write(folder / "members.npz")
            runs.append((run, {"acc": 0.8, "n": 100}))
    sizes = [Planned(size, seed=seed, experiment="ensemble_size") for size in ("1", "10") for seed in (0, 1)]
    runs += [(run, {"acc": 0.9 + 0.02 * run.seed, "n": 100}) for run in sizes]
    return tmp_path, histories, done(*runs)


def labels(figure):
    return [[line.get_label() for line in panel.get_lines()] for panel in figure.axes]


def test_figure_2(results):
    figure = figure2(*results[1:])
    above, below = figure.axes
    assert labels(figure)[0] == ["pseudo-labels", "clustering", "single models"]
    np.testing.assert_allclose(above.get_lines()[1].get_ydata(), [61, 71, 81])
    np.testing.assert_allclose(below.get_lines()[0].get_ydata(), [40, 60, 90])
    np.testing.assert_allclose(below.get_lines()[1].get_ydata(), [100, 100])
    assert above.get_title() == "MNIST\n2 runs"


def test_mean_over_seeds_only_where_all_have_a_row(results):
    _, histories, cells = results
    runs = cells[cells["experiment"] == "figure2"]
    first, second = runs["folder"]
    found = mean_history({first: HISTORY[:2], second: histories[second]}, runs)
    assert list(found.index) == [0, 1]
    np.testing.assert_allclose(found["acc"]["max"] - found["acc"]["min"], 0.02)


def test_published_runs_hide_shorter_ones():
    plan = [Planned("row", schedule=one, experiment="figure2") for one in ("short", "published")]
    ((name, runs),) = shown_runs(done(*((run, {}) for run in plan)), "figure2")
    assert (name, list(runs["schedule"])) == ("MNIST", ["published"])
    ((name, _),) = shown_runs(done((plan[0], {})), "figure2")
    assert name == "MNIST, short schedule"


def test_runs_of_different_rows_are_told_apart():
    plan = [Planned(row, order="file", experiment="figure2") for row in ("Kingdra", "another")]
    found = shown_runs(done(*((run, {}) for run in plan)), "figure2")
    assert [name for name, _ in found] == ["Kingdra, MNIST, file order", "another, MNIST, file order"]


def test_figure_3(results):
    figure = figure3(*results[::2])
    assert [panel.get_title() for panel in figure.axes] == ["iteration 1", "iteration 2", "iteration 3"]
    grey, black = figure.axes[0].collections[:2]
    # Two of three models join point 3 with 4 and with 5; all join the pairs of 0, 1, 2 and the pair 4, 5.
    assert len(grey.get_segments()) == 2
    assert len(black.get_segments()) == 4


def test_points_that_belong_together_are_near():
    agree = agreements(VOTES)
    assert agree[3].tolist() == [1, 1, 1, 0, 2, 2]
    places = layout_positions(agree, 3, None)
    at = np.array([places[point] for point in range(6)])
    distance = np.linalg.norm(at[:, None] - at, axis=2)
    assert distance[:3, :3].max() < distance[:3, 4:].min()


def test_figure_3_without_classes(results):
    folder, _, cells = results
    for path in folder.rglob("graph_sample.json"):
        GraphSample.of(np.arange(6), np.stack([VOTES] * 2), None).write(path)
    figure = figure3(folder, cells)
    assert len(figure.axes) == 2
    assert len(figure.axes[0].collections) == 3  # grey edges, black edges, and points of one kind


def test_figure_4(results):
    (panel,) = figure4(*results[::2]).axes
    assert len(panel.patches) == 1  # point 3 is in the other class's cluster
    assert panel.get_title() == "MNIST"


def test_figure_5(results):
    (panel,) = figure5(*results[1:]).axes
    (line,) = panel.get_lines()
    np.testing.assert_allclose(line.get_ydata(), [61, 71, 81])


def test_runs_that_two_schedules_share_are_one_line(results):
    cells = results[2]
    again = cells[cells["experiment"] == "ensemble_size"].assign(schedule="short")
    (panel,) = ensemble_size(pd.concat([again, cells])).axes
    assert set(panel.get_legend_handles_labels()[1]) == {"MNIST", "the paper, MNIST"}


def test_ensemble_size_over_the_papers_points(results):
    (panel,) = ensemble_size(results[2]).axes
    handles, names = panel.get_legend_handles_labels()
    assert set(names) == {"MNIST", "the paper, MNIST"}  # the runs of other experiments are not drawn
    paper = handles[names.index("the paper, MNIST")]
    assert list(zip(*paper.get_data(), strict=True)) == [
        (1, 95.0),
        (2, 96.2),
        (5, 97.4),
        (10, 98.5),
        (15, 98.5),
    ]
    ours = handles[names.index("MNIST")].lines[0]
    np.testing.assert_allclose(np.asarray(ours.get_ydata(), float), [91, 91])


def test_drawing_again_changes_no_byte(results, monkeypatch):
    folder, histories, cells = results
    monkeypatch.setattr("kingdra_repro.report.figures.write.read_histories", lambda folder: histories)
    draw_paper_figures(folder, cells)
    first = {path.name: path.read_bytes() for path in (folder / "figures").iterdir()}
    names = ("figure2", "figure3", "figure4", "figure5", "ensemble_size", "labels_figures")
    assert set(first) == {f"{name}.{ending}" for name in names for ending in ("png", "svg")}
    draw_paper_figures(folder, cells)
    assert {path.name: path.read_bytes() for path in (folder / "figures").iterdir()} == first


def test_no_runs_no_figures(tmp_path):
    draw_paper_figures(tmp_path, done())
    assert not (tmp_path / "figures").exists()


def test_text_can_be_read_in_print(results):
    assert (
        min(size for name, size in STYLE.items() if name.endswith(("font.size", "labelsize", "fontsize")))
        >= 8
    )
    with matplotlib.rc_context(STYLE):
        assert figure2(*results[1:]).get_figwidth() == WIDTH
