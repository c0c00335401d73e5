"""The interface of base models: what the training loop asks of them, and the batch that it gives them."""

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
from kingdra_repro.objectives import cross_entropy, some_classes_loss


@dataclass(frozen=True)
class Batch:
    """What a stack of M models sees in one training step.

    Attributes
    ----------
    x : Tensor [M, B, d], the unsupervised batch of each model
    noise : standard normal tensors, from the base's ``sample_noise``
    x_sup, y_sup : Tensor [M, B, d] and LongTensor [M, B], pseudo-labelled points and their outputs, or None;
        -1 for points without one
    every_output : bool, whether each output has pseudo-labelled points
    x_linked : Tensor [M, B, d], points of linked pairs, or None
    relation, certainty : Tensors [M, B, B], which of these belong together or apart, and how surely; see
        `kingdra_repro.networks.pair_loss`
    radius : Tensor [M, B], what the base's ``radii`` gave for the rows of x, or None
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
        """Whether labels or pseudo-labels tell each output apart from the others."""
        return self.y_sup is not None and self.every_output

    @property
    def supervised_inputs(self) -> list[Tensor]:
        """The supervised inputs: pseudo-labelled points and points of linked pairs, where there are any."""
        return [x for x in (self.x_sup, self.x_linked) if x is not None]

    def supervised_terms(self, logits: list[Tensor]) -> dict[str, tuple[float, Tensor]]:
        """(weight, value [M]) of the supervised terms, from the logits [M, B, k] of each of these inputs."""
        of_each = iter(logits)
        terms = dict[str, tuple[float, Tensor]]()
        if self.y_sup is not None:
            loss = cross_entropy if self.every_output else some_classes_loss
            terms["supervised"] = (1.0, loss(next(of_each), self.y_sup))
        if self.relation is not None:
            # Alike and unlike pairs weigh the same: of k classes most pairs are unlike.
            log_p = log_softmax(next(of_each), dim=-1)
            terms["linked"] = (1.0, pair_loss(log_p, self.relation, MARGIN, "kinds", self.certainty))
        return terms


class Base(Protocol):
    """A base model: hyper-parameters, the network they make, and its objective."""

    def build(
        self, n_features: int, n_clusters: int, generators: list[torch.Generator], precision: str
    ) -> Any:
        """Build a stack (an `nn.Module`) of ``len(generators)`` networks.

        Each of its parameters and buffers is [M, ...]: a model's are saved, and loaded into another stack, by
        themselves. Each draws its weights from its own generator, on the CPU. ``precision`` is that of the
        matrix products, see `kingdra_repro.networks.products`.

        Its ``forward(x [M or 1, B, d])`` gives logits [M, B, k] with the population's moments, which
        ``set_moments(chunks)`` computes first; ``features(x)`` the last hidden layer [M, B, width] of that
        pass.
        """
        ...

    def n_weights(self, n_features: int, n_clusters: int) -> int:
        """Weights in the matrices of one model: what the work of a step grows with."""
        ...

    def radii(self, X: Matrix, device: torch.device) -> np.ndarray | None:
        """One number a row of X [n, d] that the objective needs, float32 [n], or None.

        ``device`` is where to compute it.
        """
        ...

    def sample_noise(
        self, network: Any, n_rows: int, n_supervised: int, generators: list[torch.Generator]
    ) -> list[Tensor]:
        """Draw standard normal numbers for one step, each model's from its own generator (on its device).

        ``n_supervised`` is the number of `Batch.supervised_inputs`.
        """
        ...

    def losses(self, network: Any, batch: Batch) -> dict[str, Tensor]:
        """Compute the terms of the objective on one batch: Tensors [M].

        ``loss`` is the weighted sum that is minimised; the others are its terms, unweighted. On a GPU a step
        is recorded as a CUDA graph: nothing here may wait for the GPU (``.item()``, ``.cpu()``, a shape that
        depends on values).
        """
        ...


def with_total(terms: dict[str, tuple[float, Tensor]]) -> dict[str, Tensor]:
    """``loss``, the sum of weight * value over (weight, value [M]), and the values by their names."""
    total = torch.stack([weight * value for weight, value in terms.values()]).sum(0)
    return {"loss": total, **{name: value for name, (_, value) in terms.items()}}


def mixed(members: Mapping[str, "partial[Base]"], **shared: Any) -> list[Base]:
    """Return the bases that the models of an ensemble take in turn.

    Parameters
    ----------
    members : for each, by a name of the user's, its class with the settings that set it apart
    shared : settings that all have; a member's own win

    Examples
    --------
    >>> from functools import partial
    >>> from kingdra_repro.bases import LadderDot, LadderIM
    >>> kinds = {"im": partial(LadderIM), "noisy": partial(LadderDot, noise_std=0.6)}
    >>> [base.noise_std for base in mixed(kinds, noise_std=0.3)]
    [0.3, 0.6]
    """
    return [member.func(**{**shared, **member.keywords}) for member in members.values()]
