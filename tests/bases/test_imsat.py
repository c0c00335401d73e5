"""IMSAT: perturbations compared with independent derivatives, loss compared with the formula, training."""

import numpy as np
import pytest
import torch
from scipy.special import softmax
from torch import Tensor
from torch.nn.functional import cosine_similarity, kl_div, log_softmax

from kingdra_repro import Kingdra
from kingdra_repro.bases import IMSATRPT, IMSATVAT, Base, Batch
from kingdra_repro.bases.perturbations import unit_rows, virtual_adversarial_perturbation
from kingdra_repro.data import load_digits
from kingdra_repro.errors import InputError
from kingdra_repro.evaluation import clustering_accuracy
from kingdra_repro.methods import Single
from kingdra_repro.networks.perceptron import Perceptron

M, B, D, K = 2, 30, 6, 4
CPU = torch.device("cpu")


def streams() -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in range(M)]


def network(base, k: int = K, precision: str = "float32") -> Perceptron:
    """Build a network with larger weights in the last layer; the initial ones give nearly uniform outputs."""
    made = base.build(D, k, streams(), precision)
    with torch.no_grad():
        made.weights[-1].mul_(200)
    return made


def batch(base, made: Perceptron, supervised: bool = False) -> Batch:
    generator = torch.Generator().manual_seed(7)
    x, x_sup = (torch.randn(M, B, D, generator=generator) for _ in range(2))
    radius = torch.rand(M, B, generator=generator) + 0.1
    noise = base.sample_noise(made, B, supervised, streams())
    y_sup = torch.arange(M * B).view(M, B) % K
    return Batch(x, noise, x_sup if supervised else None, y_sup if supervised else None, radius)


def double(given: Batch) -> Batch:
    def cast(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else tensor.double()

    noise = [tensor.double() for tensor in given.noise]
    return Batch(given.x.double(), noise, cast(given.x_sup), given.y_sup, cast(given.radius))


def true_gradient(made: Perceptron, given: Batch, xi: float) -> Tensor:
    """Compute the gradient of the divergence at xi times a unit vector, in float64, with torch's own KL."""
    made, given = made.double(), double(given)
    clean = made.encode([given.x])[0].detach()
    r = xi * given.noise[0] / given.noise[0].norm(dim=-1, keepdim=True)
    r.requires_grad_()
    perturbed = log_softmax(made.encode([given.x + r])[0], -1)
    kl_div(perturbed, log_softmax(clean, -1), reduction="sum", log_target=True).backward()
    assert r.grad is not None
    return r.grad


@pytest.mark.parametrize("hidden", [(), (16,), (16, 12)])
@pytest.mark.parametrize("xi", [0.1, 1.0, 10.0])
def test_vat_follows_the_gradient_of_the_divergence(hidden: tuple[int, ...], xi: float) -> None:
    base = IMSATVAT(hidden=hidden, xi=xi)
    made = network(base)
    given = batch(base, made)
    r = base.perturbation(made, given)
    assert not r.requires_grad
    assert cosine_similarity(r.double(), true_gradient(made, given, xi), dim=-1).min() > 0.99


def test_one_step_of_the_power_iteration_finds_the_first_eigenvector() -> None:
    """With two clusters and no hidden layer, the Hessian W (diag p - p p^T) W^T has rank 1."""
    base = IMSATVAT(hidden=(), xi=0.01)
    made = network(base, k=2)
    given = batch(base, made)
    r = base.perturbation(made, given)
    p = made.encode([given.x])[0].softmax(-1).detach()
    for m in range(M):
        for i in range(B):
            fisher = torch.diag(p[m, i]) - torch.outer(p[m, i], p[m, i])
            hessian = made.weights[0][m] @ fisher @ made.weights[0][m].T
            first = torch.linalg.eigh(hessian.detach()).eigenvectors[:, -1]
            assert abs(cosine_similarity(r[m, i], first, dim=0)) > 0.999


def test_the_direction_with_more_clusters_is_the_hessian_times_the_noise() -> None:
    base = IMSATVAT(hidden=(), xi=1e-3)
    made = network(base).double()
    given = double(batch(base, made))
    p = made.encode([given.x])[0].softmax(-1).detach()
    fisher = torch.diag_embed(p) - p[..., None] * p[..., None, :]
    weight = made.weights[0].detach()[:, None]
    expected = (weight @ fisher @ weight.mT @ given.noise[0][..., None]).squeeze(-1)
    assert cosine_similarity(base.perturbation(made, given), expected, dim=-1).min() > 0.99


def test_vat_changes_the_outputs_more_than_a_random_direction() -> None:
    vat, rpt = IMSATVAT(hidden=(16,), xi=1.0), IMSATRPT(hidden=(16,))
    made = network(vat)
    given = batch(vat, made)
    sat = [base.losses(made, given)["sat"] for base in (vat, rpt)]
    assert (sat[0] > 2 * sat[1]).all()


@pytest.mark.parametrize("base", [IMSATVAT(hidden=(16,)), IMSATRPT(hidden=(16,))], ids=["vat", "rpt"])
def test_a_perturbation_is_as_long_as_the_point_s_radius(base) -> None:
    made = network(base)
    given = batch(base, made)
    assert given.radius is not None
    given.radius[0, 0] = 0  # a point with ten copies
    r = base.perturbation(made, given)
    torch.testing.assert_close(r.norm(dim=-1), given.radius)
    losses = base.losses(made, given)
    losses["loss"].sum().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in made.parameters())


