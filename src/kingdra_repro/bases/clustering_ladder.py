"""Ladder networks that cluster: Ladder-IM and Ladder-Dot (paper, section 4.1)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from kingdra_repro.bases.base import Batch
from kingdra_repro.bases.ladder import DenoisingLadder
from kingdra_repro.checks import check_parameters, choice
from kingdra_repro.networks.ladder import LadderNetwork
from kingdra_repro.objectives import (
    dot_product_loss,
    kl_divergence,
    mutual_information_loss,
    normalized_dot_product_loss,
)


@dataclass(frozen=True)
class ClusteringLadder(DenoisingLadder):
    """Ladder-*: denoising (Eq. 7) + KL of clean and noisy outputs (Eq. 10) + clustering terms (Eq. 11).

    As in the public code, the KL term is KL(clean || noisy), and the clean outputs are not differentiated;
    Eq. 10 has KL(noisy || clean).

    The network and the defaults are those of the public code for MNIST. The paper sets all weights to 1
    (appendix B).

    Parameters
    ----------
    last_layer_bn : whether the outputs have batch norm, too
    w_kl : weight of the KL term
    hidden, noise_std, denoising_costs, w_denoise : see `DenoisingLadder`
    """

    hidden: tuple[int, ...] = (1200, 1200)
    last_layer_bn: bool = False
    w_kl: float = 1.0

    def build(
        self, n_features: int, n_clusters: int, generators: list[torch.Generator], precision: str
    ) -> LadderNetwork:
        return LadderNetwork(
            n_features, n_clusters, self.hidden, self.noise_std, self.last_layer_bn, generators, precision
        )

    def output_terms(self, clean: Tensor, noisy: Tensor, batch: Batch) -> dict[str, tuple[float, Tensor]]:
        """Return the KL term; subclasses add terms that keep outputs apart.

        See `DenoisingLadder.output_terms`.
        """
        # The clean outputs are the target; as in the public code they are not differentiated.
        return {"kl": (self.w_kl, kl_divergence(clean.detach(), noisy))}


@dataclass(frozen=True)
class LadderIM(ClusteringLadder):
    """Ladder-IM: denoising + w_kl KL(clean || noisy) + w_mi [MI loss of clean + MI loss of noisy outputs].

    Parameters
    ----------
    w_mi : weight of the mutual information: 0.1 to 1 in the public code's configs, 1 in the paper
    w_mi_later : the weight while all outputs have pseudo-labels; None: ``w_mi``. The public code uses it from
        its second iteration on, with or without pseudo-labels
    mu : weight of the marginal entropy H(Y) within the term: 4 in the public code, 1 in the paper
    """

    w_mi: float = 0.1
    w_mi_later: float | None = None
    mu: float = 4.0

    def output_terms(self, clean: Tensor, noisy: Tensor, batch: Batch) -> dict[str, tuple[float, Tensor]]:
        later = self.w_mi if self.w_mi_later is None else self.w_mi_later
        weight = later if batch.every_output_supervised else self.w_mi
        return {
            **super().output_terms(clean, noisy, batch),
            "mi_clean": (weight, mutual_information_loss(clean, self.mu)),
            "mi_noisy": (weight, mutual_information_loss(noisy, self.mu)),
        }


_FORMS = {"raw": dot_product_loss, "normalised": normalized_dot_product_loss}


@dataclass(frozen=True)
class LadderDot(ClusteringLadder):
    """Ladder-Dot: denoising + w_kl KL(clean || noisy) + w_dot [dot-product loss of clean + of noisy outputs].

    Parameters
    ----------
    w_dot : weight of the dot products; the public code's configs give no value, the paper's text only a
        general one
    w_dot_later : the weight while all outputs have pseudo-labels; None: ``w_dot``. The public code uses it
        from its second iteration on, with or without pseudo-labels
    form : "normalised" (default): outputs are scaled to length 1, and the matrix of their products is driven
        to the identity, as in the public code. "raw": the outputs as they are, which is Eq. 12 literally. The
        raw loss is hardly larger for uninformative outputs (all 1/k) than for balanced one-hot outputs, which
        it should lead to; the normalised form separates the two, which is why it is the default.
    """

    w_dot: float = 1.0
    w_dot_later: float | None = None
    form: str = "normalised"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_parameters(self, {"form": choice(*_FORMS)})

    def output_terms(self, clean: Tensor, noisy: Tensor, batch: Batch) -> dict[str, tuple[float, Tensor]]:
        later = self.w_dot if self.w_dot_later is None else self.w_dot_later
        weight = later if batch.every_output_supervised else self.w_dot
        dot = _FORMS[self.form]
        return {
            **super().output_terms(clean, noisy, batch),
            "dot_clean": (weight, dot(clean)),
            "dot_noisy": (weight, dot(noisy)),
        }
