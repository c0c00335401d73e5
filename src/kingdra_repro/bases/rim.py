"""Information maximization: what RIM and IMSAT share, and RIM itself."""

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
    """R(theta) + w_mi [H(Y|X) - mu H(Y)], with a regulariser R of the subclass (Eq. 5; Krause et al. 2010).

    Parameters
    ----------
    hidden : widths of the hidden layers; none makes softmax regression
    w_mi : weight of the mutual information
    mu : weight of the marginal entropy H(Y) within the term: 4 in IMSAT's public code
    """

    hidden: tuple[int, ...] = (1200, 1200)
    w_mi: float = 0.1
    mu: float = 4.0

    def __post_init__(self) -> None:
        # A list from a config becomes a tuple: equal bases are alike.
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
        """(weight, value [M]) of the terms of the clean outputs.

        Parameters
        ----------
        clean : logits [M, B, k]
        supervised : logits [M, B, k] of each of the inputs ``batch.supervised_inputs``
        batch : Batch
        """
        mi = mutual_information_loss(clean, self.mu)
        return {"mi": (self.w_mi, mi), **batch.supervised_terms(supervised)}


@dataclass(frozen=True)
class RIM(InformationMaximization):
    """weight_decay / 2 ||theta||^2 + w_mi [H(Y|X) - mu H(Y)]: mutual information of a plain network.

    Deep RIM is the comparison of Hu et al. (2017): IMSAT's network with weight decay in place of the
    perturbations. ``hidden=()`` is linear RIM, the model of Krause et al.

    Parameters
    ----------
    hidden, w_mi, mu : see `InformationMaximization`
    weight_decay : of the matrices, gamma and beta; the output's bias, which H(Y) holds, is left alone. Batch
        norm takes the length of a hidden layer's matrix away, so gamma and beta say how large its outputs
        are. Without their decay they make up for a small last matrix, outputs get as steep as they like,
        and the clusters follow the data less. Chainer, which IMSAT is written in, decays every parameter as
        well. Hu et al. published no code for RIM: the values are ours. With IMSAT's weight of mutual
        information (0.1), some of the digits' ten clusters stay empty.
        Outputs that are all uniform are a stationary point, which weights leave only if the decay is below
        w_mi times the variance of the data along some direction, over k: on tf-idf rows of length 1, linear
        RIM stays there with 0.005 (its loss does not move), and leaves it with 0.0001.

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
