"""The pair loss, compared with loops in float64, and at the corners of its domain."""

import numpy as np
import pytest
import torch

from kingdra_repro.networks.pair_loss import log_assignment, pair_loss, relations


def kl(p: np.ndarray, q: np.ndarray) -> float:
    """Compute Eq. 7."""
    return sum(p[k] * np.log(p[k] / q[k]) for k in range(len(p)))


def by_loops(z, centres, classes, margin, balance, weight) -> float:
    """Compute Eqs. 13 to 17 pair by pair."""
    p = np.exp([[-np.sum((a - b) ** 2) for b in centres] for a in z])
    p /= p.sum(1, keepdims=True)
    alike, unlike = [], []
    for i in range(len(z)):
        for j in range(i + 1, len(z)):
            if classes[i] < 0 or classes[j] < 0:
                continue
            both = kl(p[i], p[j]), kl(p[j], p[i])
            if classes[i] == classes[j]:
                alike.append(weight[i, j] * sum(both))
            else:
                unlike.append(weight[i, j] * sum(max(0, margin - one) for one in both))
    if balance == "pairs":
        return np.mean(alike + unlike) if alike + unlike else 0.0
    return sum(np.mean(kind) for kind in (alike, unlike) if kind)


@pytest.mark.parametrize("balance", ["pairs", "kinds"])
@pytest.mark.parametrize("n_unknown", [0, 5, 12])
def test_the_loss_is_that_of_loops_over_pairs(balance: str, n_unknown: int) -> None:
    rng = np.random.default_rng(0)
    z, centres = rng.uniform(-1, 1, (12, 4)), rng.uniform(-1, 1, (3, 4))
    classes = rng.integers(0, 3, 12)
    classes[:n_unknown] = -1
    weight = rng.uniform(0.1, 1, (12, 12))
    weight = (weight + weight.T) / 2
    ours = pair_loss(
        log_assignment(torch.from_numpy(z), torch.from_numpy(centres)),
        relations(torch.from_numpy(classes)),
        0.8,
        balance,
        torch.from_numpy(weight),
    )
    assert float(ours) == pytest.approx(by_loops(z, centres, classes, 0.8, balance, weight), abs=1e-9)


def test_codes_at_the_corners_of_the_tanh_cube_give_finite_losses_and_gradients() -> None:
    corner = torch.ones(32)
    z = torch.stack([corner, -corner, corner, -corner]).requires_grad_()
    centres = torch.stack([corner, -corner, torch.zeros(32)])
    for classes in ([0, 0, 1, 1], [0, 1, 0, 1]):
        loss = pair_loss(log_assignment(z, centres), relations(torch.tensor(classes)), 2.0, "kinds")
        (gradient,) = torch.autograd.grad(loss, z)
        assert torch.isfinite(loss)
        assert torch.isfinite(gradient).all()
    assert loss.item() == pytest.approx(0, abs=1e-6)  # alike pairs coincide, unlike ones are far apart


def test_a_matrix_of_relations_has_unknown_pairs_where_a_class_is_not_known() -> None:
    expected = [[0, 1, -1, 0], [1, 0, -1, 0], [-1, -1, 0, 0], [0, 0, 0, 0]]
    assert relations(torch.tensor([2, 2, 0, -1])).tolist() == expected
