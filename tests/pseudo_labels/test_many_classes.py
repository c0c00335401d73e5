"""The open problem of the paper's Section 7: finding k mini-clusters if there are many classes."""

import numpy as np
import pytest
import torch

from kingdra_repro.errors import InputError
from kingdra_repro.evaluation import purity
from kingdra_repro.pseudo_labels import GraphPseudoLabels, mini_clusters

N_MODELS = 10


def predictions(y: np.ndarray, k: int, n_merged: int, seed: int = 0) -> np.ndarray:
    """Simulate predictions, int64 [N_MODELS, n], of models that confuse classes 2c and 2c + 1.

    In ``n_merged`` models, both classes of a pair have one output; the other output is unused or splits a
    third class. One point in twenty gets a random output.
    """
    rng = np.random.default_rng(seed)
    models = []
    for m in range(N_MODELS):
        pairs = np.arange(k // 2)
        merged = pairs[(pairs + m) % N_MODELS < n_merged]
        p = np.where(np.isin(y // 2, merged), y // 2 * 2, y)
        for freed in 2 * merged[::2] + 1:
            split = np.flatnonzero(p == rng.integers(k))
            p[split[rng.random(len(split)) < 0.5]] = freed
        wrong = rng.random(len(y)) < 0.05
        p[wrong] = rng.integers(k, size=wrong.sum())
        models.append(rng.permutation(k)[p])
    return np.stack(models)


@pytest.mark.parametrize("n_merged", [3, 6])
@pytest.mark.parametrize("k", [20, 50, 100])
def test_k_pure_mini_clusters_where_the_thresholds_given_find_fewer(k: int, n_merged: int) -> None:
    """Classes merged by three models differ in seven models; those merged by six, in four, less than half."""
    y = np.arange(60 * k) % k
    found_by = torch.from_numpy(predictions(y, k, n_merged))
    assert len(mini_clusters(found_by, k).unique()) - 1 < 0.9 * k
    found = GraphPseudoLabels()(torch.nn.functional.one_hot(found_by, k).float())
    labels = found.labels.numpy()
    given = labels >= 0
    assert found.complete
    assert (found.info["t_neg"] > N_MODELS // 2) == (n_merged == 3)
    assert int((found.sizes > 0).sum()) == k
    assert purity(y[given], labels[given]) >= 0.95
    classes = {np.bincount(y[labels == c]).argmax() for c in range(k)}
    assert len(classes) == k


def test_thresholds_are_kept_to_where_asked() -> None:
    y = np.arange(1200) % 20
    outputs = torch.nn.functional.one_hot(torch.from_numpy(predictions(y, 20, 3)), 20).float()
    assert GraphPseudoLabels()(outputs).relaxed
    kept = GraphPseudoLabels(relax=False)(outputs)
    assert not kept.relaxed
    assert not kept.complete
    assert kept.info == {"t_pos": N_MODELS, "t_neg": N_MODELS}
    with pytest.raises(InputError, match="relax must be one of True, False; got 'no'"):
        GraphPseudoLabels(relax="no")  # type: ignore[arg-type]


def test_there_are_no_more_classes_than_outputs_in_use() -> None:
    """Pairs that all models merge cannot be separated, and the rule must not pretend that they can."""
    y = np.arange(1200) % 20
    found = GraphPseudoLabels()(torch.nn.functional.one_hot(torch.from_numpy(y // 2).repeat(10, 1), 20))
    assert not found.complete
    assert not found.relaxed
