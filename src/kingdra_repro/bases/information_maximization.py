"""What RIM and IMSAT share: a perceptron, and the mutual information of its inputs and outputs."""

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor

from kingdra_repro.bases.numbers import check_numbers
from kingdra_repro.bases.widths import as_tuple, check_widths
from kingdra_repro.networks.perceptron import Perceptron
from kingdra_repro.objectives import cross_entropy, mutual_information_loss


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

    def output_terms(
        self, clean: Tensor, supervised: list[Tensor], y_sup: Tensor | None
    ) -> dict[str, tuple[float, Tensor]]:
        """(weight, value [M]) of the terms of the clean outputs.

        Parameters
        ----------
        clean : logits [M, B, k]
        supervised : logits [M, B, k] of the pseudo-labelled points, or none
        y_sup : LongTensor [M, B], what these should be, or None
        """
        terms = {"mi": (self.w_mi, mutual_information_loss(clean, self.mu))}
        if y_sup is not None:
            terms["supervised"] = (1.0, cross_entropy(supervised[0], y_sup))
        return terms
