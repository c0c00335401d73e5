"""A run's model is loaded unchanged, or refused with a one-line message; nothing is unpickled."""

import json
import pickle
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from sklearn.base import ClassifierMixin
from sklearn.datasets import make_blobs

import kingdra_repro
from kingdra_repro import methods
from kingdra_repro.bases import IMSATVAT, RIM, LadderDot, LadderIM
from kingdra_repro.errors import InputError
from kingdra_repro.methods import Kingdra, KMeans
from kingdra_repro.pseudo_labels import GraphPseudoLabels
from kingdra_repro.runs import model
from kingdra_repro.runs.model import keep_model

SMALL = LadderIM(hidden=(8,), denoising_costs=(10.0, 1.0, 0.1))
QUICK = {
    **{"base": SMALL, "n_models": 2, "n_iter": 1, "first_epochs": 1, "epochs": 1, "hidden": (8,)},
    **{"clustering_epochs": 1, "code_size": 3, "unlabelled_batch": 8, "labelled_batch": 4},
    **{"device": "cpu", "random_state": 0, "batch_size": 16, "max_iter": 20, "update_interval": 10},
}
ESTIMATORS = [one for name in methods.__all__ if hasattr(one := getattr(methods, name), "fit_predict")]


@pytest.fixture(scope="module")
def blobs() -> tuple[np.ndarray, np.ndarray]:
    X, y = make_blobs(60, n_features=5, centers=3, random_state=0)
    return (X / 10).astype(np.float32), y


def fitted(kind: type, blobs, **settings):
    X, y = blobs
    given = {**QUICK, **settings}
    taken = {name: value for name, value in given.items() if name in kind().get_params(deep=False)}
    known = np.where(np.arange(len(y)) % 2, y, -1)
    return kind(n_clusters=3, **taken).fit(X, known if issubclass(kind, ClassifierMixin) else None)


def same(found, before, X: np.ndarray) -> None:
    assert type(found) is type(before)
    where = ("device", "n_jobs", "compile")
    for name, value in before.get_params(deep=False).items():
        now = getattr(found, name)
        assert name in where or now == value or list(now) == list(value), name
    np.testing.assert_array_equal(found.labels_, before.labels_)
    assert found.n_features_in_ == X.shape[1]
    if hasattr(before, "predict"):
        np.testing.assert_array_equal(found.predict(X), before.predict(X))
    if hasattr(before, "predict_proba"):
        np.testing.assert_array_equal(found.predict_proba(X), before.predict_proba(X))


@pytest.mark.parametrize("kind", ESTIMATORS, ids=lambda kind: kind.__name__)
def test_every_estimator_comes_back_as_it_was(kind, blobs, tmp_path) -> None:
    before = fitted(kind, blobs)
    keep_model(tmp_path, before, None)
    same(kingdra_repro.load(tmp_path), before, blobs[0] + 0.1)


@pytest.mark.parametrize(
    "settings",
    [
        {"base": [SMALL, LadderDot(hidden=(8,), denoising_costs=(10.0, 1.0, 0.1), form="raw")]},
        {"base": "linear_rim", "pseudo_labels": GraphPseudoLabels(t_pos=1)},
        {"base": [IMSATVAT(hidden=(8,)), RIM(hidden=[])], "random_state": None},
    ],
)
def test_bases_and_pseudo_labels_come_back(settings, blobs, tmp_path) -> None:
    before = fitted(Kingdra, blobs, **settings)
    keep_model(tmp_path, before, None)
    same(kingdra_repro.load(tmp_path), before, blobs[0] + 0.1)


