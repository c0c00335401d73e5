"""Ladder-IM: the ladder network with mutual information (paper, appendix B, Eq. 9 and 11)."""

from dataclasses import dataclass

from torch import Tensor

from kingdra_repro.bases.clustering_ladder import ClusteringLadder
from kingdra_repro.objectives import mutual_information_loss


@dataclass(frozen=True)
class LadderIM(ClusteringLadder):
    """denoising + w_kl KL(clean || noisy) + w_mi [MI loss of the clean + MI loss of the noisy outputs].

    Parameters
    ----------
    w_mi : weight of the mutual information: 0.1 to 1 in the public code's configs, 1 in the paper
    w_mi_later : the weight beside pseudo-labels; None: unchanged. In the public code it holds from its
        second iteration on, whether there are any or not
    mu : weight of the marginal entropy H(Y) within the term: 4 in the public code, 1 in the paper
    """

    w_mi: float = 0.1
    w_mi_later: float | None = None
    mu: float = 4.0

    def clustering_terms(
        self, clean: Tensor, noisy: Tensor, supervised: bool
    ) -> dict[str, tuple[float, Tensor]]:
        weight = self.w_mi_later if supervised and self.w_mi_later is not None else self.w_mi
        return {
            "mi_clean": (weight, mutual_information_loss(clean, self.mu)),
            "mi_noisy": (weight, mutual_information_loss(noisy, self.mu)),
        }
