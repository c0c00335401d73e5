"""Section 7's open problem: as many mini-clusters as there are classes, where these are many."""

import math

import numpy as np
import pytest
import torch

from kingdra_repro.errors import InputError
from kingdra_repro.evaluation import purity
from kingdra_repro.pseudo_labels import GraphPseudoLabels, mini_clusters

N_MODELS = 10


def predictions(y: np.ndarray, k: int, n_merged: int, seed: int = 0) -> np.ndarray:
    """What models answer that find it hard to tell classes 2c and 2c + 1 apart: int64 [N_MODELS, n].

    Each pair is one output in ``n_merged`` models, which leave the other unused or have it split a third
    class. A point in twenty gets any output.
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
    """Classes that three models merge differ in seven; those that six merge, in four, less than half."""
    y = np.arange(60 * k) % k
    found_by = torch.from_numpy(predictions(y, k, n_merged))
    assert len(mini_clusters(found_by, k).unique()) - 1 < 0.9 * k
    found = GraphPseudoLabels()(torch.nn.functional.one_hot(found_by, k).float())
    labels = found.labels.numpy()
    given = labels >= 0
    assert found.complete
    assert (found.facts["t_neg"] > N_MODELS // 2) == (n_merged == 3)
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
    assert kept.facts == {"t_pos": N_MODELS, "t_neg": N_MODELS}
    with pytest.raises(InputError, match="relax must be one of True, False; got 'no'"):
        GraphPseudoLabels(relax="no")  # type: ignore[arg-type]


def test_there_are_no_more_classes_than_outputs_in_use() -> None:
    """Pairs that all models merge cannot be told apart, and no rule is to pretend that they can."""
    y = np.arange(1200) % 20
    found = GraphPseudoLabels()(torch.nn.functional.one_hot(torch.from_numpy(y // 2).repeat(10, 1), 20))
    assert not found.complete
    assert not found.relaxed


def by_the_rule(
    answers: np.ndarray, k: int, given: tuple[int, int], min_fraction: float
) -> tuple[int, int] | None:
    """The thresholds that `GraphPseudoLabels` takes, pair by pair as its docstring says; None for none."""
    n_models, n = answers.shape

    def smallest(pair: tuple[int, int]) -> int:
        labels = mini_clusters(answers, k, *pair).numpy()
        return int(np.bincount(labels[labels >= 0], minlength=k).min())

    least = max(1, math.ceil(min_fraction * n / k))
    if smallest(given) >= least:
        return given
    t_pos = [t for t in range(1, given[0] + 1) if t >= 0.8 * n_models or t == given[0]]
    t_neg = [t for t in range(1, given[1] + 1) if t > n_models / 2 or t == given[1]]
    steps = [[(one, other) for one in t_pos for other in t_neg]]
    steps += [[(one, t) for one in t_pos if one + t > n_models] for t in range(min(t_neg) - 1, 0, -1)]
    for pairs in steps:
        best = max(pairs, key=lambda pair: (smallest(pair), sum(pair), pair[0]), default=given)
        if smallest(best) >= least:
            return best
    return None


# Of the first 300 seeds such that a wrong word of the rule would be seen: each is in two of them at least.
@pytest.mark.parametrize("seed", [3, 5, 7, 8, 17, 26, 33, 43, 52, 109, 223, 229])
def test_thresholds_are_relaxed_as_the_rule_says_and_none_above_those_given(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_models, k, n = int(rng.integers(3, 8)), int(rng.integers(2, 4)), 40
    given = tuple(int(t) for t in n_models - rng.integers(0, min(n_models, 3), 2))
    y = rng.integers(k, size=n)
    answers = np.where(rng.random((n_models, 1)) < rng.random(), y // 2 * 2, y)
    wrong = rng.random((n_models, n)) < rng.random() * 0.3
    answers = np.where(wrong, rng.integers(k, size=(n_models, n)), answers)
    min_fraction = rng.random() * 0.5

    rule = GraphPseudoLabels(*given, min_fraction=min_fraction)
    found = rule.of_predictions(torch.from_numpy(answers), torch.ones(n_models, n), k)
    taken = by_the_rule(answers, k, given, min_fraction)
    assert found.complete == (taken is not None)
    assert found.relaxed == (taken not in (given, None))
    t_pos, t_neg = taken or given
    assert found.facts == {"t_pos": t_pos, "t_neg": t_neg}
    assert torch.equal(found.labels, mini_clusters(answers, k, t_pos, t_neg))


@pytest.mark.parametrize(("confidence", "sizes"), [(0.25, [10, 10]), (0.5, [10, 0])])
def test_a_point_that_one_model_is_unsure_of_founds_no_mini_cluster(confidence: float, sizes: list) -> None:
    answers = torch.tensor([[0] * 10 + [1] * 10] * 2)
    largest = torch.ones(2, 20)
    largest[1, 10:] = 0.5  # it has to be exceeded
    found = GraphPseudoLabels(confidence=confidence).of_predictions(answers, largest, 2)
    assert found.sizes.tolist() == sizes
