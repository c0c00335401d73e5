"""RIM: loss compared with the formula, and training."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from scipy.special import softmax

from kingdra_repro.bases import RIM, Batch, make_base
from kingdra_repro.data import load_digits
from kingdra_repro.errors import InputError
from kingdra_repro.evaluation import clustering_accuracy
from kingdra_repro.methods import Single

M, B, D, K = 2, 30, 6, 4


@pytest.mark.parametrize("hidden", [(), (16, 12)])
def test_loss_in_float64(hidden: tuple[int, ...]) -> None:
    base = RIM(hidden=hidden, w_mi=0.7, mu=3.0, weight_decay=0.2)
    generators = [torch.Generator().manual_seed(seed) for seed in range(M)]
    network = base.build(D, K, generators, "float32").double()
    with torch.no_grad():
        network.weights[-1].mul_(200)
    x, x_sup = (torch.randn(M, B, D, dtype=torch.float64, generator=generators[0]) for _ in range(2))
    y_sup = torch.arange(M * B).view(M, B) % K
    assert base.sample_noise(network, B, True, generators) == []
    losses = base.losses(network, Batch(x, [], x_sup, y_sup))

    p, sup = (softmax(logits.detach().numpy(), axis=-1) for logits in network.encode([x, x_sup]))
    marginal = p.mean(1)
    mi = -(p * np.log(p)).sum(-1).mean(-1) + 3 * (marginal * np.log(marginal)).sum(-1)
    supervised = -np.log(np.take_along_axis(sup, y_sup.numpy()[..., None], -1)).mean((1, 2))
    decayed = [parameter for name, parameter in network.named_parameters() if name != "bias"]
    squares = sum((parameter.detach().numpy() ** 2).reshape(M, -1).sum(1) for parameter in decayed)
    expected = {"loss": 0.7 * mi + 0.1 * squares + supervised, "squared_weights": squares, "mi": mi}
    for name, value in {**expected, "supervised": supervised}.items():
        np.testing.assert_allclose(losses[name].detach(), value, rtol=1e-9, err_msg=name)


def test_the_derivative_of_weight_decay_is_the_parameters_times_it() -> None:
    base = RIM(hidden=(5,), w_mi=0.0, weight_decay=0.3)
    network = base.build(D, K, [torch.Generator().manual_seed(0)], "float32")
    with torch.no_grad():
        network.beta[0].normal_()  # the decay of zeros would not be visible
    base.losses(network, Batch(torch.randn(1, B, D), []))["loss"].sum().backward()
    for parameter in [*network.weights, *network.gamma, *network.beta]:
        torch.testing.assert_close(parameter.grad, 0.3 * parameter.detach())


@pytest.mark.parametrize(("base", "floor"), [(RIM(hidden=(256, 256)), 0.5), (RIM(hidden=()), 0.58)])
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
def test_digits(base: RIM, floor: float, kind) -> None:
    data = load_digits()
    model = Single(10, base=base, epochs=50, batch_size=250, random_state=0, device="cpu").fit(kind(data.X))
    assert clustering_accuracy(data.y, model.labels_) > floor
    assert len(np.unique(model.labels_)) == 10


def test_names() -> None:
    assert make_base("deep_rim") == RIM()
    assert make_base("linear_rim") == RIM(hidden=(), weight_decay=1e-4)
    assert make_base("linear_rim").n_weights(2000, 20) == 40_000


def test_user_errors() -> None:
    with pytest.raises(InputError, match=r"weight_decay must be a finite number of at least 0; got -0.1"):
        RIM(weight_decay=-0.1)
