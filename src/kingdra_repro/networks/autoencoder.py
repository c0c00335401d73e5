"""Autoencoders d - hidden - k - hidden - d, plain and variational: one model, no stack."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from kingdra_repro.networks.products import Linear


def linear(n_in: int, n_out: int, generator: torch.Generator) -> Linear:
    """Make a layer with Glorot-normal weights from the generator (on the CPU), and biases 0."""
    layer = nn.utils.skip_init(Linear, n_in, n_out)
    nn.init.xavier_normal_(layer.weight, generator=generator)
    nn.init.zeros_(layer.bias)
    return layer


class FeedForward(nn.Module):
    """Layers of the given widths with ReLU between them: [B, widths[0]] -> [B, widths[-1]]."""

    def __init__(self, widths: Sequence[int], generator: torch.Generator) -> None:
        super().__init__()
        self.layers = nn.ModuleList(linear(i, o, generator) for i, o in itertools.pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = relu(layer(x))
        return self.layers[-1](x).float()  # from bfloat16, where products are rounded to it


class Autoencoder(nn.Module):
    """Encoder d - hidden - k and its mirror image; code and reconstruction are linear.

    Inputs are multiplied with ``scale`` first, so that the mean square of a feature is about 1 (Xie et al.
    2016, section 4.3): a code's distances then do not depend on the unit of the data.
    """

    code_outputs = 1  # numbers that the encoder gives for each unit of the code

    def __init__(
        self, n_features: int, n_code: int, hidden: Sequence[int], scale: float, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.scale: Tensor
        self.register_buffer("scale", torch.tensor(scale))
        self.encoder = FeedForward([n_features, *hidden, self.code_outputs * n_code], generator)
        self.decoder = FeedForward([n_code, *reversed(hidden), n_features], generator)

    def forward(self, x: Tensor) -> Tensor:
        """Return the code [B, k] of inputs [B, d]."""
        return self.encoder(self.scale * x)

    def losses(self, x: Tensor, masking: float, generator: torch.Generator) -> dict[str, Tensor]:
        """Compute the mean squared error of reconstructing inputs [B, d] from corrupted ones, as ``loss``.

        ``masking`` is the fraction of the features that are set to 0 (masking noise, Vincent et al. 2010);
        the noise is the generator's, on the device of x.
        """
        reconstruction = self.decoder(self(mask(x, masking, generator)))
        return {"loss": (reconstruction - self.scale * x).square().mean()}


class BoundedAutoencoder(Autoencoder):
    """An autoencoder whose code goes through tanh, so that squared distances in it stay below 4 n_code."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(super().forward(x))

    def reconstruct(self, code: Tensor) -> Tensor:
        """Return the inputs [B, d], times ``scale``, that codes [B, k] stand for."""
        return self.decoder(code)


class VariationalAutoencoder(Autoencoder):
    """Kingma and Welling (2014), denoising (Im et al. 2017); the code is the posterior's mean.

    Prior N(0, I), posterior q(z|x) = N(mean, diag exp(log_variance)). The likelihood is Gaussian, since not
    all data are pixels, with one variance for all features: its maximum-likelihood value, the batch's mean
    squared error (Rybkin et al. 2021). With a fixed variance of 1 the code of data of small norm, such as
    tf-idf, would collapse to the prior.
    """

    code_outputs = 2

    def forward(self, x: Tensor) -> Tensor:
        return self.posterior(x)[0]

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance [B, k] of the code of inputs [B, d]."""
        mean, log_variance = self.encoder(self.scale * x).chunk(2, dim=1)
        return mean, log_variance

    def losses(self, x: Tensor, masking: float, generator: torch.Generator) -> dict[str, Tensor]:
        """Compute the negative evidence lower bound a feature, up to a constant, as ``loss``; its terms.

            loss = (1/d) [d/2 log mse + KL(q(z|x) || N(0, I))]

        ``mse`` is of the clean input's reconstruction, ``kl`` is in nats a point. See `Autoencoder.losses`.
        """
        mean, log_variance = self.posterior(mask(x, masking, generator))
        noise = torch.empty_like(mean).normal_(generator=generator)
        reconstruction = self.decoder(mean + (0.5 * log_variance).exp() * noise)
        mse = (reconstruction - self.scale * x).square().mean()
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()
        loss = 0.5 * torch.log(mse + 1e-12) + kl / x.shape[1]
        return {"loss": loss, "mse": mse, "kl": kl}


def mask(x: Tensor, fraction: float, generator: torch.Generator) -> Tensor:
    """Set each number of x to 0 with probability ``fraction``."""
    return x * (torch.empty_like(x).uniform_(generator=generator) >= fraction)
