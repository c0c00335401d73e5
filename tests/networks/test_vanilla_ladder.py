"""The vanilla ladder network, compared with Algorithm 1 of Rasmus et al. (2015), coded for one model."""

import torch
from torch import Tensor

from kingdra_repro.bases import Ladder
from kingdra_repro.bases.base import Batch
from kingdra_repro.networks.layers import gaussian_combinator

D, HIDDEN, K, B = 6, (7, 5), 3, 20
COSTS = (1000.0, 10.0, 0.1, 0.1)
BASE = Ladder(hidden=HIDDEN, denoising_costs=COSTS, noise_std=0.3)


def batchnorm(z: Tensor) -> Tensor:
    return (z - z.mean(0)) / z.std(0, correction=0)


def made(n_models: int = 2) -> tuple[torch.nn.Module, Batch]:
    streams = [torch.Generator().manual_seed(m) for m in range(n_models)]
    network = BASE.build(D, K, streams, "float32").double()
    draw = torch.Generator().manual_seed(9)
    with torch.no_grad():  # the initial zeros and ones would hide errors
        for name, p in network.named_parameters():
            if name.startswith(("beta", "gamma", "combinator")):
                p += 0.3 * torch.randn(p.shape, generator=draw, dtype=p.dtype)
    x, x_sup = torch.randn(2, n_models, B, D, generator=draw, dtype=torch.float64)
    y_sup = torch.randint(K, (n_models, B), generator=draw)
    noise = BASE.sample_noise(network, B, True, streams)
    return network, Batch(x=x, noise=noise, x_sup=x_sup, y_sup=y_sup)


def encoder(network, m: int, x: Tensor, noise: list[Tensor] | None):
    """Return z, the moments of z before batch norm, and the logits of model m."""
    h = x if noise is None else x + 0.3 * noise[0]
    z, moments = [h], [(torch.zeros(D), torch.ones(D))]
    for i in range(1, 4):
        z_pre = h @ network.encoder[i - 1][m]
        moments.append((z_pre.mean(0), z_pre.std(0, correction=0)))
        z.append(batchnorm(z_pre) + (0 if noise is None else 0.3 * noise[i]))
        h = z[-1] + network.beta[i - 1][m]
        h = torch.relu(h) if i < 3 else network.gamma[m] * h
    return z, moments, h


def cost(network, batch: Batch, m: int) -> tuple[Tensor, Tensor]:
    """Return the denoising and the supervised cost of model m."""
    noise, noise_sup = ([layer[m, p] for layer in batch.noise] for p in range(2))
    z, moments, _ = encoder(network, m, batch.x[m], None)
    z_noisy, _, logits = encoder(network, m, batch.x[m], noise)
    denoising, z_est = torch.zeros(()), None
    for i in (3, 2, 1, 0):
        u = batchnorm(logits.softmax(-1) if z_est is None else z_est @ network.decoder[i][m])
        z_est = gaussian_combinator(z_noisy[i][None], u[None], network.combinator[i][m][None])[0]
        mean, std = moments[i]
        denoising = denoising + COSTS[i] * (z[i] - (z_est - mean) / std).square().mean()
    _, _, logits_sup = encoder(network, m, batch.x_sup[m], noise_sup)
    return denoising, torch.nn.functional.cross_entropy(logits_sup, batch.y_sup[m])


def test_costs_and_gradients() -> None:
    network, batch = made()
    losses = BASE.losses(network, batch)
    expected = [cost(network, batch, m) for m in range(2)]
    for name, values in zip(("denoising", "supervised"), zip(*expected, strict=True), strict=True):
        torch.testing.assert_close(losses[name], torch.stack(values), rtol=1e-6, atol=0)
    parameters = list(network.parameters())
    ours = torch.autograd.grad(losses["loss"].sum(), parameters)
    theirs = torch.autograd.grad(sum(sum(both) for both in expected), parameters)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-8)


def test_prediction_is_the_clean_pass_with_the_moments_of_the_data() -> None:
    network, batch = made(n_models=1)
    network.set_moments(lambda: [batch.x])
    torch.testing.assert_close(
        network(batch.x)[0], encoder(network, 0, batch.x[0], None)[2], rtol=1e-5, atol=1e-5
    )
