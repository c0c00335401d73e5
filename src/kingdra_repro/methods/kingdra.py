"""Kingdra: an ensemble that is trained repeatedly on pseudo-labels from its own agreement."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from kingdra_repro.checks import Check, choice, integer, invalid_value
from kingdra_repro.data.streamed import Matrix, StreamedMatrix
from kingdra_repro.errors import InputError
from kingdra_repro.methods.best_phase import BestPhase, Phase
from kingdra_repro.methods.ensemble import Ensemble
from kingdra_repro.methods.ensemble_fit import EnsembleFit, PhaseResult
from kingdra_repro.methods.given_labels import Supervision
from kingdra_repro.pseudo_labels import (
    GraphPseudoLabels,
    MiniClusters,
    PseudoLabeller,
    constrain,
    make_pseudo_labeller,
    map_to_outputs,
)
from kingdra_repro.pseudo_labels.matching import MAPPINGS
from kingdra_repro.training.supervised import PseudoLabels


@dataclass(eq=False, repr=False, kw_only=True)
class Kingdra(Ensemble):
    """An ensemble that is trained on what its own models agree on (Kingdra; Algorithm 2 of the paper).

    First, ``n_models`` models are trained without labels. Then, ``n_iter`` times, k mini-clusters of points
    that very likely belong together are found in the graph of agreement between the models, and all models
    are trained further with these as pseudo-labels, in addition to the unsupervised loss. Weights and
    optimizer state are carried over. The answer is the average of the models' aligned outputs.

    If the thresholds do not give k mini-clusters of a minimum size, they are relaxed (see
    `GraphPseudoLabels`). If that does not help, the previous pseudo-labels are used again; if there are none,
    the iteration trains without labels. ``history_["rule"]`` says which case it was: "given" (not relaxed),
    "relaxed", "kept" or "unsupervised". The public code does not relax thresholds. It uses the earlier
    pseudo-labels whose smallest mini-cluster was largest; if it trains without labels, it does so for
    ``first_epochs`` again.

    ``fit`` optionally takes the classes of some points and linked pairs. The models then learn from them from
    the first phase on, so that for each class with a label, the output of that number stands for the class.
    Pseudo-labels are made consistent with both (`kingdra_repro.pseudo_labels.constraints.constrain`), and the
    pairs add a loss term in every phase (`kingdra_repro.networks.pair_loss`). This is not in the paper.

    Parameters
    ----------
    n_clusters : int, default=8
        k, the number of clusters, from 1 to the number of points.
    base : str, an instance of a class of `kingdra_repro.bases`, or a list of these, default="ladder_im"
        The base model. Names are "ladder_im", "ladder_dot", "imsat_vat", "imsat_rpt", "deep_rim" and
        "linear_rim". The entries of a list take turns: model i uses entry i modulo the list's length.
        Instances are immutable: ``set_params(base__w_mi=1.0)`` replaces one by a modified copy.
    n_models : int, default=10
        Number of models.
    n_iter : int, default=10
        Iterations of pseudo-labelling and further training, as in Algorithm 2. The public code also counts
        the phase without pseudo-labels as an iteration.
    first_epochs, epochs : int, default=5
        Passes over the data in the first phase, without pseudo-labels, and in each iteration.
    batch_size : int, default=64
    learning_rate : float, default=0.002
        Learning rate of Adam.
    decay_epochs : float, default=0
        Number of epochs at the end of the first phase, and of each iteration, over which the learning rate
        falls linearly to 0. If 0, the learning rate is constant, as in the public code. Rasmus et al. (2015)
        decrease it over the last third.
    order : {"epoch", "once", "file"}, default="epoch"
        Order of the rows without pseudo-labels: shuffled in each epoch, shuffled once, or in file order. With
        pseudo-labels, rows are shuffled in each epoch.
    precision : {"float32", "tf32", "bfloat16"}, default="float32"
        Precision of the matrix products; everything else is float32. "tf32" applies only to training on a
        GPU.
    pseudo_labels : {"graph", "argmax", "kmeans", "threshold"} or an instance, default="graph"
        How pseudo-labels are made: from the graph of agreement, as in the paper, or by an alternative from
        its Table 1. The classes are in `kingdra_repro.pseudo_labels`. "kmeans" has its own seed, which is 0
        unless an instance sets it.
    mapping : {"one_to_one", "majority", "common"}, default="one_to_one"
        How mini-clusters are mapped to the outputs of a model. "one_to_one": by the Hungarian method, for
        each model; "majority": by Eq. 3; "common": by the last model's one-to-one mapping, for all models
        (the public code's default).
    keep_phase : {"last", "modularity"}, default="last"
        Which phase's ensemble gives the answer. "last": the last, as in the paper; "modularity": the one
        whose clusters have the largest modularity in the graph of nearest neighbours
        (`kingdra_repro.methods.best_phase.BestPhase`), which uses no labels and is not in the paper. It is
        meant for data on which pseudo-labels do harm. It does not detect all harm, and may choose an earlier
        phase although accuracy still rises.
    compile : {"auto", True, False}, default="auto"
        Whether ``torch.compile`` fuses elementwise operations. "auto" compiles on a GPU, with versions of
        PyTorch that are known to compute correct gradients (not 2.11). The first steps then take longer, up
        to about a minute. If losses or gradients differ from those without compilation, a warning is issued
        and nothing is compiled.
    device : str, default="auto"
        A torch device; "auto" selects a GPU if there is one.
    n_jobs : int or None, default=None
        Number of processes that the models are distributed over, each with its share of the CPU cores or its
        own GPU. None trains all models in this process; -1 uses one process per GPU, or per CPU core.
    random_state : int, RandomState or None, default=None
        Seed of all random numbers.
    checkpoint_dir : path or None, default=None
        Folder for checkpoints. An interrupted fit resumes if it is called again with the same settings and
        data.
    monitor : object with methods ``progress`` and ``iteration``, or None, default=None
        Notified of the progress of the fit; see `kingdra_repro.methods.Monitor`.
    verbose : int, default=0
        If 1, the progress and the time left are shown on standard error.

    Attributes
    ----------
    labels_ : int64 array [n]
        The cluster of each point; labelled points have their class.
    model_labels_ : integer array [n_models, n]
        The clusters of each model, numbered by its own outputs, which are not matched between models. int64;
        for streamed or very large data uint8, or int16 with more than 256 clusters, to save memory.
    pseudo_labels_ : int64 array [n]
        The mini-clusters found in the outputs of phase ``phase_``, -1 for none; with labels, numbered by
        class.
    history_ : DataFrame, one row per iteration
        Losses; seconds spent on the phase since the fit started or resumed; agreement of the ensemble; and
        for the mini-clusters found *after* the iteration's training ``n_pseudo_labels``, ``n_mini_clusters``,
        ``smallest_mini_cluster`` and, from the graph, ``t_pos`` and ``t_neg``. ``rule`` says how the
        pseudo-labels of the next iteration were obtained. With ``keep_phase="modularity"`` also
        ``modularity``.
    phase_ : int
        The phase whose ensemble gives the answer: ``n_iter``, or an earlier one chosen by ``keep_phase``.
    n_features_in_ : int

    See Also
    --------
    KingdraPlus : A variant for similar classes, which starts with more clusters.
    Ensemble : The same ensemble without pseudo-labels.

    References
    ----------
    Gupta, Ramjee, Kwatra, Sivathanu (2020), Unsupervised Clustering using Pseudo-semi-supervised Learning,
    ICLR.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from kingdra_repro import Kingdra
    >>> X = load_digits().data / 16
    >>> labels = Kingdra(n_clusters=10, first_epochs=20, random_state=0).fit_predict(X)  # doctest: +SKIP
    """

    checks: ClassVar[dict[str, Check]] = {
        **Ensemble.checks,
        "n_iter": integer(0),
        "first_epochs": integer(1),
        "mapping": choice(*MAPPINGS),
        "keep_phase": choice("last", "modularity"),
    }

    nested_factories: ClassVar[dict[str, Callable[[Any], Any]]] = {
        **Ensemble.nested_factories,
        "pseudo_labels": make_pseudo_labeller,
    }
    reuse_first_models: ClassVar[bool] = True  # in the iterations; if False, these start with new models

    n_iter: int = 10
    first_epochs: int = 5
    pseudo_labels: str | PseudoLabeller = "graph"
    mapping: str = "one_to_one"
    keep_phase: str = "last"

    def _fit_validated(self, X: Matrix, supervision: Supervision) -> None:
        """Run Algorithm 2; mini-clusters are found at the end of every phase, including the last."""
        labeller = self._pseudo_labeller()
        first_epochs = self.first_epochs if self.reuse_first_models else 0  # of the iterations' models
        with closing(
            EnsembleFit(
                self,
                X,
                n_iter=self.n_iter,
                epochs_total=self.first_epochs + self.n_iter * self.epochs,
                epochs_by_other_models=self.first_epochs - first_epochs,
                supervision=supervision,
            )
        ) as fit:
            pseudo = fit.resume(lambda phase: first_epochs + phase * self.epochs)
            best = BestPhase(X) if self.keep_phase == "modularity" else None
            if best is not None:
                best.resume(fit.checkpoint, fit.phase)
            if pseudo is None:  # given labels exist before any pseudo-labels
                pseudo = supervision.pseudo_labels(self.n_models, self.n_clusters)
            if fit.phase > self.n_iter:  # the resumed fit had finished
                result = fit.train(0, None)  # trains nothing, but raises for models of other epochs
                self._set_answer(result.outputs, supervision)
                self._find_mini_clusters(labeller, result, fit, supervision)
            for phase in range(fit.phase, self.n_iter + 1):
                # Train all models: first without labels, or with given ones; later with pseudo-labels.
                result = self._first_phase(fit, supervision) if phase == 0 else fit.train(self.epochs, pseudo)
                predictions = result.outputs.predictions
                # Find mini-clusters of agreement, and map them to each model's outputs.
                found = self._find_mini_clusters(labeller, result, fit, supervision)
                rule, pseudo = self._next_pseudo_labels(found, pseudo, predictions, supervision.classes)
                # The answer so far is the average of the models.
                self._set_answer(result.outputs, supervision)
                metrics = {**self._phase_metrics(result), **_mini_cluster_metrics(found), "rule": rule}
                if best is not None and (phase > 0 or self.reuse_first_models):  # else the models are gone
                    metrics["modularity"] = best.update(phase, self._state_of_answer(), fit.fitted)
                fit.end_phase(self.labels_, self.model_labels_, self.pseudo_labels_, metrics)
                fit.save(pseudo, best)
            self._set_fitted(fit)
        self.phase_ = self.n_iter
        if best is not None and best.phase is not None:
            self._set_phase(best.phase)

    def _find_mini_clusters(
        self, labeller: PseudoLabeller, result: PhaseResult, fit: EnsembleFit, supervision: Supervision
    ) -> MiniClusters:
        """Find mini-clusters (Algorithm 1), consistent with labels and pairs; set ``pseudo_labels_``."""
        found = _run_labeller(labeller, result, fit, self.n_clusters)
        found = constrain(found, result.outputs.predictions, supervision.labels, supervision.links)
        self.pseudo_labels_ = found.labels.numpy()
        return found

    def _state_of_answer(self) -> dict[str, Tensor]:
        of_points = ("labels", "model_labels", "pseudo_labels")
        arrays = {name: torch.from_numpy(getattr(self, f"{name}_")) for name in of_points}
        return {**arrays, "outputs": self._alignment}

    def _set_phase(self, best: Phase) -> None:
        """Set the answer and the models to those of an earlier phase."""
        answer = dict(best.answer)
        self.phase_, self._alignment = best.number, answer.pop("outputs")
        for name, value in answer.items():
            setattr(self, f"{name}_", value.numpy())
        self._set_models(best.weights, self.n_features_in_)

    def _first_phase(self, fit: EnsembleFit, supervision: Supervision) -> PhaseResult:
        """Train before the first pseudo-labels: without labels, as in the paper, or with given labels."""
        return fit.train(self.first_epochs, supervision.pseudo_labels(self.n_models, self.n_clusters))

    def _pseudo_labeller(self) -> PseudoLabeller:
        labeller = make_pseudo_labeller(self.pseudo_labels)
        for name in ("t_pos", "t_neg"):  # raise now, not after the first phase
            if (given := getattr(labeller, name, None) or 0) > self.n_models:
                raise invalid_value(f"at most the number of models, {self.n_models}", name, given)
        return labeller

    def _next_pseudo_labels(
        self, found: MiniClusters, before: PseudoLabels | None, predictions: Tensor, fixed: Tensor
    ) -> tuple[str, PseudoLabels | None]:
        """Choose the next iteration's pseudo-labels; return the rule, and them mapped to outputs (Eq. 3)."""
        if found.complete:
            rule, labels = "relaxed" if found.relaxed else "given", found.labels
        elif before is not None:
            rule, labels = "kept", torch.from_numpy(before.labels)
        else:
            return "unsupervised", None
        outputs = map_to_outputs(labels, predictions, self.n_clusters, self.mapping, fixed)
        return rule, PseudoLabels(labels.numpy(), outputs.numpy())


def _run_labeller(labeller: PseudoLabeller, result: PhaseResult, fit: EnsembleFit, k: int) -> MiniClusters:
    outputs = result.outputs
    if isinstance(labeller, GraphPseudoLabels):
        predictions, confidence = outputs.predictions.to(fit.device), outputs.confidence.to(fit.device)
        return labeller.of_predictions(predictions, confidence, k)
    if isinstance(fit.X, StreamedMatrix):
        raise InputError(
            f"{type(labeller).__name__} needs the outputs for all points at once, which data that are "
            "streamed do not have: choose pseudo_labels=graph, or give one file and dataset.stream=false"
        )
    found = labeller(outputs.proba().to(fit.device), result.features)
    n = outputs.predictions.shape[1]
    if not isinstance(found, MiniClusters) or found.labels.shape != (n,):
        is_set = isinstance(found, MiniClusters)
        got = f"of {tuple(found.labels.shape)}" if is_set else f"a {type(found).__name__}"
        raise InputError(f"{type(labeller).__name__} must return MiniClusters of {n} labels; got {got}")
    return found


def _mini_cluster_metrics(found: MiniClusters) -> dict[str, Any]:
    return {
        "n_pseudo_labels": int(found.sizes.sum()),
        "n_mini_clusters": int((found.sizes > 0).sum()),
        "smallest_mini_cluster": int(found.sizes.min()),
        **found.info,
    }
