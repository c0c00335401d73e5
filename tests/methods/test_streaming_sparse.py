"""Fits on sparse data streamed from a file: bitwise those in memory if one buffer holds all rows."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from kingdra_repro.bases import LadderIM, neighbours
from kingdra_repro.data import StreamedMatrix, load_custom
from kingdra_repro.methods import Kingdra
from kingdra_repro.training.messages import message_bytes, message_of
from tests.methods.conftest import assert_same_history

N, D, K = 240, 20, 3


@pytest.fixture(scope="module")
def X() -> sp.csr_matrix:
    random = np.random.default_rng(0)
    often = np.where(random.random((K, D)) < 0.3, 2.0, 0.2)
    return sp.csr_matrix(random.poisson(often[np.arange(N) % K]).astype(np.float32))


@pytest.fixture(scope="module")
def streamed(X: sp.csr_matrix, tmp_path_factory) -> StreamedMatrix:
    path = tmp_path_factory.mktemp("data") / "words.npz"
    sp.save_npz(path, X, compressed=False)
    return load_custom(path, n_clusters=K, stream=True).X


def kingdra(**more) -> Kingdra:
    settings = {"n_models": 2, "n_iter": 1, "epochs": 1, "first_epochs": 2, "base": LadderIM(hidden=(12, 12))}
    return Kingdra(n_clusters=K, random_state=0, **{**settings, **more})


def test_a_buffer_of_all_rows_gives_the_same_losses_and_labels(X, streamed: StreamedMatrix) -> None:
    given = {"y": np.where(np.arange(N) < 12, np.arange(N) % K, -1), "must_link": [[0, 30], [1, 31]]}
    held, read = (kingdra().fit(data, **given) for data in (X, streamed))
    assert_same_history(held, read)
    np.testing.assert_array_equal(held.labels_, read.labels_)
    np.testing.assert_array_equal(held.predict_proba(X), read.predict_proba(streamed))
    np.testing.assert_array_equal(held.last_hidden_layer(X), read.last_hidden_layer(streamed))


def test_distances_to_neighbours_are_those_in_memory(X, streamed: StreamedMatrix, monkeypatch) -> None:
    monkeypatch.setattr(neighbours, "TILE_ROWS", 100)
    found = neighbours.neighbour_distances(streamed, 10)
    np.testing.assert_array_equal(found, neighbours.neighbour_distances(X, 10))


def test_small_buffers_are_the_same_for_a_matrix_sent_to_another_process(streamed: StreamedMatrix) -> None:
    """More rows have labels than a buffer takes."""
    small, y = replace(streamed, buffer_rows=64), np.where(np.arange(N) % 5 == 0, -1, np.arange(N) % K)
    sent = message_of(message_bytes(small))
    here, there = (kingdra().fit(data, y=y) for data in (small, sent))
    np.testing.assert_array_equal(here.labels_, there.labels_)