@pytest.fixture(scope="module")
def kept(blobs, tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("kept")
    keep_model(folder, fitted(Kingdra, blobs), None)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def flipped(content: bytearray, place: int) -> None:
    content[place] ^= 1 << place % 8


def cut(content: bytearray, place: int) -> None:
    del content[place:]


def zeroed(content: bytearray, place: int) -> None:
    content[place : place + 64] = bytes(64)[: len(content) - place]


@pytest.mark.parametrize("damage", [flipped, cut, zeroed])
@pytest.mark.parametrize("name", [model.NUMBERS, model.DESCRIPTION])
def test_every_damage_is_reported_in_a_line(name, damage, kept, tmp_path) -> None:
    draw = np.random.default_rng(0)
    for place in draw.integers(len(kept[name]) - 2, size=35):  # not the newline at the end of the file
        content = bytearray(kept[name])
        damage(content, int(place))
        if content == kept[name]:
            continue  # the bytes were zeros already
        for one, whole in kept.items():
            (tmp_path / one).write_bytes(content if one == name else whole)
        line = said_of(tmp_path)
        if line is None:  # perhaps only white space of the JSON changed
            now = json.loads((tmp_path / model.DESCRIPTION).read_text())
            assert name == model.DESCRIPTION, f"{damage.__name__} at {place}"
            assert now == json.loads(kept[name]), f"{damage.__name__} at {place}"
        else:
            assert "is damaged, or not what kingdra-run writes" in line
            assert "\n" not in line


def said_of(folder) -> str | None:
    try:
        kingdra_repro.load(folder)
    except InputError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    "change",
    [
        {"class": "Popen"},
        {"class": "draw_labels"},
        {"n_features": 6},
        {"parameters": {"n_models": 3}},
        {"parameters": {"base": {"class": "Popen", "args": "true"}}},
        {"parameters": {"monitor_": 1}},
    ],
)
def test_what_no_run_writes_is_refused(change, kept, tmp_path) -> None:
    """It is refused even with correct checksums."""
    write_changed(tmp_path, kept, **change)
    with pytest.raises(InputError, match="is damaged, or not what"):
        kingdra_repro.load(tmp_path)


def write_changed(folder, kept, **change) -> None:
    described = {**json.loads(kept[model.DESCRIPTION]), **change}
    described["sha256_of_this"] = model._digest(described)
    (folder / model.NUMBERS).write_bytes(kept[model.NUMBERS])
    (folder / model.DESCRIPTION).write_text(json.dumps(described))


def test_parameters_that_are_no_more_are_left_out(kept, tmp_path) -> None:
    parameters = json.loads(kept[model.DESCRIPTION])["parameters"]
    write_changed(tmp_path, kept, parameters=parameters | {"labels_per_class": None, "labels_fraction": 0.1})
    assert kingdra_repro.load(tmp_path).n_models == parameters["n_models"]


def test_nothing_is_unpickled(kept, tmp_path, monkeypatch) -> None:
    def refuse(*_, **__):
        raise AssertionError("unpickled")

    for name, content in kept.items():
        (tmp_path / name).write_bytes(content)
    for module, name in ((pickle, "load"), (pickle, "loads"), (pickle, "Unpickler"), (torch, "load")):
        monkeypatch.setattr(module, name, refuse)
    assert isinstance(kingdra_repro.load(tmp_path), Kingdra)


def test_a_large_model_is_kept_where_it_is_wanted(blobs, tmp_path, monkeypatch, caplog) -> None:
    monkeypatch.setattr(model, "SMALL", 50)
    before = fitted(KMeans, blobs)
    keep_model(tmp_path, before, None, False)
    assert caplog.text == ""
    keep_model(tmp_path, before, None, "auto")
    assert "keep_model=true keeps one of any size" in caplog.text
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="is not there"):
        kingdra_repro.load(tmp_path)
    keep_model(tmp_path, before, None, True)
    same(kingdra_repro.load(tmp_path), before, blobs[0])


@dataclass(frozen=True)
class TheirIM(LadderIM):
    """A base model that a user wrote."""


def test_a_model_with_a_user_s_class_is_not_kept(blobs, tmp_path, caplog) -> None:
    before = fitted(Kingdra, blobs, base=TheirIM(hidden=(8,), denoising_costs=(10.0, 1.0, 0.1)))
    keep_model(tmp_path, before, None, True)
    assert "The model is not kept: TheirIM does not belong to kingdra_repro" in caplog.text
    assert list(tmp_path.iterdir()) == []
