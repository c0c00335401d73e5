"""Batches in addition to the unsupervised one: pseudo-labelled points, and the weight of linked pairs."""

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from kingdra_repro.bases import Batch, LadderIM
from kingdra_repro.data.links import Links, closure
from kingdra_repro.networks.pair_loss import ALIKE, MARGIN, UNKNOWN, UNLIKE, pairwise_kl
from kingdra_repro.objectives import partial_label_loss
from kingdra_repro.training.linked_pairs import LinkedPairs
from kingdra_repro.training.rows import Rows
from kingdra_repro.training.supervised import PseudoLabels, SupervisedBatches

CPU = torch.device("cpu")


@pytest.mark.parametrize(("n_pairs", "certainty"), [(2, 0.2), (10, 1.0), (15, 1.0)])
def test_fewer_pairs_than_a_quarter_of_the_rows_count_less(n_pairs: int, certainty: float) -> None:
    rows = Rows(np.zeros((40, 2), np.float32), CPU)
    linked = LinkedPairs(closure(40, Links.of(40, [[2 * i, 2 * i + 1] for i in range(n_pairs)])), CPU)
    batch = SupervisedBatches(rows, (0,), 0, 0, None, linked).draw_part(8, 0)(slice(0, 8))
    assert batch["x_linked"].shape == (1, 8, 2)
    torch.testing.assert_close(batch["certainty"], torch.full((1, 8, 8), certainty))


def test_pairs_that_belong_together_weigh_as_much_as_those_that_do_not() -> None:
    """Of four points, one pair is alike and two are unlike; the means of both kinds are added."""
    relation = torch.full((1, 4, 4), UNKNOWN, dtype=torch.int8)
    for i, j, how in ((0, 1, ALIKE), (0, 2, UNLIKE), (1, 3, UNLIKE)):
        relation[0, i, j] = relation[0, j, i] = how
    logits = torch.randn(1, 4, 3, generator=torch.manual_seed(0))
    batch = Batch(torch.zeros(1, 1, 1), [], relation=relation, certainty=torch.ones(1, 4, 4))
    kl = pairwise_kl(logits.log_softmax(-1))[0]
    alike = kl[0, 1] + kl[1, 0]
    unlike = sum((MARGIN - kl[i, j]).relu() for i, j in ((0, 2), (2, 0), (1, 3), (3, 1))) / 2
    weight, loss = batch.supervised_terms([logits])["linked"]
    torch.testing.assert_close(weight * loss[0], alike + unlike)


def test_points_without_a_label_take_the_places_of_classes_that_have_none() -> None:
    X = np.arange(40, dtype=np.float32)[:, None]
    labels = np.full(40, -1)
    labels[:3], labels[3:5] = 0, 2  # of four classes
    pseudo = PseudoLabels(labels, np.array([[0, 1, 2, 3], [3, 2, 1, 0]]))
    batch = SupervisedBatches(Rows(X, CPU), (0, 1), 0, 0, pseudo, None).draw_part(40, 0)(slice(0, 40))
    assert not batch["every_output"]
    rows = batch["x_sup"][..., 0].long()
    expected = torch.where(
        rows < 5, torch.from_numpy(pseudo.outputs).gather(1, torch.tensor(labels)[rows] % 4), -1
    )
    torch.testing.assert_close(batch["y_sup"], expected)
    assert [(expected[0] == c).sum().item() for c in (-1, 0, 1, 2, 3)] == [20, 10, 0, 10, 0]
    labels[5:7], labels[7:] = 1, 3
    full = SupervisedBatches(Rows(X, CPU), (0,), 0, 0, PseudoLabels(labels, np.arange(4)[None]), None)
    assert full.draw_part(40, 0)(slice(0, 40))["every_output"]


def test_where_some_classes_lack_labels_giving_all_points_the_others_is_no_gain() -> None:
    logits = torch.randn(2, 4, 3, generator=torch.manual_seed(0), dtype=torch.float64, requires_grad=True)
    target = torch.tensor([[0, -1, 2, 0], [-1, -1, -1, -1]])
    loss = partial_label_loss(logits, target)
    p = logits.detach().softmax(-1)
    mean = p.mean(1)[0]
    expected = -sum((p[0, i, c] / mean[c]).log() for i, c in ((0, 0), (2, 2), (3, 0))) / 4
    torch.testing.assert_close(loss.detach(), torch.tensor([expected, 0.0], dtype=torch.float64))
    assert gradcheck(lambda z: partial_label_loss(z, target), logits)  # also through the mean
    # If all points have equal outputs, the loss does not depend on them; cross entropy would fall.
    for alike in (torch.zeros(1, 4, 3), torch.tensor([9.0, 0.0, 0.0]).expand(1, 4, 3)):
        torch.testing.assert_close(partial_label_loss(alike, target[:1]), torch.zeros(1))
    batch = Batch(logits, [], x_sup=logits, y_sup=target, every_output=False)
    torch.testing.assert_close(batch.supervised_terms([logits])["supervised"][1], loss)


@pytest.mark.parametrize(("every_output", "weight"), [(True, 0.0), (False, 1.0)])
def test_the_later_weight_is_for_pseudo_labels_of_all_outputs(every_output: bool, weight: float) -> None:
    """If only some classes have labels, nothing else keeps the others apart."""
    base = LadderIM(hidden=(4,), w_mi=1.0, w_mi_later=0.0)
    network = base.build(3, 2, [torch.manual_seed(0)], "float32")
    x = torch.randn(1, 8, 3, generator=torch.manual_seed(1))
    noise = base.sample_noise(network, 8, 1, [torch.manual_seed(2)])
    batch = Batch(x, noise, x_sup=x, y_sup=torch.zeros(1, 8, dtype=torch.int64), every_output=every_output)
    losses = base.losses(network, batch)
    rest = losses["denoising"] + losses["kl"] + losses["supervised"]
    torch.testing.assert_close(losses["loss"], rest + weight * (losses["mi_clean"] + losses["mi_noisy"]))


def test_a_pair_that_is_uncertain_twice_weighs_the_sum() -> None:
    must, cannot = [[0, 1], [1, 0], [2, 3], [4, 5]], [[3, 2], [5, 4]]
    links = Links.of(6, must, cannot, [0.3, 0.4, 0.1, 0.5], [0.9, 0.5])
    relation, weight = LinkedPairs(closure(6, links), CPU).relations(torch.arange(6))
    assert [relation[i, j].item() for i, j in ((0, 1), (2, 3), (4, 5))] == [ALIKE, UNLIKE, UNKNOWN]
    torch.testing.assert_close(weight[[0, 2], [1, 3]], torch.tensor([0.7, 0.8]))


def test_what_is_certain_is_not_in_doubt_and_no_pair_counts_more_than_once() -> None:
    """Certain pairs imply that 0 and 2 belong together; two uncertain pairs say so of 3 and 4."""
    links = Links.of(5, [[0, 1], [1, 2], [3, 4], [4, 3]], [[0, 2]], [1, 1, 0.6, 0.7], [0.5])
    relation, weight = LinkedPairs(closure(5, links), CPU).relations(torch.arange(5))
    assert relation[[0, 3], [2, 4]].tolist() == [ALIKE, ALIKE]
    assert weight[[0, 3], [2, 4]].tolist() == [1, 1]
