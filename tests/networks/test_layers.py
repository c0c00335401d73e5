"""The hand-written derivatives, compared with finite differences and with the plain formulas."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from kingdra_repro.networks.layers import (
    BATCH_NORM_EPSILON,
    batch_normalize,
    gaussian_combinator,
    glorot_normal,
)
from kingdra_repro.networks.products import product
from kingdra_repro.objectives import squared_length


def plain_batch_normalize(z: Tensor) -> Tensor:
    return (z - z.mean(-2, keepdim=True)) / (
        z.var(-2, correction=0, keepdim=True) + BATCH_NORM_EPSILON
    ).sqrt()


def plain_gaussian_combinator(z: Tensor, u: Tensor, a: Tensor) -> Tensor:
    a1, a2, a3, a4, a5, a6, a7, a8, a9, a10 = a.unsqueeze(2).unbind(1)
    mu = a1 * torch.sigmoid(a2 * u + a3) + a4 * u + a5
    v = a6 * torch.sigmoid(a7 * u + a8) + a9 * u + a10
    return (z - mu) * v + mu


def normals(*shapes: tuple[int, ...], dtype: torch.dtype = torch.float32) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    drawn = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    return [tensor.to(dtype).requires_grad_() for tensor in drawn]


LAYERS = {
    "batch_normalize": (batch_normalize, plain_batch_normalize, [(2, 3, 64, 40)]),
    "gaussian_combinator": (
        gaussian_combinator,
        plain_gaussian_combinator,
        [(2, 64, 40), (2, 64, 40), (2, 10, 40)],
    ),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_a_derivative_by_hand_is_as_near_to_float64_as_the_plain_formula_s(layer: str) -> None:
    by_hand, plain, shapes = LAYERS[layer]

    def derivatives(f: Callable[..., Tensor], dtype: torch.dtype) -> tuple[Tensor, ...]:
        inputs = normals(*shapes, dtype=dtype)
        out = f(*inputs)
        return (out, *torch.autograd.grad((out * out.detach().roll(1, -2)).sum(), inputs))

    exact = derivatives(plain, torch.float64)
    for f in (by_hand, plain):
        for found, expected in zip(derivatives(f, torch.float32), exact, strict=True):
            assert (found - expected).norm() <= 1e-6 * expected.norm()


@pytest.mark.parametrize(
    ("f", "shapes"),
    [
        (batch_normalize, [(2, 3, 7, 4)]),
        (gaussian_combinator, [(2, 5, 3), (2, 5, 3), (2, 10, 3)]),
        (lambda x, weight: product(x, weight, "bfloat16"), [(2, 5, 3), (2, 3, 4)]),
        (squared_length, [(2, 3, 4)]),
    ],
    ids=["batch_normalize", "gaussian_combinator", "product", "squared_length"],
)
def test_no_function_changes_in_place_what_its_forward_returns(
    f: Callable[..., Tensor], shapes: list[tuple[int, ...]]
) -> None:
    """If a function does so, torch.compile in PyTorch 2.11 mixes its gradients up with another tensor's."""
    assert f(*normals(*shapes))._version == 0


def test_batch_normalize_derivative() -> None:
    (z,) = normals((2, 3, 7, 4), dtype=torch.float64)
    assert gradcheck(batch_normalize, (z,))
    torch.testing.assert_close(batch_normalize(z), plain_batch_normalize(z))


def test_batch_normalize_of_a_constant_column_is_zero() -> None:
    z = torch.full((1, 5, 2), 3.0, requires_grad=True)
    out = batch_normalize(z)
    out.square().sum().backward()
    assert torch.equal(out, torch.zeros_like(out))
    assert torch.isfinite(z.grad).all()


def test_gaussian_combinator_derivative() -> None:
    z, u, a = normals((2, 5, 3), (2, 5, 3), (2, 10, 3), dtype=torch.float64)
    assert gradcheck(gaussian_combinator, (z, u, a))
    torch.testing.assert_close(gaussian_combinator(z, u, a), plain_gaussian_combinator(z, u, a))


def test_first_weights_have_glorot_s_variance_and_are_cut_at_two_deviations() -> None:
    weights = glorot_normal(1, 300, 200, [torch.Generator().manual_seed(0)])
    std = (2 / 500) ** 0.5
    assert float(weights.std()) == pytest.approx(std, rel=0.02)
    assert 2.2 * std < float(weights.abs().max()) <= 2.28 * std  # 2 for the normal before truncation
