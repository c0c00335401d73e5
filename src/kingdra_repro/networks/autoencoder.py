"""Plain and variational autoencoders d - hidden - k - hidden - d; single models, not stacks."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from kingdra_repro.networks.products import Linear


def linear(n_in: int, n_out: int, generator: torch.Generator) -> Linear:
    """Make a layer with Glorot-normal weights, drawn from the (CPU) generator, and zero biases."""
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
    """An encoder d - hidden - k and a mirrored decoder; code and reconstruction are linear.

    Inputs are first multiplied by ``scale``, so that the mean square of a feature is about 1 (Xie et al.
    2016, section 4.3): distances between codes then do not depend on the unit of the data.
    """

    code_outputs = 1  # outputs of the encoder per unit of the code

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

        ``masking`` is the probability that a feature is set to 0 (masking noise, Vincent et al. 2010). The
        noise is drawn from the generator, which is on the device of x.
        """
        reconstruction = self.decoder(self(mask(x, masking, generator)))
        return {"loss": (reconstruction - self.scale * x).square().mean()}


class BoundedAutoencoder(Autoencoder):
    """An autoencoder with a tanh on the code, so that squared distances between codes stay below 4 n_code."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(super().forward(x))

    def reconstruct(self, code: Tensor) -> Tensor:
        """Decode codes [B, k] to inputs [B, d], multiplied by ``scale``."""
        return self.decoder(code)


class VariationalAutoencoder(Autoencoder):
    """A variational autoencoder (Kingma and Welling 2014), denoising (Im et al. 2017).

    The code is the posterior's mean. Prior N(0, I), posterior q(z|x) = N(mean, diag exp(log_variance)). The
    likelihood is Gaussian, since not all data are pixels. All features share one variance, set to its
    maximum-likelihood value, the batch's mean squared error (Rybkin et al. 2021): with a fixed variance of 1
    the code of data of small norm, such as tf-idf, would collapse to the prior.
    """

    code_outputs = 2

    def forward(self, x: Tensor) -> Tensor:
        return self.posterior(x)[0]

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and log-variance [B, k] of the code of inputs [B, d]."""
        mean, log_variance = self.encoder(self.scale * x).chunk(2, dim=1)
        return mean, log_variance

    def losses(self, x: Tensor, masking: float, generator: torch.Generator) -> dict[str, Tensor]:
        """Compute ``loss``, the negative evidence lower bound per feature up to a constant, and its terms.

            loss = (1/d) [d/2 log mse + KL(q(z|x) || N(0, I))]

        ``mse`` compares the reconstruction with the clean input; ``kl`` is in nats per point. For the
        arguments see `Autoencoder.losses`.
        """
        mean, log_variance = self.posterior(mask(x, masking, generator))
        noise = torch.empty_like(mean).normal_(generator=generator)
        reconstruction = self.decoder(mean + (0.5 * log_variance).exp() * noise)
        mse = (reconstruction - self.scale * x).square().mean()
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()
        loss = 0.5 * torch.log(mse + 1e-12) + kl / x.shape[1]
        return {"loss": loss, "mse": mse, "kl": kl}


def mask(x: Tensor, fraction: float, generator: torch.Generator) -> Tensor:
    """Set each element of x to 0 with probability ``fraction``."""
    return x * (torch.empty_like(x).uniform_(generator=generator) >= fraction)
