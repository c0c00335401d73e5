"""The figures in a run's folder, and what they show."""

import numpy as np
import pandas as pd
import torch

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.report.figures import draw_run_figures
from kingdra_repro.report.figures.iterations import iterations_figure
from kingdra_repro.report.figures.members import members_figure
from kingdra_repro.report.figures.style import save
from kingdra_repro.runs.members import MEMBERS, Members

HISTORY = pd.DataFrame({"iteration": [0, 1], "agreement": [0.5, 0.7], "n_pseudo_labels": [40, 60]})
SCORES = {
    "acc": [0.6, 0.7],
    "model_acc_mean": [0.5, 0.6],
    "model_acc_min": [0.4, 0.5],
    "model_acc_max": [0.6, 0.8],
}


def curves(figure):
    return [[line.get_label() for line in panel.get_lines()] for panel in figure.axes]


def test_accuracies_and_pseudo_labels():
    history = HISTORY.assign(**SCORES, pseudo_label_acc=[None, 0.9])
    figure = iterations_figure(history, "digits", 80)
    above, below = curves(figure)
    assert above == ["pseudo-labels", "clustering", "single models"]
    assert len(below) == 2  # one of them marks the number of points
    (band,) = figure.axes[0].collections[2].get_paths()  # the range of the single models
    assert band.vertices[:, 1].min() == 40
    assert band.vertices[:, 1].max() == 80


def test_without_classes_agreement():
    above, below = iterations_figure(HISTORY, "mine", 80).axes
    assert above.get_ylabel() == "agreement of the models"
    assert "pseudo" in below.get_ylabel()


def test_without_pseudo_labels_one_panel():
    assert len(iterations_figure(HISTORY.drop(columns="n_pseudo_labels"), "mine", 80).axes) == 1


def pictures(y=None, shape=(4, 4)):
    X = np.random.default_rng(0).random((60, int(np.prod(shape))), dtype=np.float32)
    return Dataset("pictures", X, y, 3, image_shape=shape)


def test_the_wrong_ones_are_framed():
    y = np.repeat([0, 1, 2], 20)
    labels = np.where(np.arange(60) % 20 < 5, 0, np.repeat([2, 0, 1], 20))
    members = Members.of(pictures(y), labels)
    (panel,) = members_figure([("pictures", members)]).axes
    height = 4 + 1  # a picture and the gap below it
    assert {round(frame.get_y() / height) for frame in panel.patches} == {0}
    assert len(panel.patches) == members.wrong.sum() > 0


def test_empty_clusters_and_colours_and_no_classes():
    members = Members.of(pictures(shape=(4, 4, 3)), np.zeros(60, int))
    figure = members_figure([("pictures", members)])
    (panel,) = figure.axes
    assert panel.images[0].get_array().shape == (3 * 5, MEMBERS * 5, 3)
    assert not panel.patches


class Greys:
    """Fake pictures from which the rows of X were computed; all pixels of picture i are i / 60."""

    def batch(self, start, stop, size):
        shades = torch.arange(start, stop) / 60
        return shades[:, None, None, None].expand(-1, 3, size, size)


def test_pictures_behind_features(tmp_path):
    """X holds no pixels, as for CIFAR10, STL or a user's folder of pictures."""
    data = Dataset("pets", np.zeros((60, 7), np.float32), None, 3, pictures=Greys())
    labels = np.arange(60) % 3
    draw_run_figures(tmp_path, data, labels)
    members = Members.read(tmp_path / "members.npz")
    assert members.pictures.shape == (3, MEMBERS, 32, 32, 3)
    shown = np.rint(members.pictures[:, :, 0, 0, 0] / 255 * 60).astype(int)
    assert (shown % 3 == [[0], [1], [2]]).all()
    assert (tmp_path / "members.png").exists()


def test_one_cluster_beyond_those_that_are_shown(tmp_path):
    data = pictures()
    many = Dataset("many", data.X, None, 40, image_shape=data.image_shape)
    draw_run_figures(tmp_path, many, np.full(60, 35))
    assert not (tmp_path / "members.png").exists()


def test_a_name_with_dollar_signs(tmp_path):
    save(iterations_figure(HISTORY, "a$_$b", 80), tmp_path / "i.png")
    members = Members.of(pictures(), np.zeros(60, int))
    save(members_figure([("a$_$b", members)]), tmp_path / "m.png")
    assert len(list(tmp_path.iterdir())) == 2


def test_an_answer_at_the_end_alone_is_no_line():
    """The loss is drawn instead; the method has no ensemble, and so no agreement either."""
    history = pd.DataFrame({"iteration": [0, 1], "loss": [2.0, 1.0], "acc": [None, 0.5]})
    (panel,) = iterations_figure(history, "mine", 80).axes
    assert panel.get_ylabel() == "loss"


def test_files(tmp_path):
    HISTORY.to_csv(tmp_path / "history.csv")
    draw_run_figures(tmp_path, pictures(), np.zeros(60, int))
    for name in ("iterations.png", "members.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_members_are_kept_with_the_result(tmp_path):
    y = np.repeat([0, 1, 2], 20)
    members = Members.of(pictures(y), np.where(np.arange(60) < 5, 2, np.repeat([0, 0, 1], 20)))
    members.write(tmp_path / "members.npz")
    again = Members.read(tmp_path / "members.npz")
    assert again.scored
    for name in ("pictures", "shown", "sizes", "wrong"):
        np.testing.assert_array_equal(getattr(again, name), getattr(members, name))
    assert list(again.sizes) == [35, 20, 5]
    assert list(again.shown) == [15, 15, 5]
    assert again.pictures[2, 5:].min() == 255
