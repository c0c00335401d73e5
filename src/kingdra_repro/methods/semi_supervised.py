"""Semi-supervised learning: one model that is given the classes of some points."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from sklearn.base import ClassifierMixin

from kingdra_repro.bases import Base
from kingdra_repro.data.streamed import Matrix
from kingdra_repro.methods.ensemble import Single
from kingdra_repro.methods.ensemble_fit import Trained
from kingdra_repro.methods.given_labels import Given, check_given
from kingdra_repro.training.outputs import Outputs


@dataclass(eq=False, repr=False, kw_only=True)
class SemiSupervised(ClassifierMixin, Single):
    """One model trained with the classes of some points: the ladder network's own use (Rasmus et al., 2015).

    Beside each unsupervised batch it is shown one of labelled points, as many of each class.
    ``base="ladder"`` is the network of Rasmus et al.; the bases that find clusters (``ladder_im``) learn from
    their own terms, too. ``fit`` wants a label of each class; linked pairs are a further term of the loss.

    Parameters
    ----------
    n_clusters : int, default=8
        k, the number of classes.
    epochs : int, default=100
        Passes over all points.
    base, batch_size, learning_rate, decay_epochs, precision, compile, device, random_state, checkpoint_dir,
        monitor, verbose : as of `Ensemble`.

    Attributes
    ----------
    labels_ : int64 array [n]
        The class of each point as the model sees it, of the labelled ones too.
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
    # Of batches beside labelled ones, as in the iterations of Kingdra.
    order: str = field(default="epoch", init=False)

    def _checked_labels(self, y: Any, n: int) -> np.ndarray:
        return check_given(y, n, self.n_clusters)

    def _fit_given(self, X: Matrix, given: Given) -> None:
        self.classes_ = np.arange(self.n_clusters)
        super()._fit_given(X, given)

    def _facts(self, trained: Trained) -> dict[str, Any]:
        return trained.losses  # one model has nobody to agree with

    def _set_answer(self, outputs: Outputs, given: Given) -> None:
        """Take outputs for classes: there is nothing to align, and no label is put in their place."""
        self._alignment = torch.arange(self.n_clusters)[None]
        self.labels_ = outputs.predictions[0].long().numpy()
        self.model_labels_ = self.labels_[None]
