"""Detection of diverged training at the end of an epoch."""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

# The largest weight is about 1 in a good training, and 10 in one that hardly learns. The terms of the loss
# may stay small in a diverged training: outputs that are all one cluster have no entropy and no gradient.
LARGEST_WEIGHT = 1e4


class Diverged(ArithmeticError):
    """A diverged training: the message has the model, the epoch and the evidence; the fit adds the rest."""


def check_divergence(
    parameters: Iterable[Tensor], losses: Mapping[str, Tensor], models: Sequence[str], epoch: int
) -> None:
    """Raise Diverged if a term of the loss is not finite, or a weight is NaN or far too large.

    Parameters
    ----------
    parameters : Tensors [n_models, ...]; of any shape for a single model
    losses : the mean of each term over the epoch, Tensors [n_models]; scalars for a single model
    models : the name of each model
    epoch : the number of the epoch, from 1
    """
    extremes = [torch.stack(p.detach().reshape(len(models), -1).aminmax(dim=1)) for p in parameters]
    largest = torch.stack(extremes).abs().amax((0, 1)).tolist()  # aminmax propagates NaN and makes no copy
    terms = torch.stack([value.reshape(-1) for value in losses.values()]).T.tolist()
    for model, weight, values in zip(models, largest, terms, strict=True):
        by_name = dict(zip(losses, values, strict=True))
        if len(by_name) > 1:
            del by_name["loss"]  # its terms are more informative
        worst, value = max(by_name.items(), key=lambda term: _size(term[1]))
        if not weight <= LARGEST_WEIGHT or _size(value) == float("inf"):
            raise Diverged(f"{model}, epoch {epoch}: {worst} = {value:.3g}, weights up to {weight:.3g}")


def _size(value: float) -> float:
    return abs(value) if value == value else float("inf")
