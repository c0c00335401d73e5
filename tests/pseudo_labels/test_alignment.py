from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from kingdra_repro.errors import InputError
from kingdra_repro.pseudo_labels import GraphPseudoLabels, MiniClusters, align, average
from kingdra_repro.pseudo_labels.matching import agreement


def test_undoes_renaming(device):
    generator = torch.Generator().manual_seed(0)
    truth = torch.randint(7, (500,), generator=generator)
    names = torch.stack([torch.randperm(7, generator=generator) for _ in range(4)])
    predictions = names[:, truth]
    matches = align(predictions.to(device), 7)
    assert matches.device.type == device
    matches = matches.cpu()
    assert matches[0].tolist() == list(range(7))
    for m in range(4):
        assert torch.equal(matches[m][predictions[0]], predictions[m])


@settings(max_examples=200)
@given(st.integers(1, 4), st.integers(0, 25), st.integers(0, 2**31))
def test_against_trying_everything(k, n, seed):
    predictions = torch.randint(k, (3, n), generator=torch.Generator().manual_seed(seed))
    matches = align(predictions, k)
    for m in range(3):
        assert sorted(matches[m].tolist()) == list(range(k))
        score = [
            int((torch.tensor(p)[predictions[0]] == predictions[m]).sum()) for p in permutations(range(k))
        ]
        assert int((matches[m][predictions[0]] == predictions[m]).sum()) == max(score)


def test_the_first_model_stays_as_it_is_even_with_unused_outputs():
    assert align(torch.zeros(2, 5, dtype=torch.long), 4)[0].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("predictions", "message"),
    [
        (torch.zeros(3, dtype=torch.long), r"predictions must have shape \[n_models, n\]; got \(3,\)"),
        (torch.full((2, 3), 4), "must be from 0 to n_clusters - 1 = 3; got values 4 to 4"),
    ],
)
def test_user_errors(predictions, message):
    with pytest.raises(InputError, match=message):
        align(predictions, 4)


def test_outputs_of_models_of_ones_own_are_arrays() -> None:
    """Use the graph, the alignment and the mean as a library, with arrays as input."""
    truth = np.random.default_rng(0).integers(3, size=60)
    names = np.array([[0, 1, 2], [2, 0, 1], [1, 2, 0]])
    outputs = np.eye(3, dtype=np.float32)[names[:, truth]]  # [3 models, 60, 3]
    found = GraphPseudoLabels()(outputs)
    assert found.complete
    assert adjusted_rand_score(truth, found.labels) == 1
    matches = align(outputs.argmax(-1), 3)
    mean = average(outputs, matches.numpy())
    assert torch.equal(mean.argmax(-1), torch.from_numpy(truth))
    assert MiniClusters.of(truth, 3, 0.1).complete


@pytest.mark.parametrize("labels", [[0, 1, 2, 3], [1, 2, 3, 3], [0, 1, -2, 2]])
def test_mini_clusters_of_other_numbers_are_refused(labels: list[int]) -> None:
    with pytest.raises(InputError, match="Mini-clusters must be numbered 0 to 2, -1 for none; got"):
        MiniClusters.of(labels, 3, 0.0)


def test_average_puts_outputs_in_order_first() -> None:
    proba = torch.rand(3, 50, 4, generator=torch.Generator().manual_seed(0)).softmax(-1)
    shuffled = torch.stack([proba[0], proba[0][:, [2, 0, 3, 1]], proba[0][:, [3, 2, 1, 0]]])
    outputs = align(shuffled.argmax(-1), 4)
    torch.testing.assert_close(average(shuffled, outputs), proba[0])
    assert agreement(shuffled.argmax(-1), 4) == 1.0


def test_agreement_of_half_a_vote() -> None:
    """Two models agree on 3 of 4 points, so 3 points have all votes and one has half of them."""
    assert agreement(torch.tensor([[0, 0, 1, 1], [0, 0, 1, 0]]), 2) == pytest.approx((3 + 0.5) / 4)
