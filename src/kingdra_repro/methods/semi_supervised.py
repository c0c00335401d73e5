"""Semi-supervised learning: one model that is trained with the classes of some points."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from sklearn.base import ClassifierMixin

from kingdra_repro.bases import Base
from kingdra_repro.data.streamed import Matrix
from kingdra_repro.methods.ensemble import Single
from kingdra_repro.methods.ensemble_fit import PhaseResult
from kingdra_repro.methods.given_labels import Supervision, validate_labels
from kingdra_repro.training.outputs import Outputs


@dataclass(eq=False, repr=False, kw_only=True)
class SemiSupervised(ClassifierMixin, Single):
    """One model trained with the classes of some points, the original use of ladder networks.

    Each step trains on an unsupervised batch and on a batch of labelled points, equally many of each class.
    ``base="ladder"`` is the network of Rasmus et al. (2015); bases that find clusters (``ladder_im``) also
    learn from their own loss terms. ``fit`` needs a label of each class; linked pairs add a loss term.

    Parameters
    ----------
    n_clusters : int, default=8
        k, the number of classes.
    base : str or Base, default="ladder"
        The base model; see `Kingdra`.
    epochs : int, default=100
        Passes over all points.
    decay_epochs : see `Ensemble`
    batch_size, learning_rate, precision, compile : see `Kingdra`
    device, random_state, checkpoint_dir, monitor, verbose : see `Kingdra`

    Attributes
    ----------
    labels_ : int64 array [n]
        The class of each point as predicted by the model, for labelled points, too.
    classes_ : int64 array [k], 0..k-1
    history_ : DataFrame, one row
    n_features_in_ : int

    See Also
    --------
    Single : The same model without labels.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from kingdra_repro.methods import SemiSupervised
    >>> X, y = load_digits(return_X_y=True)
    >>> X, y = X[:200] / 16, y[:200]
    >>> y[100:] = -1  # the others are given no label
    >>> model = SemiSupervised(n_clusters=10, epochs=1, random_state=0)
    >>> model.fit_predict(X, y).shape
    (200,)
    """

    base: str | Base = "ladder"
    epochs: int = 100
    # With labelled batches, rows are shuffled in each epoch, as in the iterations of Kingdra.
    order: str = field(default="epoch", init=False)

    def _checked_labels(self, y: Any, n: int) -> np.ndarray:
        return validate_labels(y, n, self.n_clusters)

    def _fit_validated(self, X: Matrix, supervision: Supervision) -> None:
        self.classes_ = np.arange(self.n_clusters)
        super()._fit_validated(X, supervision)

    def _phase_metrics(self, result: PhaseResult) -> dict[str, Any]:
        return result.losses  # agreement needs several models

    def _set_answer(self, outputs: Outputs, supervision: Supervision) -> None:
        """Use the outputs as classes: nothing is aligned, and labels do not replace predictions."""
        self._alignment = torch.arange(self.n_clusters)[None]
        self.labels_ = outputs.predictions[0].long().numpy()
        self.model_labels_ = self.labels_[None]
