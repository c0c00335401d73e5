"""The derivatives written by hand, against finite differences and against the plain formulas."""

import torch
from torch.autograd import gradcheck

from kingdra_repro.networks.layers import batch_normalize, gaussian_combinator


def test_batch_normalize_derivative() -> None:
    z = torch.randn(2, 3, 7, 4, dtype=torch.float64, requires_grad=True)
    assert gradcheck(batch_normalize, (z,))
    plain = (z - z.mean(-2, keepdim=True)) / (z.var(-2, correction=0, keepdim=True) + 1e-10).sqrt()
    torch.testing.assert_close(batch_normalize(z), plain)


def test_batch_normalize_of_a_constant_column_is_zero() -> None:
    z = torch.full((1, 5, 2), 3.0, requires_grad=True)
    out = batch_normalize(z)
    out.square().sum().backward()
    assert torch.equal(out, torch.zeros_like(out))
    assert torch.isfinite(z.grad).all()


def test_gaussian_combinator_derivative() -> None:
    torch.manual_seed(0)
    z, u = (torch.randn(2, 5, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    a = torch.randn(2, 10, 3, dtype=torch.float64, requires_grad=True)
    assert gradcheck(gaussian_combinator, (z, u, a))
    a1, a2, a3, a4, a5, a6, a7, a8, a9, a10 = a.unsqueeze(2).unbind(1)
    mu = a1 * torch.sigmoid(a2 * u + a3) + a4 * u + a5
    v = a6 * torch.sigmoid(a7 * u + a8) + a9 * u + a10
    torch.testing.assert_close(gaussian_combinator(z, u, a), (z - mu) * v + mu)
