"""Fits on data streamed from a file: bitwise those in memory if one buffer holds all rows."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from kingdra_repro.bases import IMSATVAT, RIM, Batch, LadderIM, neighbours
from kingdra_repro.data import StreamedMatrix, load_custom
from kingdra_repro.errors import InputError
from kingdra_repro.methods import (
    Kingdra,
    KingdraPlus,
    KMeans,
    SemiSupervised,
    choose_pairs,
    choose_questions,
    ensemble_fit,
)
from kingdra_repro.pseudo_labels import ArgmaxPseudoLabels
from kingdra_repro.training import outputs
from kingdra_repro.training.options import TrainingOptions
from kingdra_repro.training.rows import StreamedRows
from kingdra_repro.training.stack import Stack
from tests.methods.conftest import assert_same_history

N, D, K = 260, 8, 3
SCALES = (None, "auto", "minmax", "standard")
BASE = LadderIM(hidden=(12, 12))


@pytest.fixture(scope="module")
def X() -> np.ndarray:
    random = np.random.default_rng(0)
    centres = random.normal(size=(K, D))
    return (centres[np.arange(N) % K] + 0.3 * random.normal(size=(N, D))).astype(np.float32)


@pytest.fixture(scope="module")
def streamed(X: np.ndarray, tmp_path_factory) -> StreamedMatrix:
    path = tmp_path_factory.mktemp("data") / "points.npy"
    np.save(path, X)
    found = load_custom(path, n_clusters=K, stream=True).X
    assert isinstance(found, StreamedMatrix)
    return found


def kingdra(**more) -> Kingdra:
    settings = {"n_models": 3, "n_iter": 1, "epochs": 1, "first_epochs": 2, "base": BASE, "random_state": 0}
    return Kingdra(n_clusters=K, **{**settings, **more})


def test_a_buffer_of_all_rows_gives_the_same_losses_and_labels(
    X: np.ndarray, streamed: StreamedMatrix
) -> None:
    """This includes pseudo-labelled batches, which are drawn in addition to the unsupervised ones."""
    held, read = kingdra().fit(X), kingdra().fit(streamed)
    assert_same_history(held, read)
    for name in ("labels_", "model_labels_", "pseudo_labels_"):
        np.testing.assert_array_equal(getattr(held, name), getattr(read, name))
    np.testing.assert_array_equal(held.predict_proba(X), read.predict_proba(streamed))
    for one, other in zip(held.predict_with_certainty(X), read.predict_with_certainty(streamed), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(held.last_hidden_layer(X), read.last_hidden_layer(streamed))
    (asked, _), (asked_of_file, _) = choose_questions(held, X), choose_questions(read, streamed)
    np.testing.assert_array_equal(asked, asked_of_file)
    np.testing.assert_array_equal(choose_pairs(held, X, asked), choose_pairs(read, streamed, asked))


@pytest.mark.parametrize("order", ["file", "once"])
def test_other_orders_and_labels_and_links_as_in_memory(X, streamed: StreamedMatrix, order: str) -> None:
    y = np.where(np.arange(N) < 12, np.arange(N) % K, -1)
    given = {"y": y, "must_link": [[0, 30], [1, 31]], "cannot_link": [[0, 40]]}
    held, read = (kingdra(n_iter=0, order=order).fit(data, **given) for data in (X, streamed))
    assert_same_history(held, read)
    np.testing.assert_array_equal(held.labels_, read.labels_)


def test_small_buffers_give_each_row_once_and_all_members_the_same_rows(streamed: StreamedMatrix) -> None:
    rows = StreamedRows(replace(streamed, buffer_rows=64), torch.device("cpu"))
    first, second = ([part.row_index for part in rows.parts(True, 0, epoch)] for epoch in (0, 1))
    assert len(first) == 5
    for epoch in (first, second):
        assert sorted(np.concatenate(epoch)) == list(range(N))
    assert set(first[0].tolist()) != set(second[0].tolist())
    for part in rows.parts(True, 0, 0):
        np.testing.assert_array_equal(part.rows[np.arange(part.n)], streamed[:][part.row_index])


def test_no_more_rows_are_predicted_at_once_than_training_shuffles(streamed, monkeypatch) -> None:
    read: list[int] = []
    blocks = StreamedMatrix.blocks
    monkeypatch.setattr(StreamedMatrix, "blocks", lambda X, n_rows: read.append(n_rows) or blocks(X, n_rows))
    rows = StreamedRows(replace(streamed, buffer_rows=64), torch.device("cpu"))
    chunks = list(rows.chunks(32))
    assert max(read) <= 64
    assert {chunk.shape[1] for chunk in chunks[:-1]} == {32}
    np.testing.assert_array_equal(torch.cat(chunks, dim=1)[0], streamed[:])


def test_a_fit_in_small_buffers_is_the_same_each_time(streamed: StreamedMatrix) -> None:
    model, again = (kingdra(first_epochs=4).fit(replace(streamed, buffer_rows=64)) for _ in range(2))
    assert_same_history(model, again)
    assert model.history_["supervised"].notna().iloc[1]


@dataclass(frozen=True)
class Watched(RIM):
    """A RIM that keeps the batches it is trained on."""

    seen: list[Batch] = field(default_factory=list)

    def losses(self, network, batch: Batch):
        self.seen.append(batch)
        return super().losses(network, batch)


def watched_stack(streamed: StreamedMatrix, **options) -> Stack:
    """Create a stack of two models with five buffers per epoch; the radius of a row is its first feature."""
    rows = StreamedRows(replace(streamed, buffer_rows=64), torch.device("cpu"))
    options = TrainingOptions(batch_size=16, **options)
    radii = torch.from_numpy(streamed[:][:, 0])
    return Stack(Watched(hidden=(5,)), rows, K, (0, 1), options, seed=0, radii=radii)


def test_in_small_buffers_rows_keep_their_radii_and_the_rate_falls_through_the_epoch(streamed) -> None:
    stack = watched_stack(streamed, decay_epochs=1)
    rates, fractions, losses = [], [], []

    def note(step) -> None:
        rates.append(stack.step.optimizer.learning_rate / stack.options.learning_rate)
        fractions.append(step.fraction)
        losses.append(step.losses["loss"].clone())

    stack.train_epoch(None, note)
    for batch in stack.base.seen:
        assert torch.equal(batch.radius, batch.x[..., 0])
        assert not torch.equal(batch.x[0], batch.x[1])
    share = np.array([batch.x.shape[1] for batch in stack.base.seen]) / N
    np.testing.assert_allclose(fractions, share.cumsum())
    np.testing.assert_allclose(rates, 1 - (share.cumsum() - share), atol=1e-7)
    torch.testing.assert_close(stack.losses["loss"], torch.stack(losses, 1) @ torch.tensor(share).float())


@pytest.mark.parametrize(("order", "same"), [("epoch", False), ("once", True), ("file", True)])
def test_in_small_buffers_each_epoch_has_the_order_asked_for(streamed, order: str, same: bool) -> None:
    stack = watched_stack(streamed, order=order)
    for _ in range(2):
        stack.train_epoch(None, lambda step: None)
    batches = [batch.x for batch in stack.base.seen]
    first, second = (
        torch.cat(half, 1) for half in (batches[: len(batches) // 2], batches[len(batches) // 2 :])
    )
    assert torch.equal(first, second) == same
    if order == "file":
        assert torch.equal(first[0], torch.from_numpy(streamed[:]))


def test_processes_read_the_same_file(streamed: StreamedMatrix) -> None:
    small = load_custom(streamed.path, n_clusters=K, scale="standard", stream=True, buffer_rows=64).X
    alone, shared = (kingdra(n_models=2, n_iter=0, n_jobs=n_jobs).fit(small) for n_jobs in (1, 2))
    np.testing.assert_array_equal(alone.labels_, shared.labels_)


def test_a_killed_fit_is_not_taken_up_with_another_buffer(streamed: StreamedMatrix, tmp_path: Path) -> None:
    fit = kingdra(checkpoint_dir=tmp_path, n_iter=0).fit(replace(streamed, buffer_rows=64))
    again = kingdra(checkpoint_dir=tmp_path, n_iter=0).fit(replace(streamed, buffer_rows=64))
    np.testing.assert_array_equal(fit.labels_, again.labels_)
    with pytest.raises(InputError, match="other settings or data"):
        kingdra(checkpoint_dir=tmp_path, n_iter=0).fit(replace(streamed, buffer_rows=130))


def test_a_fit_is_not_taken_up_with_another_scaling_of_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "points.npy"
    np.save(path, np.random.default_rng(0).integers(0, 255, (N, D), dtype=np.uint8))
    scaled = {scale: load_custom(path, n_clusters=K, stream=True, scale=scale).X for scale in SCALES}
    assert len({X.checksum for X in scaled.values()}) == 1
    for scale, X in scaled.items():
        kept = tmp_path / f"checkpoint {scale}"
        fit, again = (kingdra(checkpoint_dir=kept, n_iter=0).fit(X) for _ in range(2))
        np.testing.assert_array_equal(again.labels_, fit.labels_)
        for other in set(SCALES) - {scale}:
            with pytest.raises(InputError, match="belongs to other settings or data"):
                kingdra(checkpoint_dir=kept, n_iter=0).fit(scaled[other])


def test_methods_that_need_all_rows_name_those_that_do_not(streamed: StreamedMatrix) -> None:
    for method in (KMeans(n_clusters=K), KingdraPlus(n_clusters=K)):
        with pytest.raises(InputError, match=r"needs all data in memory: choose Single, Ensemble or Kingdra"):
            method.fit(streamed)
    with pytest.raises(InputError, match=r"ArgmaxPseudoLabels needs .*choose pseudo_labels=graph"):
        kingdra(pseudo_labels=ArgmaxPseudoLabels()).fit(streamed)
    with pytest.raises(InputError, match="fitted were 8"):
        kingdra(n_iter=0).fit(streamed).predict(
            replace(streamed, stored=replace(streamed.stored, shape=(N * 2, D // 2)))
        )


def test_one_model_with_labels_streams_too(X: np.ndarray, streamed: StreamedMatrix) -> None:
    y = np.where(np.arange(N) < 12, np.arange(N) % K, -1)
    held, read = (
        SemiSupervised(n_clusters=K, base=BASE, epochs=2, random_state=0).fit(data, y)
        for data in (X, streamed)
    )
    np.testing.assert_array_equal(held.labels_, read.labels_)


def test_a_file_that_shrinks_is_told(X: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "points.npy", X)
    data = load_custom(tmp_path / "points.npy", n_clusters=K, stream=True).X
    np.save(tmp_path / "points.npy", X[:5])
    with pytest.raises(InputError, match="has become shorter"):
        data[100:200]


def test_imsat_finds_each_point_s_neighbours_in_the_file(X, streamed, tmp_path, monkeypatch) -> None:
    """The cached distances are those of the same rows in memory, and both fits use one cache file."""
    monkeypatch.setattr(neighbours, "CACHE_MIN_ROWS", N)
    monkeypatch.setattr(neighbours, "TILE_ROWS", 100)
    base = IMSATVAT(hidden=(12, 12), data_dir=str(tmp_path))
    read = kingdra(base=base).fit(streamed)
    (kept,) = (tmp_path / "neighbours").iterdir()
    np.testing.assert_array_equal(np.load(kept), neighbours.neighbour_distances(X, base.n_neighbors))
    held = kingdra(base=base).fit(X)
    assert list((tmp_path / "neighbours").iterdir()) == [kept]
    assert_same_history(held, read)
    np.testing.assert_array_equal(held.labels_, read.labels_)


def test_approximate_neighbours_need_the_rows_in_memory(streamed, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(neighbours, "CACHE_MIN_ROWS", N)
    monkeypatch.setattr(neighbours, "EXACT_UP_TO", N - 1)
    monkeypatch.setattr(neighbours, "find_spec", lambda name: name)
    monkeypatch.setattr(neighbours, "approximate_neighbour_distances", lambda X, n: X[:, 0])
    found = neighbours.cached_neighbour_distances(streamed, 10, data_dir=tmp_path)
    np.testing.assert_array_equal(found, streamed[:][:, 0])
    monkeypatch.setattr(neighbours, "available_bytes", lambda: 1000)
    with pytest.raises(InputError, match=r"of 260 points.*choose base=ladder_im, ladder_dot, deep_rim"):
        neighbours.cached_neighbour_distances(streamed, 9, data_dir=tmp_path)


@pytest.mark.parametrize("k", [256, 257, 300])
def test_of_many_clusters_the_last_is_still_told(k: int) -> None:
    proba = torch.eye(k)[None]
    found = outputs.Outputs.in_blocks(lambda start, stop: proba[:, start:stop], (k, 5), k)
    assert found.predictions.tolist() == [list(range(k))]


@pytest.mark.parametrize("pseudo_labels", ["graph", "argmax"])
def test_outputs_too_many_to_hold_are_computed_anew(X, monkeypatch, pseudo_labels: str) -> None:
    """The outputs of 10 models for a million points and 1,000 clusters, for example, take 40 GB."""
    held = kingdra(pseudo_labels=pseudo_labels).fit(X)
    monkeypatch.setattr(ensemble_fit, "HELD_VALUES", 0)
    monkeypatch.setattr(outputs, "BLOCK_VALUES", 100 * D)
    anew = kingdra(pseudo_labels=pseudo_labels).fit(X)
    assert_same_history(held, anew)
    np.testing.assert_array_equal(held.labels_, anew.labels_)
    np.testing.assert_array_equal(held.pseudo_labels_, anew.pseudo_labels_)
