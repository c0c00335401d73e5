"""DEC: deep embedded clustering (Xie, Girshick, Farhadi 2016)."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from sklearn.cluster import KMeans
from torch import Tensor, nn
from torch.nn.functional import kl_div

from kingdra_repro.checks import Check, fraction, integer, positive
from kingdra_repro.methods.autoencoder import AutoencoderClusterer
from kingdra_repro.methods.network_clusterer import outputs
from kingdra_repro.methods.network_fit import NetworkFit
from kingdra_repro.networks.pair_loss import squared_distances
from kingdra_repro.training.batches import batch_slices
from kingdra_repro.training.rows import Rows


@dataclass(eq=False, repr=False, kw_only=True)
class DEC(AutoencoderClusterer):
    """Deep embedded clustering: an autoencoder whose encoder is trained further to sharpen soft clusters.

    After the autoencoder is trained, two steps alternate: a target distribution p is computed from the soft
    assignments q of all points (Eq. 3), and the encoder and the centres are trained on KL(p || q) for
    ``update_interval`` steps. This ends when fewer than ``tol`` of the points change their cluster between
    two targets, or after ``max_iter`` steps.

    Differences from the authors' work: the network is d - 1200 - 1200 - k, as for the other methods of the
    comparison, instead of d - 500 - 500 - 2000 - 10. The autoencoder is trained end to end with Adam and
    masking noise on its input, instead of layer by layer and then fine-tuned with SGD (50,000 steps per
    layer, then 100,000, all with batches of 256 points). Batches are reshuffled in each pass.

    Parameters
    ----------
    masking : float, default=0.2
        Fraction of the input features that are set to 0 while the autoencoder is trained.
    epochs : int, default=200
        Passes over the data to train the autoencoder.
    learning_rate : float, default=0.001
        Learning rate of Adam, which trains the autoencoder.
    n_init : int, default=20
        Restarts of K-means, which gives the initial centres.
    clustering_learning_rate, momentum : float, default=0.01 and 0.9
        Learning rate and momentum of SGD on KL(p || q).
    update_interval : int, default=140
        Steps between two targets. 140 is usual for MNIST in later implementations; the authors' code was not
        consulted.
    tol : float, default=0.001
        Training ends when a smaller fraction of the points changes its cluster between two targets.
    max_iter : int, default=20000
        Maximum number of steps on KL(p || q).
    n_clusters, hidden, batch_size, precision : see `DAEKMeans`
    device, random_state, checkpoint_dir, monitor, verbose : see `Kingdra`

    Attributes
    ----------
    labels_ : int64 array [n]
    history_ : DataFrame
        One row per epoch of the autoencoder with its ``loss``, then one row per target: ``kl`` is the mean
        KL(p || q) per point over the steps since the last target, and ``changed`` the fraction of points
        whose cluster has changed since the last target.
    n_iter_ : int
        Number of steps on KL(p || q).
    n_features_in_ : int

    See Also
    --------
    DAEKMeans : K-means on the code of the autoencoder.

    References
    ----------
    Xie, Girshick, Farhadi (2016), Unsupervised Deep Embedding for Clustering Analysis, ICML.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from kingdra_repro.methods import DEC
    >>> X = load_digits().data[:200] / 16
    >>> DEC(n_clusters=10, epochs=2, max_iter=10, random_state=0).fit_predict(X).shape
    (200,)
    """

    checks: ClassVar[dict[str, Check]] = {
        **AutoencoderClusterer.checks,
        "n_init": integer(1),
        "clustering_learning_rate": positive,
        "momentum": fraction,
        "update_interval": integer(1),
        "tol": fraction,
        "max_iter": integer(0),
    }

    n_init: int = 20
    clustering_learning_rate: float = 0.01
    momentum: float = 0.9
    update_interval: int = 140
    tol: float = 0.001
    max_iter: int = 20_000

    _centres: nn.Parameter = field(init=False)  # [k, k], one row per cluster

    def _fit_rows(self, fit: NetworkFit) -> None:
        rows = fit.rows
        losses = self._train_autoencoder(fit, self._epochs_total(rows.n))
        optimizer, step, labels, kl = self._begin_clustering(fit, losses)
        while True:
            q = torch.from_numpy(outputs(self._soft_assignment, rows))
            assigned = q.argmax(1)
            changed = None if labels is None else float((assigned != labels).double().mean())
            finished = step >= self.max_iter or (changed is not None and changed < self.tol)
            state = {
                "network": self._network.state_dict(),
                "optimizer": optimizer.state_dict(),
                "centres": self._centres.detach(),
                "step": step,
                "labels": labels,
                "kl": kl,
            }
            fit.save("clustering", state, f"step {step} of the clustering", last=finished)
            labels = assigned
            self.labels_ = labels.numpy()
            fit.end_phase(self.labels_, {"kl": kl, "changed": changed})
            if finished:
                self.n_iter_ = step
                self._centres.data = self._centres.data.cpu()  # like the fitted network
                return
            kl = self._train_on_target(fit, target_distribution(q), optimizer, step)
            step = min(step + self.update_interval, self.max_iter)

    def state_dict(self) -> dict[str, np.ndarray]:
        return {**super().state_dict(), "centres": self._centres.detach().numpy()}

    def load_state_dict(self, state: dict[str, np.ndarray], n_features: int) -> None:
        super().load_state_dict(state, n_features)
        self._centres = nn.Parameter(torch.from_numpy(state["centres"]))

    def _epochs_total(self, n: int) -> float:
        """Return the maximum number of passes over n points, including the steps of the clustering."""
        return self.epochs + self.max_iter * self.batch_size / n

    def _begin_clustering(
        self, fit: NetworkFit, losses: dict[str, float]
    ) -> tuple[torch.optim.Optimizer, int, Tensor | None, float | None]:
        """Set the centres, by K-means or from a checkpoint; return optimizer, steps done, labels and loss."""
        state, rows = fit.load("clustering"), fit.rows
        if state is None:
            code = outputs(self._network, rows)
            fit.end_phase(None, losses)
            kmeans = KMeans(self.n_clusters, n_init=self.n_init, random_state=fit.kmeans_seed()).fit(code)
            centres = torch.from_numpy(kmeans.cluster_centers_)
            state = {"centres": centres, "step": 0, "labels": None, "kl": None}
        else:
            self._network.load_state_dict(state["network"])
        self._centres = nn.Parameter(state["centres"].to(rows.device))
        optimizer = torch.optim.SGD(
            [*self._network.encoder.parameters(), self._centres],
            lr=self.clustering_learning_rate,
            momentum=self.momentum,
        )
        if "optimizer" in state:
            optimizer.load_state_dict(state["optimizer"])
        return optimizer, state["step"], state["labels"], state["kl"]

    def _train_on_target(
        self, fit: NetworkFit, p: Tensor, optimizer: torch.optim.Optimizer, first_step: int
    ) -> float:
        """Train from step ``first_step`` to the next target; return the mean KL(p || q) per point."""
        last_step, rows = min(first_step + self.update_interval, self.max_iter), fit.rows
        p, total = p.to(rows.device), self._epochs_total(rows.n)

        def losses(batch: Tensor) -> dict[str, Tensor]:
            q = self._soft_assignment(rows[batch])
            return {"loss": kl_div(q.log(), p[batch], reduction="batchmean")}

        def tell(part: float, terms: dict[str, Tensor]) -> None:
            steps = first_step + part * (last_step - first_step)
            done = self.epochs + steps * self.batch_size / rows.n
            fit.progress(round(steps), self.max_iter, done, total, {"kl": terms["loss"]})

        batches = self._batches(fit, first_step, last_step)
        number = first_step // self.update_interval + 1
        trained = self._train_on(
            rows.device,
            [optimizer],
            batches,
            losses,
            tell,
            "the clustering",
            number,
            "clustering_learning_rate",
        )
        return trained["loss"]

    def _batches(self, fit: NetworkFit, first_step: int, last_step: int) -> list[Tensor]:
        """Return the row indices of a range of steps; passes are numbered after those of the autoencoder."""
        per_pass = len(batch_slices(fit.rows.n, self.batch_size))
        first_pass, passes = first_step // per_pass, range(first_step // per_pass, -(-last_step // per_pass))
        epochs = [fit.shuffled(self.epochs + number, self.batch_size) for number in passes]
        batches = [batch for epoch in epochs for batch in epoch]
        return batches[first_step - first_pass * per_pass : last_step - first_pass * per_pass]

    def _soft_assignment(self, x: Tensor) -> Tensor:
        return soft_assignment(self._network(x), self._centres)

    def _assign(self, rows: Rows) -> np.ndarray:
        return outputs(self._soft_assignment, rows).argmax(1).astype(np.int64)


def soft_assignment(z: Tensor, centres: Tensor) -> Tensor:
    """Compute Student's t similarity of codes [n, d] and centres [k, d]: [n, k], rows sum to 1.

    This is Eq. 1 with alpha = 1:

    q_ij = (1 + ||z_i - mu_j||^2)^-1 / sum_j' (1 + ||z_i - mu_j'||^2)^-1
    """
    similarity = 1 / (1 + squared_distances(z, centres))
    return similarity / similarity.sum(1, keepdim=True)


def target_distribution(q: Tensor) -> Tensor:
    """Sharpen soft assignments [n, k] and weight down large clusters (Eq. 3); rows sum to 1.

    p_ij = (q_ij^2 / f_j) / sum_j' (q_ij'^2 / f_j'),    f_j = sum_i q_ij
    """
    weight = q.square() / q.sum(0)
    return weight / weight.sum(1, keepdim=True)
