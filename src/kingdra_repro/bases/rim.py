"""Information maximization: the base class of RIM and IMSAT, and RIM itself."""

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kingdra_repro.bases.base import Batch, with_total
from kingdra_repro.checks import as_tuple, check_numbers, check_widths
from kingdra_repro.data.streamed import Matrix
from kingdra_repro.networks.perceptron import Perceptron
from kingdra_repro.objectives import mutual_information_loss, squared_length


@dataclass(frozen=True)
class InformationMaximization:
    """R(theta) + w_mi [H(Y|X) - mu H(Y)]; the subclass defines the regulariser R (Eq. 5; Krause et al. 2010).

    Parameters
    ----------
    hidden : widths of the hidden layers; if empty, the model is softmax regression
    w_mi : weight of the mutual information
    mu : weight of the marginal entropy H(Y) within the term: 4 in IMSAT's public code
    """

    hidden: tuple[int, ...] = (1200, 1200)
    w_mi: float = 0.1
    mu: float = 4.0

    def __post_init__(self) -> None:
        # A list from a config becomes a tuple, so that equal bases compare equal.
        object.__setattr__(self, "hidden", as_tuple("hidden", self.hidden))
        check_widths(self.hidden)
        check_numbers(self)

    def build(
        self, n_features: int, n_clusters: int, generators: list[torch.Generator], precision: str
    ) -> Perceptron:
        return Perceptron(n_features, n_clusters, self.hidden, generators, precision)

    def n_weights(self, n_features: int, n_clusters: int) -> int:
        return sum(a * b for a, b in itertools.pairwise((n_features, *self.hidden, n_clusters)))

    def radii(self, X: Matrix, device: torch.device) -> np.ndarray | None:
        return None

    def output_terms(
        self, clean: Tensor, supervised: list[Tensor], batch: Batch
    ) -> dict[str, tuple[float, Tensor]]:
        """Return (weight, value [M]) of the mutual information and of the supervised terms.

        Parameters
        ----------
        clean : logits [M, B, k] of batch.x
        supervised : logits [M, B, k] of each of ``batch.supervised_inputs``
        batch : Batch
        """
        mi = mutual_information_loss(clean, self.mu)
        return {"mi": (self.w_mi, mi), **batch.supervised_terms(supervised)}


@dataclass(frozen=True)
class RIM(InformationMaximization):
    """RIM: weight_decay / 2 ||theta||^2 + w_mi [H(Y|X) - mu H(Y)], with a plain network.

    Deep RIM is a baseline of Hu et al. (2017): IMSAT's network with weight decay instead of perturbations.
    ``hidden=()`` is linear RIM, the model of Krause et al.

    Parameters
    ----------
    hidden, w_mi, mu : see `InformationMaximization`
    weight_decay : decay of the matrices, gamma and beta, but not of the output bias, which H(Y) controls.
        Batch norm cancels the scale of a hidden layer's matrix, so gamma and beta determine how large its
        outputs are. Without decay they would make up for a small last matrix: outputs could become
        arbitrarily steep, and the clusters would follow the data less. Chainer, in which IMSAT is written,
        decays every parameter as well. Hu et al. published no code for RIM, so the values are ours. With
        IMSAT's weight of mutual information (0.1), some of the ten clusters of the digits stay empty.
        Outputs that are all uniform are a stationary point. The weights leave it only if the decay is below
        w_mi times the variance of the data along some direction, divided by k: on tf-idf rows of length 1,
        linear RIM stays there with 0.005 (its loss does not change), and leaves it with 0.0001.

    References
    ----------
    Krause, Perona, Gomes (2010), Discriminative Clustering by Regularized Information Maximization, NeurIPS.
    """

    w_mi: float = 1.0
    weight_decay: float = 0.005

    def sample_noise(
        self, network: Perceptron, n_rows: int, n_supervised: int, generators: list[torch.Generator]
    ) -> list[Tensor]:
        return []

    def losses(self, network: Perceptron, batch: Batch) -> dict[str, Tensor]:
        """See `kingdra_repro.bases.base.Base.losses`."""
        clean, *supervised = network.encode([batch.x, *batch.supervised_inputs])
        decayed = [*network.weights, *network.gamma, *network.beta]
        squares = [squared_length(parameter) for parameter in decayed]
        return with_total(
            {
                "squared_weights": (self.weight_decay / 2, torch.stack(squares).sum(0)),
                **self.output_terms(clean, supervised, batch),
            }
        )