def test_tiny_vectors_have_a_direction_and_zero_stays_zero() -> None:
    v = torch.tensor([[3e-30, 4e-30], [0.0, 0.0], [3e30, 4e30]])
    torch.testing.assert_close(unit_rows(v), torch.tensor([[0.6, 0.8], [0.0, 0.0], [0.6, 0.8]]))
    x = torch.zeros(1, 3, 2)
    constant = virtual_adversarial_perturbation(
        lambda x: 0 * x, x, torch.randn(1, 3, 2), torch.ones(1, 3), 10.0
    )
    assert torch.equal(constant, x)


def test_the_direction_in_bfloat16_is_that_of_float32() -> None:
    base = IMSATVAT(hidden=(16, 12))
    exact, rounded = network(base), network(base, precision="bfloat16")
    given = batch(base, exact)
    in_float32, in_bfloat16 = base.perturbation(exact, given), base.perturbation(rounded, given)
    assert not torch.equal(in_float32, in_bfloat16)
    assert cosine_similarity(in_float32, in_bfloat16, dim=-1).median() > 0.99


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_finding_the_direction_leaves_no_gradient(precision: str) -> None:
    base = IMSATVAT(hidden=(16, 12))
    made = network(base, precision=precision)
    base.perturbation(made, batch(base, made))
    assert all(parameter.grad is None and parameter.requires_grad for parameter in made.parameters())


@pytest.mark.parametrize(
    "base", [IMSATVAT(hidden=(16,)), IMSATRPT(hidden=(16,), w_mi=0.3)], ids=["vat", "rpt"]
)
def test_loss_in_float64(base) -> None:
    made = network(base).double()
    given = double(batch(base, made, supervised=True))
    losses = base.losses(made, given)
    passes = [given.x, given.x + base.perturbation(made, given), given.x_sup]
    p, q, sup = (softmax(logits.detach().numpy(), axis=-1) for logits in made.encode(passes))
    sat = (p * np.log(p / q)).sum(-1).mean(-1)
    marginal = p.mean(1)
    mi = -(p * np.log(p)).sum(-1).mean(-1) + 4 * (marginal * np.log(marginal)).sum(-1)
    supervised = -np.log(np.take_along_axis(sup, given.y_sup.numpy()[..., None], -1)).mean((1, 2))
    expected = {"loss": sat + base.w_mi * mi + supervised, "sat": sat, "mi": mi, "supervised": supervised}
    assert losses.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(losses[name].detach(), value, rtol=1e-9, err_msg=name)


