"""The loss of a constrained autoencoder on a mini-batch, and the centres that it updates."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kingdra_repro.checks import invalid_value, is_number
from kingdra_repro.methods.constrained_batches import ConstrainedBatches
from kingdra_repro.networks.autoencoder import BoundedAutoencoder
from kingdra_repro.networks.convolutional_autoencoder import ConvolutionalAutoencoder
from kingdra_repro.networks.pair_loss import log_assignment, pair_loss, relations, squared_distances
from kingdra_repro.training.rows import Rows

ROWS_AT_ONCE = 512  # in a forward pass without training: the activations of images need much memory


class ConstrainedLoss:
    """The loss of Eq. 3 of the second document (Baboota), with Eqs. 18 to 20 for the centres.

    Pairs and assignments use the centres before the step. The distances of L_cluster use the centres after
    it, through which gradients reach the codes.

    Parameters
    ----------
    rows : all points
    labels : int64 array [n], -1 for points without a label
    batches : splits a mini-batch into its parts
    margin, balance : see `kingdra_repro.networks.pair_loss.pair_loss`
    pair_classes : function of the row indices [B] and log p [B, k] of points without a label, which returns
        the classes that their pairs are made of, int64 [B], -1 for none
    """

    def __init__(
        self,
        network: ConvolutionalAutoencoder | BoundedAutoencoder,
        rows: Rows,
        labels: np.ndarray,
        batches: ConstrainedBatches,
        margin: float,
        balance: str,
        pair_classes: Callable[[Tensor, Tensor], Tensor],
    ) -> None:
        self.network, self.rows = network, rows
        self.labels = torch.from_numpy(labels).to(rows.device)
        self.batches = batches
        self.margin, self.balance, self.pair_classes = margin, balance, pair_classes
        self.n_clusters = int(labels.max()) + 1
        self.reset_centres()

    def reset_centres(self) -> None:
        """Reset centres to the class means of labelled codes (Eq. 18), and both counts to the class sizes."""
        labelled = (self.labels >= 0).nonzero()[:, 0]
        with torch.no_grad():
            code = torch.cat([self.network(self.rows[part]) for part in labelled.split(ROWS_AT_ONCE)])
        self.centres, count = class_means(code, self.labels[labelled], self.n_clusters)
        self.counts = torch.stack([count, count])  # of labelled and of unlabelled points

    def __call__(self, batch: Tensor, weight: float) -> dict[str, Tensor]:
        """Compute the terms and ``loss`` of a batch of rows, with ``weight`` as lambda; move the centres."""
        x = self.rows[batch]
        code = self.network(x)
        z_u, z_l, z_linked = self.batches.parts(code)
        rows_u, rows_l, rows_linked = self.batches.parts(batch)
        classes = self.labels[rows_l]
        log_p_u, log_p_l = log_assignment(z_u, self.centres), log_assignment(z_l, self.centres)
        assigned = log_p_u.detach().argmax(1)
        terms = {
            "pairwise_labelled": self._pairwise(log_p_l, relations(classes)),
            "pairwise_unlabelled": self._pairwise(
                log_p_u, relations(self.pair_classes(rows_u, log_p_u.detach()))
            ),
        }
        if self.batches.linked is not None:
            log_p_linked = log_assignment(z_linked, self.centres)
            terms["pairwise_linked"] = self._pairwise(
                log_p_linked, *self.batches.linked.relations(rows_linked)
            )

        counts = list(self.counts)
        centres, counts[0] = update_centres(self.centres, counts[0], z_l, classes)
        if weight > 0:
            centres, counts[1] = update_centres(centres, counts[1], z_u, assigned)
        terms["clustering_labelled"] = _distance(z_l, centres, classes)
        terms["clustering_unlabelled"] = _distance(z_u, centres, assigned)
        self.centres, self.counts = centres.detach(), torch.stack(counts)

        terms["reconstruction"] = self._reconstruction(x, code, len(z_u))
        of_unlabelled = terms["pairwise_unlabelled"] + terms["clustering_unlabelled"]
        others = [value for name, value in terms.items() if not name.endswith("_unlabelled")]
        return {"loss": torch.stack(others).sum() + weight * of_unlabelled, **terms}

    def state(self) -> dict[str, Any]:
        """Return the state for a checkpoint: the network, the centres and their counts."""
        return {"network": self.network.state_dict(), "centres": self.centres, "counts": self.counts}

    def load(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.centres = state["centres"].to(self.rows.device)
        self.counts = state["counts"].to(self.rows.device)

    def _pairwise(self, log_p: Tensor, relation: Tensor, weight: Tensor | None = None) -> Tensor:
        return pair_loss(log_p, relation, self.margin, self.balance, weight)

    def _reconstruction(self, x: Tensor, code: Tensor, n_unlabelled: int) -> Tensor:
        """Compute Eq. 4: the mean over unlabelled points, labelled points and partners, as in public code."""
        half = self.batches.labelled_size
        seen = n_unlabelled + 2 * half  # linked pairs come after these and are left out
        error = (self.network.reconstruct(code[:seen]) - self.network.scale * x[:seen]).square().mean(1)
        return torch.stack([part.mean() for part in error.split([n_unlabelled, half, half])]).mean()


def class_means(z: Tensor, classes: Tensor, n_clusters: int) -> tuple[Tensor, Tensor]:
    """Compute the mean [k, c] and the number [k] of the codes z [n, c] of each class (Eq. 18).

    As printed, the equation is the mean of all labelled points of any class; X^L must mean X_k^L.
    """
    total, count = _sums(z, classes, n_clusters)
    return total / count.clamp(min=1)[:, None], count


def update_centres(centres: Tensor, count: Tensor, z: Tensor, assigned: Tensor) -> tuple[Tensor, Tensor]:
    """Return the centres after they have moved to codes z (Eq. 19 or 20), and the new counts.

    A point moves its cluster's centre by mu <- mu - (mu - z) / N, where N is the number of points that the
    centre has seen, including this one. If it had seen N points before, m points in turn move it to exactly

        mu' = (N mu + sum z) / (N + m),    N' = N + m,

    the mean of all codes that it has seen, so no loop is needed.

    Parameters
    ----------
    centres : Tensor [k, c]
    count : Tensor [k], the number of points that each centre has seen
    z : Tensor [m, c]
    assigned : int64 Tensor [m], the cluster 0..k-1 of each code

    Returns
    -------
    centres : Tensor [k, c], differentiable with respect to z
    count : Tensor [k]
    """
    total, new = _sums(z, assigned, len(centres))
    later = count + new
    # mu' as above, in a form that keeps the digits of mu if N is large.
    return centres + (total - new[:, None] * centres) / later.clamp(min=1)[:, None], later


def _sums(z: Tensor, classes: Tensor, n_clusters: int) -> tuple[Tensor, Tensor]:
    """Return the sum and the number of codes of each class; a matrix product, for a fixed summation order."""
    member = torch.nn.functional.one_hot(classes, n_clusters).to(z.dtype)
    return member.T @ z, member.sum(0)


def _distance(z: Tensor, centres: Tensor, assigned: Tensor) -> Tensor:
    """Compute the mean squared distance of codes to centres: Eqs. 5 and 6, squared as in the public code."""
    return squared_distances(z, centres).gather(1, assigned[:, None]).mean()


def balancing(epoch: int, annealing: tuple[float, float], final: float) -> float:
    """Compute lambda in an epoch (counted from 1): 0 before T1, ``final`` after T2, linear in between."""
    first, last = annealing
    if epoch > last:
        return final
    return 0.0 if epoch < first or first == last else final * (epoch - first) / (last - first)


def check_annealing(name: str, value: Any) -> None:
    """Raise InputError unless the value is a pair of epochs (T1, T2) with 0 <= T1 <= T2."""
    numbers = isinstance(value, Sequence) and all(is_number(one) for one in value)
    if not numbers or len(value) != 2 or not 0 <= value[0] <= value[1]:
        raise invalid_value("two epochs, the earlier one first, such as [4, 40]", name, value)
