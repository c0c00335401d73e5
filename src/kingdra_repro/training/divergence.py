"""A training that diverges, noticed at the end of an epoch."""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

# They are about 1 where a training goes well, and 10 where it hardly learns. Terms of a loss may stay small
# all the same: outputs that are all one cluster have no entropy, and no gradient.
LARGEST_WEIGHT = 1e4


class Diverged(ArithmeticError):
    """Which model, in which epoch, and what says so; the fit tells the rest."""


def check_divergence(
    parameters: Iterable[Tensor], losses: Mapping[str, Tensor], models: Sequence[str], epoch: int
) -> None:
    """Raise Diverged where a term of the loss is no number, or a weight is no number, or far too large.

    Parameters
    ----------
    parameters : Tensors [n_models, ...], or of one model any
    losses : the mean of each term in the epoch, Tensors [n_models], or of one model []
    models : the name of each
    epoch : its number, from 1
    """
    extremes = [torch.stack(p.detach().reshape(len(models), -1).aminmax(dim=1)) for p in parameters]
    largest = torch.stack(extremes).abs().amax((0, 1)).tolist()  # aminmax: of NaN is NaN; no copy is made
    terms = torch.stack([value.reshape(-1) for value in losses.values()]).T.tolist()
    for model, weight, values in zip(models, largest, terms, strict=True):
        by_name = dict(zip(losses, values, strict=True))
        if len(by_name) > 1:
            del by_name["loss"]  # its terms tell more
        worst, value = max(by_name.items(), key=lambda term: _size(term[1]))
        if not weight <= LARGEST_WEIGHT or _size(value) == float("inf"):
            raise Diverged(f"{model}, epoch {epoch}: {worst} = {value:.3g}, weights up to {weight:.3g}")


def _size(value: float) -> float:
    return abs(value) if value == value else float("inf")
