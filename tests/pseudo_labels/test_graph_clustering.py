from importlib import import_module

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kingdra_repro.errors import InputError
from kingdra_repro.pseudo_labels import agreement, degrees, mini_clusters, signature_index, signatures

from . import brute_force, oracle


@pytest.mark.parametrize("case", oracle.CASES)
def test_public_codes_answers(case, device):
    arrays = oracle.load(case)
    predictions = torch.tensor(arrays["predictions"], dtype=torch.long, device=device)
    k, n_models = int(arrays["n_clusters"]), len(predictions)
    labels = mini_clusters(
        predictions,
        k,
        t_pos=int(arrays["t_high"]) + 1,
        t_neg=n_models - int(arrays["t_low"]),
        confident=torch.tensor(arrays["confident"], device=device),
        prune="members",
    )
    for c, bucket in enumerate(oracle.buckets(arrays, "bucket")):
        np.testing.assert_array_equal((labels == c).nonzero()[:, 0].cpu(), bucket)


@st.composite
def graphs(draw):
    """Draw small ensembles of every kind: noise, agreement, duplicates, all equal, all different."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_models, n = draw(st.integers(1, 6)), draw(st.integers(1, 40))
    n_outputs = draw(st.sampled_from([1, 2, 3, 5, 10]))
    truth = rng.integers(n_outputs, size=n)
    noise = rng.integers(n_outputs, size=(n_models, n))
    predictions = np.where(
        rng.random((n_models, n)) < draw(st.sampled_from([0.0, 0.5, 0.8, 0.95, 1.0])), truth, noise
    )
    kind = draw(st.sampled_from(["plain", "plain", "repeated", "all equal", "all different", "renamed"]))
    if kind == "repeated":
        predictions = predictions[:, rng.integers(max(1, n // 3), size=n)]
    elif kind == "all equal":
        predictions = np.repeat(predictions[:, :1], n, axis=1)
    elif kind == "all different":
        predictions = np.stack([rng.permutation(n) for _ in range(n_models)])
    elif kind == "renamed":  # a dtype that is too small would make this number 0
        large = draw(st.sampled_from([2**8, 2**16, 2**32, 2**62]))
        predictions = np.where(predictions == 1, large, predictions)
    confident = draw(st.sampled_from([None, 0.0, 0.3, 0.8, 1.0]))
    return {
        "predictions": predictions.astype(np.int64),
        "n_clusters": draw(st.integers(1, 8)),
        "t_pos": draw(st.integers(1, n_models)),
        "t_neg": draw(st.integers(1, n_models)),
        "confident": None if confident is None else rng.random(n) < confident,
        "prune": draw(st.sampled_from(["chosen", "members"])),
    }


def ours(predictions, confident, **settings):
    confident = None if confident is None else torch.tensor(confident)
    return mini_clusters(torch.tensor(predictions), confident=confident, **settings).numpy()


WAYS = {"as it is": None, "by counting": 0, "by pairs": 10**9}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("tile", [None, (3, 5)], ids=["in one piece", "in pieces"])
@pytest.mark.parametrize("index_cost", [50, 0], ids=["compared", "from the index"])
def test_equals_algorithm_1(way, tile, index_cost, monkeypatch):
    monkeypatch.setattr(signature_index, "_INDEX_COST", index_cost)
    monkeypatch.setattr(degrees, "_SHARING_COST", index_cost)
    monkeypatch.setattr(degrees, "_INDEX_COST", index_cost)
    if WAYS[way] is not None:
        monkeypatch.setattr(degrees, "_SUBSET_COST", WAYS[way])
    if tile is not None:
        monkeypatch.setattr(agreement, "_CPU_TILE", tile)
        # As an attribute of the package, this name is the function, so the module needs import_module.
        module = import_module("kingdra_repro.pseudo_labels.mini_clusters")
        monkeypatch.setattr(module, "MEMBERS_AT_ONCE", 2)

    @settings(max_examples=100)
    @given(graphs())
    def equals_algorithm_1(graph):
        np.testing.assert_array_equal(ours(**graph), brute_force.mini_clusters(**graph))

    equals_algorithm_1()


@pytest.mark.parametrize("t_pos", [1, 7, 10])
@pytest.mark.parametrize("prune", ["chosen", "members"])
def test_larger_graphs(t_pos, prune, device):
    """These need more than one tile, and weights of more than one byte."""
    generator = torch.Generator().manual_seed(t_pos)
    truth = torch.randint(10, (1500,), generator=generator)
    noise = torch.randint(10, (10, 1500), generator=generator)
    predictions = torch.where(torch.rand(10, 1500, generator=generator) < 0.8, truth, noise)
    predictions[:, 900:1400] = predictions[:, :1]
    labels = mini_clusters(predictions.to(device), 10, t_pos, 8, prune=prune)
    expected = brute_force.mini_clusters(predictions.numpy(), 10, t_pos, 8, prune=prune)
    np.testing.assert_array_equal(labels.cpu(), expected)
    assert labels.device.type == device


@pytest.mark.parametrize("t_pos", [20, 16])
def test_signatures_beyond_64_bits(t_pos):
    generator = torch.Generator().manual_seed(0)
    truth = torch.randint(100, (600,), generator=generator)
    noise = torch.randint(100, (20, 600), generator=generator)
    predictions = torch.where(torch.rand(20, 600, generator=generator) < 0.95, truth, noise)
    labels = mini_clusters(predictions, 100, t_pos)
    np.testing.assert_array_equal(labels, brute_force.mini_clusters(predictions.numpy(), 100, t_pos, 20))


def test_signatures_whose_first_digits_64_bits_would_lose():
    # Five digits of 16 bits: the first does not fit into a 64-bit integer.
    predictions = torch.zeros(5, 4, dtype=torch.long)
    predictions[0, 1] = 1
    predictions[:, 2] = 2**16 - 1
    assert mini_clusters(predictions, 3).tolist() == [0, -1, 1, 0]
    assert signatures.number_signatures(predictions).tolist() == [0, 1, 2, 0]


def test_large_labels_take_no_more_memory_than_small_ones():
    predictions = torch.randint(0, 60, (3, 500), generator=torch.Generator().manual_seed(0))
    columns = signatures.Signatures.of(predictions + 2_000_000_000, None).columns
    assert columns.max() < columns.shape[1]  # an index with more than 50 clusters has the size of the largest
    small = mini_clusters(predictions, 60)
    assert mini_clusters(predictions + 2_000_000_000, 60).tolist() == small.tolist()


def test_more_models_than_a_byte_counts():
    predictions = torch.zeros(300, 4, dtype=torch.long)
    predictions[:260, 1] = 1
    labels = mini_clusters(predictions, 3, t_pos=260, t_neg=260)
    assert labels.tolist() == [0, 1, 0, 0]


def test_whole_agreement_makes_the_classes_of_equal_predictions():
    predictions = torch.tensor([[0, 1, 1, 0, 2, 1], [1, 0, 0, 1, 2, 0]])
    assert mini_clusters(predictions, 5).tolist() == [1, 0, 0, 1, 2, 0]


def test_a_neighbour_with_a_negative_edge_stays_and_keeps_its_first_mini_cluster():
    # t_pos + t_neg <= n_models: points 0 and 1 have both kinds of edge, so 1 stays and is chosen after 0.
    predictions = torch.tensor([[0, 0], [0, 1]])
    assert mini_clusters(predictions, 2, t_pos=1, t_neg=1).tolist() == [0, 0]
    predictions = torch.tensor([[0, 0, 5], [0, 1, 1]])
    assert mini_clusters(predictions, 2, t_pos=1, t_neg=1).tolist() == [0, 0, 0]


def test_members_remove_what_the_chosen_point_does_not():
    # Point 3 is far from the chosen point 0, but not from its neighbour 2.
    predictions = torch.tensor([[0, 0, 0, 3], [0, 0, 0, 3], [0, 0, 1, 1]])
    assert mini_clusters(predictions, 2, t_pos=2, t_neg=3).tolist() == [0, 0, 0, 1]
    assert mini_clusters(predictions, 2, t_pos=2, t_neg=3, prune="members").tolist() == [0, 0, 0, -1]


def test_members_remove_points_that_only_just_agree_with_the_chosen_one():
    """If t_pos >= t_neg, points that agree less with the chosen one are not compared with the members."""
    predictions = np.random.default_rng(0).integers(3, size=(5, 40))
    labels = mini_clusters(torch.tensor(predictions), 5, 4, 3, prune="members")
    np.testing.assert_array_equal(labels, brute_force.mini_clusters(predictions, 5, 4, 3, prune="members"))


def test_only_the_first_mini_cluster_has_points_that_are_not_confident():
    predictions = torch.tensor([[0, 0, 0, 1, 1]])
    confident = torch.tensor([True, False, True, True, False])
    assert mini_clusters(predictions, 2, confident=confident).tolist() == [0, 0, 0, 1, -1]
    assert mini_clusters(predictions, 2, confident=torch.zeros(5, dtype=torch.bool)).tolist() == [-1] * 5


def test_exact_where_float32_counts_are_not():
    # float32 cannot represent 2**24 + 1, but degrees that differ by one point must remain different.
    columns = torch.tensor([[0, 0, 1, 1], [0, 1, 2, 3], [0, 1, 2, 3]], dtype=torch.uint8)
    weights = torch.tensor([2**24, 1, 2**24, 2])
    assert degrees.Degrees(columns, 1, weights).values.tolist() == [
        2**24 + 1,
        2**24 + 1,
        2**24 + 2,
        2**24 + 2,
    ]


def test_any_integer_type_and_the_input_is_left_alone():
    predictions = torch.tensor([[0, 1, 1, 0], [2, 0, 0, 2]])
    before = predictions.clone()
    for dtype in (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64):
        labels = mini_clusters(predictions.to(dtype), 2)
        assert labels.dtype == torch.int64
        assert labels.tolist() == [0, 1, 1, 0]
    assert torch.equal(predictions, before)


def test_arrays_and_lists_of_any_integer_type():
    predictions, confident = np.array([[0, 1, 1, 0], [2, 0, 0, 2]]), [True, True, True, False]
    expected = mini_clusters(torch.tensor(predictions), 2, confident=torch.tensor(confident))
    for one in (predictions.tolist(), *(predictions.astype(kind) for kind in "bBhHiIlL")):
        assert torch.equal(mini_clusters(one, np.int64(2), confident=confident), expected)
    assert torch.equal(mini_clusters(torch.tensor(predictions.astype("H")), 2, confident=confident), expected)


def test_exact_inside_autocast():
    # bfloat16 can represent 256 and 258, but not 257.
    columns = torch.zeros(3, 2, dtype=torch.uint8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        degree = agreement.agreeing_weight(columns, columns, torch.tensor([200, 57]), 3)
    assert degree.tolist() == [257, 257]


GOOD = torch.tensor([[0, 1, 2], [0, 1, 1]])


@pytest.mark.parametrize(
    ("predictions", "settings", "message"),
    [
        (
            GOOD[0],
            {},
            r"predictions must be integers of shape \[n_models, n\].* got torch.int64 of shape \(3,\)",
        ),
        (GOOD.float(), {}, "predictions must be integers of shape .* got torch.float32"),
        (GOOD > 0, {}, "predictions must be integers of shape .* got torch.bool"),
        (GOOD - 1, {}, "predictions must be at least 0; got -1"),
        (GOOD[:, :0], {}, "at least one model and one point"),
        (GOOD[:0], {}, "at least one model and one point"),
        (GOOD, {"n_clusters": 0}, "n_clusters must be an integer of at least 1; got 0"),
        (GOOD, {"n_clusters": 2.0}, "n_clusters must be an integer of at least 1; got 2.0"),
        (GOOD, {"t_pos": 1.5}, "t_pos must be a number of models from 1 to 2; got 1.5"),
        ([[0, 1], [0]], {}, "predictions must be an array"),
        ([["a", "b"]], {}, "predictions must be numbers; got <U1"),
        (GOOD, {"t_pos": 0}, "t_pos must be a number of models from 1 to 2; got 0"),
        (GOOD, {"t_pos": 3}, "t_pos must be a number of models from 1 to 2; got 3"),
        (GOOD, {"t_neg": 0}, "t_neg must be a number of models from 1 to 2; got 0"),
        (GOOD, {"t_neg": 3}, "t_neg must be a number of models from 1 to 2; got 3"),
        (
            GOOD,
            {"confident": torch.ones(2, dtype=torch.bool)},
            r"confident must be booleans of shape \[\d\]; got torch.bool of shape \(2,\)",
        ),
        (GOOD, {"confident": torch.ones(3)}, r"confident must be booleans of shape \[3\]"),
        (GOOD, {"prune": "all"}, "prune must be one of chosen, members; got 'all'"),
    ],
)
def test_user_errors(predictions, settings, message):
    with pytest.raises(InputError, match=message) as caught:
        mini_clusters(predictions, **{"n_clusters": 2, **settings})
    assert "\n" not in str(caught.value)
