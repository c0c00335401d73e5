"""Centres in closed form against the rule, point by point."""

import numpy as np
import torch

from kingdra_repro.methods.centres import class_means, moved


def test_the_closed_form_is_the_rule_point_by_point() -> None:
    """Eqs. 19 and 20: mu <- mu - (mu - z) / N, with N one more at each point."""
    rng = np.random.default_rng(0)
    z, assigned = rng.uniform(-1, 1, (40, 5)), rng.integers(0, 3, 40)  # cluster 3 gets none
    centres, count = rng.uniform(-1, 1, (4, 5)), np.array([3.0, 1.0, 250.0, 7.0])
    mu, n = centres.copy(), count.copy()
    for one, k in zip(z, assigned, strict=True):
        n[k] += 1
        mu[k] -= (mu[k] - one) / n[k]
    ours, later = moved(*map(torch.from_numpy, (centres, count, z, assigned)))
    np.testing.assert_allclose(ours.numpy(), mu, atol=1e-12)
    np.testing.assert_array_equal(later.numpy(), n)


def test_centres_begin_as_the_means_of_their_classes() -> None:
    z = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 5.0]])
    centres, count = class_means(z, torch.tensor([1, 1, 0]), 2)
    assert centres.tolist() == [[0, 5], [2, 0]]
    assert count.tolist() == [1, 2]


def test_codes_get_their_gradient_through_the_moved_centres() -> None:
    z = torch.zeros(2, 3, requires_grad=True)
    centres, _ = moved(torch.ones(1, 3), torch.tensor([2.0]), z, torch.tensor([0, 0]))
    centres.sum().backward()
    assert torch.allclose(z.grad, torch.full((2, 3), 0.25))
