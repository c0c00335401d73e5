"""The terms of the losses, compared with their formulas in float64, and their derivatives."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import softmax
from torch.autograd import gradcheck

from kingdra_repro import objectives
from kingdra_repro.bases import (
    IMSATRPT,
    IMSATVAT,
    Batch,
    IMSATAffine,
    Ladder,
    LadderDot,
    LadderIM,
    make_base,
    make_bases,
)
from kingdra_repro.errors import InputError

M, B, K = 2, 6, 4


@pytest.fixture
def logits() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(M, B, K, dtype=torch.float64, generator=generator, requires_grad=True)


@pytest.mark.parametrize("mu", [1.0, 4.0])
def test_mutual_information(logits: torch.Tensor, mu: float) -> None:
    for m, value in enumerate(objectives.mutual_information_loss(logits, mu)):
        p = softmax(logits[m].detach().numpy(), axis=1)
        conditional = -(p * np.log(p)).sum(1).mean()
        marginal = -(p.mean(0) * np.log(p.mean(0))).sum()
        assert value.item() == pytest.approx(conditional - mu * marginal)


def test_mutual_information_of_balanced_one_hot_outputs_is_log_k() -> None:
    logits = 100.0 * torch.eye(K).repeat(3, 1)[None]
    assert objectives.mutual_information_loss(logits).item() == pytest.approx(-math.log(K), abs=1e-5)


def test_kl_divergence(logits: torch.Tensor) -> None:
    other = logits.flip(1)
    p, q = (softmax(t.detach().numpy(), axis=2) for t in (logits, other))
    expected = (p * np.log(p / q)).sum(2).mean(1)
    np.testing.assert_allclose(objectives.kl_divergence(logits, other).detach(), expected)
    assert objectives.kl_divergence(logits, logits).abs().max() < 1e-12


def test_dot_products(logits: torch.Tensor) -> None:
    y = softmax(logits.detach().numpy(), axis=2)
    raw = [np.mean([y[m, i] @ y[m, j] for i in range(B) for j in range(B) if i != j]) for m in range(M)]
    np.testing.assert_allclose(objectives.dot_product_loss(logits).detach(), raw)
    unit = y / np.linalg.norm(y, axis=2, keepdims=True)
    gram = unit @ unit.transpose(0, 2, 1)
    expected = ((gram - np.eye(B)) ** 2).mean((1, 2))
    np.testing.assert_allclose(objectives.normalized_dot_product_loss(logits).detach(), expected)


def test_only_the_normalised_dot_product_tells_uniform_outputs_from_clusters() -> None:
    """This is why the normalised form is the default."""
    uniform, one_hot = torch.zeros(1, 400, K), 100.0 * torch.eye(K).repeat(100, 1)[None]
    raw = [objectives.dot_product_loss(t).item() for t in (uniform, one_hot)]
    normalised = [objectives.normalized_dot_product_loss(t).item() for t in (uniform, one_hot)]
    assert raw[0] == pytest.approx(raw[1], abs=0.005)
    assert normalised[0] > 0.99
    assert normalised[1] == pytest.approx(1 / K, abs=0.005)


def test_cross_entropy(logits: torch.Tensor) -> None:
    target = torch.arange(M * B).view(M, B) % K
    p = softmax(logits.detach().numpy(), axis=2)
    expected = [-np.log(p[m, np.arange(B), target[m]]).mean() for m in range(M)]
    np.testing.assert_allclose(objectives.cross_entropy(logits, target).detach(), expected)


@pytest.mark.parametrize(
    "base", [LadderIM(hidden=(5, 4)), LadderDot(hidden=(5, 4)), LadderDot(hidden=(5, 4), form="raw")]
)
def test_derivative_of_the_whole_objective(base: LadderIM | LadderDot) -> None:
    """Run gradcheck on the total loss of a small network in float64, with respect to every parameter."""
    streams = [torch.Generator().manual_seed(i) for i in range(M)]
    network = base.build(3, K, streams, "float32").double()
    noise = network.sample_noise(2, B, streams)
    x, x_sup = (torch.randn(M, B, 3, dtype=torch.float64, generator=streams[0]) for _ in range(2))
    y_sup = torch.arange(M * B).view(M, B) % K
    names = [name for name, _ in network.named_parameters()]

    def total(*values: torch.Tensor) -> torch.Tensor:
        step = _Functional(network, dict(zip(names, values, strict=True)))
        losses = base.losses(step, Batch(x, noise, x_sup, y_sup))  # type: ignore[arg-type]
        return losses["loss"].sum() - losses["kl"].sum()  # the KL target is not differentiated, see below

    parameters = [p.detach().clone().requires_grad_() for p in network.parameters()]
    assert gradcheck(total, parameters, atol=1e-4)


class _Functional:
    """A network evaluated with other parameter values, without changing its own."""

    def __init__(self, network: torch.nn.Module, values: dict[str, torch.Tensor]) -> None:
        self._network, self._values = network, values

    def encode(self, *args: object) -> object:
        return self._call("encode", *args)

    def decode(self, *args: object) -> object:
        return self._call("decode", *args)

    def _call(self, method: str, *args: object) -> object:
        class Caller(torch.nn.Module):
            def __init__(self, network: torch.nn.Module) -> None:
                super().__init__()
                self.network = network

            def forward(self, *args: object) -> object:
                return getattr(self.network, method)(*args)

        values = {f"network.{name}": value for name, value in self._values.items()}
        return torch.func.functional_call(Caller(self._network), values, args)


@pytest.mark.parametrize(
    ("base", "module"),
    [
        (LadderIM(hidden=(5,)), "clustering_ladder"),
        (LadderDot(hidden=(5,)), "clustering_ladder"),
        (IMSATRPT(hidden=(5,)), "imsat"),
        (IMSATVAT(hidden=(5,)), "imsat"),
        (IMSATAffine(image_shape=(3, 4), channels=(2,), hidden=()), "pictures"),
    ],
    ids=["ladder_im", "ladder_dot", "imsat_rpt", "imsat_vat", "imsat_affine"],
)
def test_kl_does_not_move_its_target(base, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = []

    def watched(target: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        moved.append((target.requires_grad, other.requires_grad))
        return objectives.kl_divergence(target, other)

    monkeypatch.setattr(f"kingdra_repro.bases.{module}.kl_divergence", watched)
    streams = [torch.Generator().manual_seed(0)]
    network = base.build(12, K, streams, "float32")
    noise = base.sample_noise(network, B, 0, streams)
    base.losses(network, Batch(torch.rand(1, B, 12), noise, radius=torch.ones(1, B)))
    assert moved == [(False, True)]


def test_weights_of_the_paper_are_reachable() -> None:
    """Use Eq. 11 with alpha = beta = 1 and with I(X;Y) itself, mu = 1."""
    base = LadderIM(hidden=(5,), denoising_costs=(1.0, 1.0, 1.0), w_mi=1.0, mu=1.0, w_kl=1.0)
    streams = [torch.Generator().manual_seed(0)]
    network = base.build(3, K, streams, "float32")
    x = torch.randn(1, B, 3)
    losses = base.losses(network, Batch(x, network.sample_noise(1, B, streams)))
    parts = sum(losses[name] for name in ("denoising", "kl", "mi_clean", "mi_noisy"))
    torch.testing.assert_close(losses["loss"], parts)


@pytest.mark.parametrize("later", [0.05, 0.0, None])
@pytest.mark.parametrize("with_pseudo_labels", [False, True])
@pytest.mark.parametrize(("kind", "term"), [(LadderIM, "mi"), (LadderDot, "dot")])
def test_the_later_weight_is_for_batches_with_pseudo_labels(
    kind: type, term: str, with_pseudo_labels: bool, later: float | None
) -> None:
    """Without pseudo-labels, nothing else would keep the clusters apart."""
    weights = {f"w_{term}": 0.2, f"w_{term}_later": later}
    base = kind(hidden=(5,), denoising_costs=(1.0, 1.0, 1.0), **weights)
    network = base.build(3, K, [torch.Generator().manual_seed(0)], "float32")
    noise = network.sample_noise(1 + with_pseudo_labels, B, [torch.Generator().manual_seed(1)])
    labelled = (torch.randn(1, B, 3), torch.arange(B)[None] % K) if with_pseudo_labels else (None, None)
    losses = base.losses(network, Batch(torch.randn(1, B, 3), noise, *labelled))
    rest = sum(losses[name] for name in ("denoising", "kl", "supervised") if name in losses)
    weight = later if with_pseudo_labels and later is not None else 0.2
    both = losses[f"{term}_clean"] + losses[f"{term}_noisy"]
    torch.testing.assert_close(losses["loss"], rest + weight * both)


def test_denoising_costs_follow_the_depth():
    assert LadderIM(hidden=(64,)).costs == (1000.0, 10.0, 0.1)
    assert replace(LadderIM(), hidden=(8, 8, 8)).costs == (1000.0, 10.0, 0.1, 0.1, 0.1)
    assert Ladder().costs == (1000.0, 10.0, 0.1, 0.1, 0.1, 0.1, 0.1)  # Rasmus et al. (2015)
    assert LadderIM(hidden=[5], denoising_costs=[9, 1, 0]).costs == (9, 1, 0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            lambda: LadderIM(hidden=(5,), denoising_costs=(1.0,) * 4),
            "denoising_costs has 4 values for 1 hidden layers: give 3",
        ),
        (lambda: LadderIM(noise_std=-1.0), "noise_std must be a finite number of at least 0; got -1.0"),
        (
            lambda: LadderIM(denoising_costs=(1.0, 1.0, float("nan"), 0.1)),
            "denoising_costs must be .*; got nan",
        ),
        (lambda: LadderIM(w_mi_later=-0.1), "w_mi_later must be a finite number of at least 0; got -0.1"),
        (lambda: LadderDot(w_kl=float("inf")), "w_kl must be a finite number of at least 0; got inf"),
        (lambda: LadderDot(form="cosine"), "form must be one of raw, normalised"),
        (lambda: make_base("laddr"), "base must be one of ladder_im, ladder_dot, "),
        (lambda: make_bases([], 1), r"base must be a list of one base model or more; got \[\]"),
        (lambda: make_bases(["ladder_im", "imsat_vat"], 1), "base has 2 kinds, and n_models=1"),
    ],
)
def test_user_errors(wrong, message: str) -> None:
    with pytest.raises(InputError, match=message):
        wrong()
