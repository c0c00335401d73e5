"""How thresholds are relaxed if the given ones do not find all mini-clusters."""

import math

import numpy as np
import pytest
import torch

from kingdra_repro.errors import InputError
from kingdra_repro.pseudo_labels import GraphPseudoLabels, mini_clusters


def one_hot(predictions: list[list[int]], k: int) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.tensor(predictions), k).float()


def test_thresholds_are_relaxed_where_a_model_leaves_an_output_unused() -> None:
    """No three points differ in all four models, but some do in three: t_neg is relaxed to 3, not lower."""
    apart = [0] * 10 + [1] * 10 + [2] * 10
    merged = [0] * 10 + [1] * 20
    found = GraphPseudoLabels()(one_hot([apart, apart, apart, merged], 3))
    assert found.complete
    assert found.relaxed
    assert found.info == {"t_pos": 4, "t_neg": 3}
    assert found.sizes.tolist() == [10, 10, 10]


@pytest.mark.parametrize(("n_apart", "t_neg"), [(2, 2), (1, 1)])
def test_what_most_models_merge_is_told_apart_by_the_others(n_apart: int, t_neg: int) -> None:
    apart = [0] * 10 + [1] * 10 + [2] * 10
    merged = [0] * 10 + [1] * 20
    found = GraphPseudoLabels()(one_hot([apart] * n_apart + [merged] * (4 - n_apart), 3))
    assert found.info == {"t_pos": 4, "t_neg": t_neg}
    assert found.sizes.tolist() == [10, 10, 10]
    assert not GraphPseudoLabels()(one_hot([merged] * 4, 3)).complete


def test_of_relaxed_thresholds_the_largest_smallest_mini_cluster_wins() -> None:
    """One model of five merges two clusters, and another puts half of the third into the first."""
    apart = [0] * 10 + [1] * 10 + [2] * 10
    merged = [0] * 10 + [1] * 20
    unsure = [0] * 10 + [1] * 10 + [2] * 5 + [0] * 5
    found = GraphPseudoLabels()(one_hot([apart, apart, apart, merged, unsure], 3))
    assert found.info == {"t_pos": 4, "t_neg": 4}
    assert found.sizes.tolist() == [10, 10, 10]


def test_a_mini_cluster_of_a_handful_of_points_does_not_count() -> None:
    few = [0] * 49 + [1] * 49 + [2]
    assert not GraphPseudoLabels(min_fraction=0.05)(one_hot([few] * 3, 3)).complete  # 0.05 * 99 / 3 = 1.65
    assert GraphPseudoLabels(min_fraction=0.0)(one_hot([few] * 3, 3)).complete


def by_the_rule(
    answers: np.ndarray, k: int, given: tuple[int, int], min_fraction: float
) -> tuple[int, int] | None:
    """Return the thresholds that `GraphPseudoLabels` chooses by its docstring, pair by pair, or None."""
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


# Chosen from the first 300 seeds so that a mistake in any part of the rule shows with at least two of them.
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
    assert found.info == {"t_pos": t_pos, "t_neg": t_neg}
    assert torch.equal(found.labels, mini_clusters(answers, k, t_pos, t_neg))


@pytest.mark.parametrize(("confidence", "sizes"), [(0.25, [10, 10]), (0.5, [10, 0])])
def test_a_point_that_one_model_is_unsure_of_founds_no_mini_cluster(confidence: float, sizes: list) -> None:
    answers = torch.tensor([[0] * 10 + [1] * 10] * 2)
    largest = torch.ones(2, 20)
    largest[1, 10:] = 0.5  # must exceed the confidence
    found = GraphPseudoLabels(confidence=confidence).of_predictions(answers, largest, 2)
    assert found.sizes.tolist() == sizes


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"t_pos": -1}, "t_pos must be an integer of at least 1; got -1"),
        ({"t_neg": 0}, "t_neg must be an integer of at least 1; got 0"),
        ({"t_pos": 1.5}, "t_pos must be an integer of at least 1; got 1.5"),
        ({"confidence": 1.5}, "confidence must be a number of at least 0 and below 1; got 1.5"),
        ({"prune": "none"}, "prune must be one of chosen, members"),
        ({"min_fraction": -0.1}, "min_fraction must be a number from 0 to 1; got -0.1"),
    ],
)
def test_user_errors(settings: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        GraphPseudoLabels(**settings)
