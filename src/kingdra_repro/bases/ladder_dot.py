"""Ladder-Dot: the ladder network with the dot-product loss (paper, appendix B, Eq. 12)."""

from dataclasses import dataclass

from torch import Tensor

from kingdra_repro.bases.clustering_ladder import ClusteringLadder
from kingdra_repro.errors import InputError
from kingdra_repro.objectives import dot_product_loss, normalized_dot_product_loss

_FORMS = {"raw": dot_product_loss, "normalised": normalized_dot_product_loss}


@dataclass(frozen=True)
class LadderDot(ClusteringLadder):
    """denoising + w_kl KL(clean || noisy) + w_dot [dot-product loss of the clean + of the noisy outputs].

    Parameters
    ----------
    w_dot : weight of the dot products; the public code's configs give none, the paper's text a general one
    w_dot_later : the weight beside pseudo-labels; None: unchanged. In the public code it holds from its
        second iteration on, whether there are any or not
    form : "normalised" (default): outputs scaled to length 1, their products driven to the identity, as in
        the public code; or "raw": the outputs as they are, the letter of Eq. 12. Raw products are hardly
        larger for outputs that say nothing (all 1/k) than for balanced one-hot outputs, which they should
        lead to; the normalised form tells them apart, which is why it is the default.
    """

    w_dot: float = 1.0
    w_dot_later: float | None = None
    form: str = "normalised"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.form not in _FORMS:
            raise InputError(f"base.form={self.form} is unknown: choose one of {', '.join(_FORMS)}")

    def clustering_terms(
        self, clean: Tensor, noisy: Tensor, supervised: bool
    ) -> dict[str, tuple[float, Tensor]]:
        weight = self.w_dot_later if supervised and self.w_dot_later is not None else self.w_dot
        dot = _FORMS[self.form]
        return {"dot_clean": (weight, dot(clean)), "dot_noisy": (weight, dot(noisy))}
