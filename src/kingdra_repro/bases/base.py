"""The interface of base models: what the training loop calls, and the batch that it passes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from kingdra_repro.data.streamed import Matrix
from kingdra_repro.networks.pair_loss import MARGIN, pair_loss
from kingdra_repro.objectives import cross_entropy, partial_label_loss


@dataclass(frozen=True)
class Batch:
    """The input of a stack of M models in one training step.

    Attributes
    ----------
    x : Tensor [M, B, d], the unsupervised batch of each model
    noise : list of standard normal tensors, from the base's ``sample_noise``
    x_sup, y_sup : Tensor [M, B, d] and LongTensor [M, B], pseudo-labelled points and their target outputs, or
        None; a target of -1 means that the point has no pseudo-label
    every_output : bool, whether every output has pseudo-labelled points
    x_linked : Tensor [M, B, d], points of linked pairs, or None
    relation, certainty : Tensor [M, B, B], which of the linked points belong together or apart, and how
        certain that is, or None; see `kingdra_repro.networks.pair_loss`
    radius : Tensor [M, B], the result of the base's ``radii`` for the rows of x, or None
    """

    x: Tensor
    noise: list[Tensor]
    x_sup: Tensor | None = None
    y_sup: Tensor | None = None
    radius: Tensor | None = None
    x_linked: Tensor | None = None
    relation: Tensor | None = None
    certainty: Tensor | None = None
    every_output: bool = True

    @property
    def every_output_supervised(self) -> bool:
        """Whether every output is told apart from the others by labels or pseudo-labels."""
        return self.y_sup is not None and self.every_output

    @property
    def supervised_inputs(self) -> list[Tensor]:
        """The supervised inputs of the batch: pseudo-labelled points, then points of linked pairs, if any."""
        return [x for x in (self.x_sup, self.x_linked) if x is not None]

    def supervised_terms(self, logits: list[Tensor]) -> dict[str, tuple[float, Tensor]]:
        """Return each term as (weight, value [M]), from the logits [M, B, k] of the `supervised_inputs`."""
        of_each = iter(logits)
        terms = dict[str, tuple[float, Tensor]]()
        if self.y_sup is not None:
            loss = cross_entropy if self.every_output else partial_label_loss
            terms["supervised"] = (1.0, loss(next(of_each), self.y_sup))
        if self.relation is not None:
            # "kinds": alike and unlike pairs have equal weight, because with k classes most pairs are unlike.
            log_p = log_softmax(next(of_each), dim=-1)
            terms["linked"] = (1.0, pair_loss(log_p, self.relation, MARGIN, "kinds", self.certainty))
        return terms


class Base(Protocol):
    """A base model: its hyper-parameters, the network that they define, and its objective."""

    def build(
        self, n_features: int, n_clusters: int, generators: list[torch.Generator], precision: str
    ) -> Any:
        """Build a stack (an `nn.Module`) of ``len(generators)`` networks.

        Every parameter and buffer has the shape [M, ...], so that one model's can be saved alone and loaded
        into another stack. Each model draws its initial weights from its own generator, on the CPU.
        ``precision`` is that of the matrix products, see `kingdra_repro.networks.products`.

        ``forward(x [M or 1, B, d])`` of the stack returns logits [M, B, k]. Its batch norm uses the
        population's moments, which ``set_moments(chunks)`` must have computed. ``features(x)`` returns the
        last hidden layer [M, B, width] of the same pass.
        """
        ...

    def n_weights(self, n_features: int, n_clusters: int) -> int:
        """Return the number of weights in the matrices of one model, with which the work of a step grows."""
        ...

    def radii(self, X: Matrix, device: torch.device) -> np.ndarray | None:
        """Compute one number per row of X [n, d] for the objective, float32 [n], or None if it needs none.

        ``device`` is the device to compute on.
        """
        ...

    def sample_noise(
        self, network: Any, n_rows: int, n_supervised: int, generators: list[torch.Generator]
    ) -> list[Tensor]:
        """Draw standard normal numbers for one step, for each model from its own generator, on its device.

        ``n_supervised`` is the number of `Batch.supervised_inputs`.
        """
        ...

    def losses(self, network: Any, batch: Batch) -> dict[str, Tensor]:
        """Compute the objective and its terms on one batch, each a Tensor [M].

        ``loss`` is the weighted sum that is minimised; the other entries are its terms, unweighted. On a GPU
        a step is recorded as a CUDA graph, so nothing here may wait for the GPU (``.item()``, ``.cpu()``, a
        shape that depends on values).
        """
        ...


def with_total(terms: dict[str, tuple[float, Tensor]]) -> dict[str, Tensor]:
    """Return ``loss``, the sum of weight * value over terms (weight, value [M]), and the values by name."""
    total = torch.stack([weight * value for weight, value in terms.values()]).sum(0)
    return {"loss": total, **{name: value for name, (_, value) in terms.items()}}


def mixed(members: Mapping[str, "partial[Base]"], **shared: Any) -> list[Base]:
    """Return the bases that are assigned in turn to the models of an ensemble.

    Parameters
    ----------
    members : the class of each base with its own settings, as a ``partial``, by a name that the user chooses
    shared : settings of all bases; a base's own settings win

    Examples
    --------
    >>> from functools import partial
    >>> from kingdra_repro.bases import LadderDot, LadderIM
    >>> kinds = {"im": partial(LadderIM), "noisy": partial(LadderDot, noise_std=0.6)}
    >>> [base.noise_std for base in mixed(kinds, noise_std=0.3)]
    [0.3, 0.6]
    """
    return [member.func(**{**shared, **member.keywords}) for member in members.values()]
