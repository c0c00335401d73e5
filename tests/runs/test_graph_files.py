"""What a run writes for tables and figures: a sweep over thresholds, and a sample of the graph."""

import numpy as np
import pandas as pd
import torch

from kingdra_repro.data.dataset import Dataset
from kingdra_repro.pseudo_labels import mini_clusters
from kingdra_repro.runs import graph_files
from kingdra_repro.runs.graph_files import (
    PHASES,
    POINTS,
    GraphSample,
    connected_shares,
    threshold_sweep,
    write_ensemble_files,
)
from kingdra_repro.runs.votes import Votes


def noisy_votes(n=400, n_models=10, n_clusters=4):
    random = np.random.default_rng(0)
    y = random.integers(0, n_clusters, n)
    wrong = random.random((n_models, n)) < random.beta(0.4, 3, n)
    return np.where(wrong, random.integers(0, n_clusters, (n_models, n)), y), y


def by_pairs(votes, labels, t_pos):
    """Compute the shares of `connected_shares` from all pairs."""
    agree = (votes[:, :, None] == votes[:, None]).sum(0) >= t_pos
    same = (labels[:, None] == labels) & (labels >= 0) & ~np.eye(len(labels), dtype=bool)
    points = same.any(1)
    return agree[same].mean(), (agree | ~same).all(1)[points].mean()


def test_shares_of_pairs_and_points():
    votes, _ = noisy_votes()
    for t_pos in (8, 9, 10):
        labels = mini_clusters(torch.from_numpy(votes), 4, t_pos, 9)
        found = connected_shares(torch.from_numpy(votes), labels, t_pos)
        np.testing.assert_allclose(found, by_pairs(votes, labels.numpy(), t_pos))
    assert found == (1, 1)  # agreement of all models is transitive


def test_no_pair_no_share():
    votes = torch.tensor([[0, 1, 2], [0, 1, 2]])
    assert connected_shares(votes, torch.tensor([0, 1, -1]), 2) == (None, None)


def test_sweep():
    votes, y = noisy_votes()
    sweep = threshold_sweep(votes, 4, y)
    assert list(zip(sweep["t_pos"], sweep["t_neg"], strict=True)) == [
        (t_pos, t_neg) for t_pos in (10, 9, 8) for t_neg in (10, 9, 8, 7, 6)
    ]
    row = sweep.set_index(["t_pos", "t_neg"]).loc[(9, 8)]
    labels = mini_clusters(torch.from_numpy(votes), 4, 9, 8).numpy()
    assert row["n_pseudo_labels"] == (labels >= 0).sum()
    assert row["smallest"] == np.bincount(labels[labels >= 0], minlength=4).min()
    most = sum(np.bincount(y[labels == one]).max() for one in range(4))
    assert row["purity"] == most / (labels >= 0).sum()
    assert threshold_sweep(votes, 4, None)["purity"].isna().all()


def test_few_models_try_each_pair_once():
    votes, y = noisy_votes(n_models=2)
    assert list(threshold_sweep(votes, 4, y)[["t_pos", "t_neg"]].itertuples(index=False, name=None)) == [
        (2, 2)
    ]


def test_files_of_a_run(tmp_path):
    votes, y = noisy_votes(n=2_000)
    data = Dataset("made up", np.zeros((2_000, 1), np.float32), y, 4)
    write_ensemble_files(tmp_path, data)
    assert list(tmp_path.iterdir()) == []  # there is no ensemble
    kept = Votes(tmp_path / "votes")
    for phase in range(6):
        kept.add(phase, np.roll(votes, phase, axis=1))
    kept.write(tmp_path / "votes.npz")
    write_ensemble_files(tmp_path, data)
    assert len(pd.read_csv(tmp_path / "thresholds.csv")) == 15
    sample = GraphSample.read(tmp_path / "graph_sample.json")
    points = np.array(sample.points)
    assert len(np.unique(points)) == POINTS
    np.testing.assert_array_equal(sample.classes, y[points])
    assert len(sample.votes) == PHASES
    np.testing.assert_array_equal(sample.votes[1], np.roll(votes, 1, axis=1)[:, points])
    assert (tmp_path / "graph_sample.json").stat().st_size < 20_000


def test_large_sets_are_not_swept(tmp_path, monkeypatch):
    monkeypatch.setattr(graph_files, "MOST_POINTS_OF_A_SWEEP", 1_999)
    votes, y = noisy_votes(n=2_000)
    kept = Votes(tmp_path / "votes")
    kept.add(0, votes)
    kept.write(tmp_path / "votes.npz")
    write_ensemble_files(tmp_path, Dataset("made up", np.zeros((2_000, 1), np.float32), y, 4))
    assert not (tmp_path / "thresholds.csv").exists()
    assert (tmp_path / "graph_sample.json").exists()
