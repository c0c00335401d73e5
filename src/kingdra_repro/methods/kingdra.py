"""The kingdra scheme: pseudo-labels from the ensemble's agreement, training on, again and again."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from kingdra_repro.checks import Check, choice, integer, must_be
from kingdra_repro.data.streamed import Matrix, StreamedMatrix
from kingdra_repro.errors import InputError
from kingdra_repro.methods.best_phase import BestPhase, Phase
from kingdra_repro.methods.ensemble import Ensemble
from kingdra_repro.methods.ensemble_fit import EnsembleFit, Trained
from kingdra_repro.methods.given_labels import Given
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
    """Kingdra: an ensemble that trains itself with what its models agree on (paper, Algorithm 2).

    Train ``n_models`` models without labels. Then ``n_iter`` times: find k mini-clusters of points that
    surely belong together in the graph of what the models agree on, and train all models on with these as
    labels, beside the unsupervised loss. Weights and the optimizer's state are carried on. The answer is the
    average of the models' outputs.

    Where the thresholds do not lead to k mini-clusters of a minimum size they are relaxed (see
    `GraphPseudoLabels`); where that does not help either, the set used last is used again; where there
    never was one, the iteration trains without labels. ``history_["rule"]`` tells which it was: "given",
    "relaxed", "kept" or "unsupervised". The public code relaxes nothing, uses of all earlier sets the one
    whose smallest mini-cluster was largest, and trains without labels for ``first_epochs`` again.

    ``fit`` takes the classes of some points and linked pairs where they are known. The models then learn
    from them from the first phase on, so that the outputs of classes with a label are these classes; each
    set of pseudo-labels keeps to them (see `kingdra_repro.pseudo_labels.constraints.constrain`); and pairs
    are a term of the loss in every phase (`kingdra_repro.networks.pair_loss`). Not in the paper.

    Parameters
    ----------
    n_clusters : int, default=8
        k, from 1 to the number of points.
    base : str, an instance of a class of `kingdra_repro.bases`, or a list of these
        A name: "ladder_im", "ladder_dot", "imsat_vat", "imsat_rpt", "deep_rim" or "linear_rim". The members
        of a list take turns: model i is of the kind i modulo its length. Instances cannot be changed:
        ``set_params(base__w_mi=1.0)`` puts another in the place of one.
    n_models : int, default=10
    n_iter : int, default=10
        Iterations of pseudo-labelling and training on, as in Algorithm 2; the public code counts the phase
        without pseudo-labels as one of them.
    first_epochs, epochs : int, default=5
        Passes over the data without pseudo-labels, and in each iteration.
    batch_size : int, default=64
    learning_rate : float, default=0.002
        Of Adam.
    decay_epochs : float, default=0
        The last so many epochs of the first phase and of each iteration, in which the learning rate falls to
        0, linearly; 0: it is constant, as in the public code. Rasmus et al. (2015) let it fall in the last
        third.
    order : {"epoch", "once", "file"}, default="epoch"
        Order of the batches without pseudo-labels: shuffled in each epoch, shuffled once, or as the rows
        come. With pseudo-labels they are shuffled in each epoch.
    precision : {"float32", "tf32", "bfloat16"}, default="float32"
        Of the matrix products; everything else is float32. "tf32" is of training on a GPU alone.
    pseudo_labels : {"graph", "argmax", "kmeans", "threshold"} or an instance of their classes
        Where pseudo-labels come from: the graph of agreement, which is the paper's, or one of its Table 1's
        other ways; the classes are in `kingdra_repro.pseudo_labels`. K-means has a seed of its own, 0 where
        the name is given.
    mapping : {"one_to_one", "majority", "common"}, default="one_to_one"
        Which output of a model a mini-cluster stands for: by the Hungarian method for each model; by
        majority (Eq. 3); or the last model's for all (the public code's default).
    keep_phase : {"last", "modularity"}, default="last"
        Which phase's ensemble is the answer: the last one's, as in the paper; or that whose clusters have the
        largest modularity in the graph of nearest neighbours (`kingdra_repro.methods.best_phase.BestPhase`),
        which reads no labels and is not in the paper. Meant for data on which pseudo-labels do harm; it does
        not see all of it, and may stop what still rises.
    compile : {"auto", True, False}, default="auto"
        Whether ``torch.compile`` fuses elementwise operations; "auto": on a GPU, with the versions of PyTorch
        that were found to compute gradients rightly (not 2.11). The first steps then take longer, up to a
        minute or so. Where losses or gradients are not those of the plain way, a warning says so, and nothing
        is compiled.
    device : str, default="auto"
        A torch device; "auto" is a GPU where there is one.
    n_jobs : int or None, default=None
        Processes that the models are dealt out to, each with its share of the CPU's cores, or its GPU. None:
        this process trains them all; -1: one process for each GPU, or for each core of the CPU.
    random_state : int, RandomState or None, default=None
    checkpoint_dir : path or None
        Where the state is kept, so that a fit that was killed goes on when it is called again with the same
        settings and data.
    monitor : object with methods ``progress`` and ``iteration``, or None
        See `kingdra_repro.methods.Monitor`.
    verbose : int, default=0
        1: the progress and the time left are shown on standard error.

    Attributes
    ----------
    labels_ : int64 array [n]
        The cluster of each point; of a labelled one its class.
    model_labels_ : int64 array [n_models, n]
        Each model's own clusters, numbered by its outputs.
    pseudo_labels_ : int64 array [n]
        The mini-clusters found in the final outputs, -1 for none; with labels, numbered by the classes.
    history_ : DataFrame, a row an iteration
        Losses, seconds (of that part of the phase that was done since the fit began or was taken up),
        agreement of the ensemble, and of the mini-clusters found *after* the iteration's training:
        ``n_pseudo_labels``, ``n_mini_clusters``, ``smallest_mini_cluster``, and from the graph
        ``t_pos``, ``t_neg``; ``rule`` is how the set that the next iteration trains on came about. With
        ``keep_phase="modularity"`` also ``modularity``.
    phase_ : int
        The phase whose ensemble is the answer: ``n_iter``, or an earlier one by ``keep_phase``.
    n_features_in_ : int

    See Also
    --------
    KingdraPlus : For close classes: over-clusters first.
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

    parts: ClassVar[dict[str, Callable[[Any], Any]]] = {
        **Ensemble.parts,
        "pseudo_labels": make_pseudo_labeller,
    }
    first_models_train_on: ClassVar[bool] = True  # in the iterations; else these begin with new models

    n_iter: int = 10
    first_epochs: int = 5
    pseudo_labels: str | PseudoLabeller = "graph"
    mapping: str = "one_to_one"
    keep_phase: str = "last"

    def _fit_given(self, X: Matrix, given: Given) -> None:
        """Algorithm 2; mini-clusters are looked for at the end of each phase, after the last one, too."""
        labeller = self._pseudo_labeller()
        first_epochs = self.first_epochs if self.first_models_train_on else 0  # of the models that go on
        with closing(
            EnsembleFit(
                self,
                X,
                n_iter=self.n_iter,
                epochs_total=self.first_epochs + self.n_iter * self.epochs,
                epochs_elsewhere=self.first_epochs - first_epochs,
                given=given,
            )
        ) as fit:
            pseudo = fit.resume(lambda phase: first_epochs + phase * self.epochs)
            best = BestPhase(X) if self.keep_phase == "modularity" else None
            if best is not None:
                best.resume(fit.checkpoint, fit.phase)
            if pseudo is None:  # labels that are given are there before any are found
                pseudo = given.pseudo_labels(self.n_models, self.n_clusters)
            if fit.phase > self.n_iter:  # all was done before
                trained = fit.train(0, None)  # trains nothing, and refuses models of other epochs
                self._set_answer(trained.outputs, given)
                self._find_mini_clusters(labeller, trained, fit, given)
            for phase in range(fit.phase, self.n_iter + 1):
                # Train all models: at first without labels, or with given ones, then with pseudo-labels.
                trained = self._first_phase(fit, given) if phase == 0 else fit.train(self.epochs, pseudo)
                predictions = trained.outputs.predictions
                # Mini-clusters of what they agree on, and what each model calls them.
                found = self._find_mini_clusters(labeller, trained, fit, given)
                rule, pseudo = self._next_pseudo_labels(found, pseudo, predictions, given.classes)
                # The average of the models, as the answer so far.
                self._set_answer(trained.outputs, given)
                facts = {**self._facts(trained), **_facts_of(found), "rule": rule}
                if best is not None and (phase > 0 or self.first_models_train_on):  # else its models are gone
                    facts["modularity"] = best.consider(phase, self._state_of_answer(), fit.fitted)
                fit.end_phase(self.labels_, self.model_labels_, self.pseudo_labels_, facts)
                fit.save(pseudo, best)
            self._set_fitted(fit)
        self.phase_ = self.n_iter
        if best is not None and best.found is not None:
            self._set_phase(best.found)

    def _find_mini_clusters(
        self, labeller: PseudoLabeller, trained: Trained, fit: EnsembleFit, given: Given
    ) -> MiniClusters:
        """Find what the models agree on (Algorithm 1); what is given is kept to. Set ``pseudo_labels_``."""
        found = _run_labeller(labeller, trained, fit, self.n_clusters)
        found = constrain(found, trained.outputs.predictions, given.labels, given.links)
        self.pseudo_labels_ = found.labels.numpy()
        return found

    def _state_of_answer(self) -> dict[str, Tensor]:
        of_points = ("labels", "model_labels", "pseudo_labels")
        arrays = {name: torch.from_numpy(getattr(self, f"{name}_")) for name in of_points}
        return {**arrays, "outputs": self._alignment}

    def _set_phase(self, best: Phase) -> None:
        """Set the answer of an earlier phase, and its models."""
        answer = dict(best.answer)
        self.phase_, self._alignment = best.number, answer.pop("outputs")
        for name, value in answer.items():
            setattr(self, f"{name}_", value.numpy())
        self._set_models(best.weights, self.n_features_in_)

    def _first_phase(self, fit: EnsembleFit, given: Given) -> Trained:
        """Train before any pseudo-labels are found: without labels, as in the paper, or with given ones."""
        return fit.train(self.first_epochs, given.pseudo_labels(self.n_models, self.n_clusters))

    def _pseudo_labeller(self) -> PseudoLabeller:
        labeller = make_pseudo_labeller(self.pseudo_labels)
        for name in ("t_pos", "t_neg"):  # reported now, not after the first phase
            if (given := getattr(labeller, name, None) or 0) > self.n_models:
                raise must_be(f"at most the number of models, {self.n_models}", name, given)
        return labeller

    def _next_pseudo_labels(
        self, found: MiniClusters, before: PseudoLabels | None, predictions: Tensor, fixed: Tensor
    ) -> tuple[str, PseudoLabels | None]:
        """How the set that the next iteration trains on came about, and it, mapped to outputs (Eq. 3)."""
        if found.complete:
            rule, labels = "relaxed" if found.relaxed else "given", found.labels
        elif before is not None:
            rule, labels = "kept", torch.from_numpy(before.labels)
        else:
            return "unsupervised", None
        outputs = map_to_outputs(labels, predictions, self.n_clusters, self.mapping, fixed)
        return rule, PseudoLabels(labels.numpy(), outputs.numpy())


