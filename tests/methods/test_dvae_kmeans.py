"""K-means on the posterior means of a denoising variational autoencoder."""

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

from kingdra_repro.evaluation import clustering_accuracy
from kingdra_repro.methods import DVAEKMeans
from kingdra_repro.networks.autoencoder import VariationalAutoencoder


def make(**settings) -> DVAEKMeans:
    defaults = {"hidden": (64, 64), "epochs": 30, "batch_size": 64, "random_state": 0, "device": "cpu"}
    return DVAEKMeans(10, **{**defaults, **settings})


def test_digits(digits) -> None:
    X, y = digits
    model = make().fit(X)
    assert clustering_accuracy(y, model.labels_) > 0.6  # .692 .755 .777 with seeds 0 to 2
    assert len(np.unique(model.labels_)) == 10
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    history = model.history_
    assert history["loss"].iloc[-1] < history["loss"].iloc[0] - 0.3
    assert history["mse"].iloc[-1] < 0.2
    assert history["kl"].iloc[-1] > 3  # nats: the code has not collapsed


@torch.no_grad()
def test_kl_and_bound_against_torch_s_distributions(digits) -> None:
    network = VariationalAutoencoder(64, 10, [16], 2.0, torch.Generator().manual_seed(0))
    x = torch.from_numpy(digits[0][:50])
    terms = network.losses(x, 0.0, torch.Generator().manual_seed(1))
    mean, log_variance = network.posterior(x)
    posterior = Independent(Normal(mean, (log_variance / 2).exp()), 1)
    prior = Independent(Normal(torch.zeros(10), torch.ones(10)), 1)
    kl = kl_divergence(posterior, prior).mean()
    assert float(terms["kl"]) == pytest.approx(float(kl), rel=1e-5)
    z = mean + posterior.base_dist.stddev * torch.empty_like(mean).normal_(generator=_after_mask(x))
    error = (network.decoder(z) - 2 * x).square().mean()
    assert float(terms["mse"]) == pytest.approx(float(error), rel=1e-5)
    # The likelihood with the maximum-likelihood variance, without its constant.
    likelihood = Normal(network.decoder(z), error.sqrt()).log_prob(2 * x).sum(1).mean()
    bound = float(kl - likelihood) / 64 - 0.5 * (1 + np.log(2 * np.pi))
    assert float(terms["loss"]) == pytest.approx(bound, rel=1e-4)
    assert torch.equal(network(x), mean)


def _after_mask(x: torch.Tensor) -> torch.Generator:
    """Return the generator in its state after the masking noise has been drawn."""
    generator = torch.Generator().manual_seed(1)
    torch.empty_like(x).uniform_(generator=generator)
    return generator
