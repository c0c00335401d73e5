"""How much linked pairs count beside an unsupervised batch."""

import numpy as np
import pytest
import torch

from kingdra_repro.bases import Batch
from kingdra_repro.data.links import Links, closure
from kingdra_repro.networks.pair_loss import ALIKE, MARGIN, UNKNOWN, UNLIKE, pairwise_kl
from kingdra_repro.training.beside import Beside
from kingdra_repro.training.linked_pairs import LinkedPairs
from kingdra_repro.training.rows import Rows

CPU = torch.device("cpu")


@pytest.mark.parametrize(("n_pairs", "certainty"), [(2, 0.2), (10, 1.0), (15, 1.0)])
def test_fewer_pairs_than_a_quarter_of_the_rows_count_less(n_pairs: int, certainty: float) -> None:
    rows = Rows(np.zeros((40, 2), np.float32), CPU)
    linked = LinkedPairs(closure(40, Links.of(40, [[2 * i, 2 * i + 1] for i in range(n_pairs)])), CPU)
    batch = Beside(rows, (0,), 0, 0, None, linked).drawn(8, 0)(slice(0, 8))
    assert batch["x_linked"].shape == (1, 8, 2)
    torch.testing.assert_close(batch["certainty"], torch.full((1, 8, 8), certainty))


def test_pairs_that_belong_together_weigh_as_much_as_those_that_do_not() -> None:
    """Of four points one pair is alike and two are not: means of each kind, taken apart and added."""
    relation = torch.full((1, 4, 4), UNKNOWN, dtype=torch.int8)
    for i, j, how in ((0, 1, ALIKE), (0, 2, UNLIKE), (1, 3, UNLIKE)):
        relation[0, i, j] = relation[0, j, i] = how
    logits = torch.randn(1, 4, 3, generator=torch.manual_seed(0))
    batch = Batch(torch.zeros(1, 1, 1), [], relation=relation, certainty=torch.ones(1, 4, 4))
    kl = pairwise_kl(logits.log_softmax(-1))[0]
    alike = kl[0, 1] + kl[1, 0]
    unlike = sum((MARGIN - kl[i, j]).relu() for i, j in ((0, 2), (2, 0), (1, 3), (3, 1))) / 2
    weight, loss = batch.terms_beside([logits])["linked"]
    torch.testing.assert_close(weight * loss[0], alike + unlike)