def _run_labeller(labeller: PseudoLabeller, trained: Trained, fit: EnsembleFit, k: int) -> MiniClusters:
    outputs = trained.outputs
    if isinstance(labeller, GraphPseudoLabels):
        predictions, confidence = outputs.predictions.to(fit.device), outputs.confidence.to(fit.device)
        return labeller.of_predictions(predictions, confidence, k)
    if isinstance(fit.X, StreamedMatrix):
        raise InputError(
            f"{type(labeller).__name__} needs the outputs for all points at once, which data that are "
            "streamed do not have: choose pseudo_labels=graph, or give one file and dataset.stream=false"
        )
    found = labeller(outputs.proba().to(fit.device), trained.features)
    n = outputs.predictions.shape[1]
    if not isinstance(found, MiniClusters) or found.labels.shape != (n,):
        is_set = isinstance(found, MiniClusters)
        got = f"of {tuple(found.labels.shape)}" if is_set else f"a {type(found).__name__}"
        raise InputError(f"{type(labeller).__name__} must return MiniClusters of {n} labels; got {got}")
    return found


def _facts_of(found: MiniClusters) -> dict[str, Any]:
    return {
        "n_pseudo_labels": int(found.sizes.sum()),
        "n_mini_clusters": int((found.sizes > 0).sum()),
        "smallest_mini_cluster": int(found.sizes.min()),
        **found.facts,
    }
