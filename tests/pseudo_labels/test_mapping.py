from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kingdra_repro.errors import InputError
from kingdra_repro.pseudo_labels import map_to_outputs

from . import oracle

MAPPED = [case for case in oracle.CASES if case.startswith("sim")]


def kept(labels, predictions, outputs):
    """Count the points whose mini-cluster stands for the output that the model predicts."""
    inside = labels >= 0
    return int((outputs[labels[inside]] == predictions[inside]).sum())


@pytest.mark.parametrize("case", MAPPED)
def test_public_codes_mapping(case):
    """The public code's order is a best match to the last model, and ours is the same order."""
    arrays = oracle.load(case)
    predictions = torch.tensor(arrays["predictions"], dtype=torch.long)
    k = int(arrays["n_clusters"])
    by_cluster, by_output = oracle.buckets(arrays, "bucket"), oracle.buckets(arrays, "mapped")
    labels = torch.full((predictions.shape[1],), -1)
    for c, bucket in enumerate(by_cluster):
        labels[bucket.astype(np.int64)] = c
    public = torch.tensor([[np.array_equal(b, m) for m in by_output].index(True) for b in by_cluster])
    common = map_to_outputs(labels, predictions, k, "common")
    assert common.shape == (10, k)
    assert kept(labels, predictions[-1], common[-1]) == kept(labels, predictions[-1], public)
    assert common.tolist() == [public.tolist()] * 10


@settings(max_examples=200)
@given(st.data())
def test_against_trying_everything(data):
    k, n, n_models = data.draw(st.integers(1, 4)), data.draw(st.integers(0, 25)), data.draw(st.integers(1, 3))
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 2**31)))
    labels = torch.randint(-1, k, (n,), generator=generator)
    predictions = torch.randint(k, (n_models, n), generator=generator)
    majority = map_to_outputs(labels, predictions, k)
    one_to_one = map_to_outputs(labels, predictions, k, "one_to_one")
    common = map_to_outputs(labels, predictions, k, "common")
    for m in range(n_models):
        assert sorted(one_to_one[m].tolist()) == list(range(k))
        best = max(kept(labels, predictions[m], torch.tensor(p)) for p in permutations(range(k)))
        assert kept(labels, predictions[m], one_to_one[m]) == best
        assert torch.equal(common[m], one_to_one[-1])
        for c in range(k):
            found = predictions[m, labels == c].bincount(minlength=k).tolist()
            assert majority[m, c] == (found.index(max(found)) if sum(found) else -1)


def test_majority_may_share_an_output_and_one_to_one_may_not(device):
    labels = torch.tensor([0, 0, 1, 1, 1, -1], device=device)
    predictions = torch.tensor([[0, 0, 0, 0, 1, 2], [2, 2, 1, 1, 1, 0]], device=device)
    majority = map_to_outputs(labels, predictions, 3)
    assert majority.tolist() == [[0, 0, -1], [2, 1, -1]]
    assert majority.device.type == device
    assert map_to_outputs(labels, predictions, 3, "one_to_one").tolist() == [[0, 1, 2], [2, 1, 0]]
    assert map_to_outputs(labels, predictions, 3, "common").tolist() == [[2, 1, 0], [2, 1, 0]]


@pytest.mark.parametrize(
    ("labels", "predictions", "mapping", "message"),
    [
        ([0, 1], [[0, 1]], "best", "mapping must be one of majority, one_to_one, common; got 'best'"),
        ([0], [[0, 1]], "majority", "labels and predictions must have shapes"),
        ([0, 1], [0, 1], "majority", "labels and predictions must have shapes"),
        ([0, 2], [[0, 1]], "majority", "labels must be from 0 to n_clusters - 1 = 1; got values 0 to 2"),
        ([0, 1], [[0, 2]], "majority", "predictions must be from 0 to n_clusters - 1 = 1; got values 0 to 2"),
        (
            [0, 1],
            [[0, -1]],
            "one_to_one",
            "predictions must be from 0 to n_clusters - 1 = 1; got values -1 to 0",
        ),
    ],
)
def test_user_errors(labels, predictions, mapping, message):
    with pytest.raises(InputError, match=message):
        map_to_outputs(torch.tensor(labels), torch.tensor(predictions), 2, mapping)