def test_the_clean_outputs_are_no_variable_of_the_augmentation() -> None:
    """The gradient of the SAT term is that with a constant target and a constant perturbation."""
    base = IMSATRPT(hidden=(16,))
    made = network(base).double()
    given = double(batch(base, made))
    gradient = torch.autograd.grad(base.losses(made, given)["sat"].sum(), made.weights[0])[0]
    target = made.encode([given.x])[0].softmax(-1).detach()
    perturbed = made.encode([given.x + base.perturbation(made, given)])[0]
    fixed = -(target * log_softmax(perturbed, -1)).sum(-1).mean(-1).sum()
    torch.testing.assert_close(gradient, torch.autograd.grad(fixed, made.weights[0])[0], rtol=1e-6, atol=1e-9)


def test_radii_are_a_part_of_the_distances() -> None:
    X = np.random.default_rng(0).random((50, D), dtype=np.float32)
    quarter, whole = (IMSATVAT(radius_scale=scale, n_neighbors=3).radii(X, CPU) for scale in (0.25, 1.0))
    assert quarter.dtype == np.float32
    np.testing.assert_allclose(quarter, whole / 4)


def test_a_radius_scale_of_numpy_makes_the_same_fit() -> None:
    X = np.random.default_rng(0).random((50, D), dtype=np.float32)
    for kind in (IMSATVAT, IMSATRPT):
        labels = [
            Single(2, base=kind(hidden=(8,), radius_scale=scale), epochs=2, random_state=0).fit_predict(X)
            for scale in (0.5, np.linspace(0, 1, 3)[1])
        ]
        np.testing.assert_array_equal(*labels)


@pytest.mark.parametrize(
    ("base", "floor", "precision"),
    [
        (IMSATVAT(hidden=(256, 256)), 0.75, "float32"),
        (IMSATVAT(hidden=(256, 256)), 0.75, "bfloat16"),
        (IMSATRPT(hidden=(256, 256)), 0.6, "float32"),
    ],
)
def test_digits(base: Base, floor: float, precision: str) -> None:
    data = load_digits()
    model = Single(
        10, base=base, epochs=50, batch_size=250, precision=precision, random_state=0, device="cpu"
    )
    model.fit(data.X)
    assert clustering_accuracy(data.y, model.labels_) > floor
    assert len(np.unique(model.labels_)) == 10


def test_kingdra_on_imsat() -> None:
    """Pseudo-labels are found, are used in training, and do no harm."""
    data = load_digits()
    model = Kingdra(
        10,
        base=IMSATVAT(hidden=(128,), xi=5.0),
        n_models=3,
        n_iter=2,
        first_epochs=25,
        epochs=5,
        batch_size=250,
        random_state=0,
        device="cpu",
    ).fit(data.X)
    assert "supervised" in model.history_
    assert clustering_accuracy(data.y, model.labels_) > 0.75


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: IMSATVAT(xi=0.0), r"xi must be a positive number; got 0.0"),
        (
            lambda: IMSATRPT(radius_scale=-1.0),
            r"radius_scale must be a finite number of at least 0; got -1.0",
        ),
        (lambda: IMSATVAT(radius_scale=0.0), r"radius_scale must be a positive number; got 0.0"),
        (lambda: IMSATVAT(mu=float("inf")), r"mu must be a finite number of at least 0; got inf"),
        (lambda: IMSATRPT(n_neighbors=0), r"n_neighbors must be an integer of at least 1; got 0"),
        (lambda: IMSATVAT(hidden=(0,)), r"hidden must be a list of integers above 0, .*; got \(0,\)"),
        (
            lambda: Single(2, base="imsat_vat").fit(np.eye(8)),
            "must be less than the number of points, 8; got 10",
        ),
    ],
)
def test_user_errors(wrong, message: str) -> None:
    with pytest.raises(InputError, match=message):
        wrong()
