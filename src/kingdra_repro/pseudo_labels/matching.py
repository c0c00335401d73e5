"""Which output of a model stands for which cluster (Eq. 3), and which outputs of two models match."""

import torch
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from kingdra_repro.checks import choice
from kingdra_repro.errors import InputError

MAPPINGS = ("majority", "one_to_one", "common")
VOTES_AT_ONCE = 2**23  # of an agreement


@torch.no_grad()
def map_to_outputs(
    labels: Tensor,
    predictions: Tensor,
    n_clusters: int,
    mapping: str = "majority",
    fixed: Tensor | None = None,
) -> Tensor:
    """Map each mini-cluster to an output of each model.

    Parameters
    ----------
    labels : integer tensor [n]
        The mini-cluster of each point, 0..n_clusters-1, or -1, as from `mini_clusters`.
    predictions : integer tensor [n_models, n]
        Each model's predicted output, 0..n_clusters-1.
    n_clusters : int
        k, the number of mini-clusters and of outputs.
    mapping : {"majority", "one_to_one", "common"}
        "majority": the output that the model predicts most often in the mini-cluster, ties to the lowest
        (paper Eq. 3); two mini-clusters may share an output, an empty one has none: -1.
        "one_to_one": for each model the assignment of mini-clusters to different outputs that keeps most
        predictions (Hungarian algorithm); empty mini-clusters get what is left.
        "common": the last model's one-to-one assignment for all models (the public code's
        ``ens_common_mapping``).
    fixed : integer tensor or None
        The mini-clusters that stand for the outputs of their own numbers: classes that labels are given of.

    Returns
    -------
    int64 tensor [n_models, n_clusters]
        ``result[m, c]`` is the output of model m that mini-cluster c stands for. On the device of the labels.

    Raises
    ------
    InputError
        If an argument has a wrong shape or value.

    References
    ----------
    Gupta et al. (2020), Unsupervised Clustering using Pseudo-semi-supervised Learning, ICLR, Eq. 3.
    """
    choice(*MAPPINGS)("mapping", mapping)
    if predictions.ndim != 2 or labels.shape != predictions.shape[1:]:
        raise InputError(
            "labels and predictions must have shapes [n] and [n_models, n]; got "
            f"{tuple(labels.shape)} and {tuple(predictions.shape)}"
        )
    labelled = labels >= 0
    labels, predictions = labels[labelled], predictions[:, labelled]
    counts = _with_fixed(contingency(labels, predictions, n_clusters), fixed)
    if mapping == "majority":
        outputs = counts.argmax(2)
        return torch.where(counts.sum(2) > 0, outputs, -1)
    if mapping == "common":
        return best_match(counts[-1]).repeat(len(predictions), 1)
    return torch.stack([best_match(of_model) for of_model in counts])


def contingency(labels: Tensor, predictions: Tensor, n_clusters: int) -> Tensor:
    """Count the points of each label for which each model predicts each output.

    Of labels, integers [n], and predictions, integers [n_models, n]: int64 tensor [n_models, n_clusters,
    n_clusters], whose ``[m, c, o]`` is the number of points of label c and output o of model m.

    Raises
    ------
    InputError
        If a label or a prediction is not from 0 to n_clusters - 1.
    """
    for name, values in (("labels", labels), ("predictions", predictions)):
        if values.numel() and not 0 <= int(values.min()) <= int(values.max()) < n_clusters:
            raise InputError(
                f"{name} must be from 0 to n_clusters - 1 = {n_clusters - 1}; got values "
                f"{int(values.min())} to {int(values.max())}"
            )
    rows = labels.long() * n_clusters
    # Model by model: less memory than all pairs at once.
    counts = [torch.bincount(rows + of_model.long(), minlength=n_clusters**2) for of_model in predictions]
    return torch.stack(counts).view(len(predictions), n_clusters, n_clusters)


def best_match(counts: Tensor) -> Tensor:
    """Find the one-to-one match of rows to columns with the largest sum of counts (Hungarian algorithm).

    Of integers [k, k] the column of each row: int64 tensor [k].
    """
    _, columns = linear_sum_assignment(counts.cpu().numpy(), maximize=True)
    return torch.as_tensor(columns, dtype=torch.int64, device=counts.device)


@torch.no_grad()
def align(predictions: Tensor | ArrayLike, n_clusters: int, fixed: Tensor | None = None) -> Tensor:
    """Match each model's outputs one to one to those of the first model, over all points.

    Models trained without labels number their clusters as they like; before their outputs are averaged,
    output c of each has to mean the same.

    Parameters
    ----------
    predictions : tensor, array or list [n_models, n] of integers
        Each model's predicted output, 0..n_clusters-1.
    n_clusters : int
        k, the number of outputs.
    fixed : integer tensor or None
        Outputs that mean the same in all models: classes that labels are given of.

    Returns
    -------
    int64 tensor [n_models, n_clusters]
        ``result[m, c]`` is the output of model m that corresponds to output c of the first;
        ``probabilities[m][:, result[m]]`` are in the first's order.

    Raises
    ------
    InputError
        If an argument has a wrong shape or value.
    """
    predictions = torch.as_tensor(predictions)
    if predictions.ndim != 2:
        raise InputError(f"predictions must have shape [n_models, n]; got {tuple(predictions.shape)}")
    counts = _with_fixed(contingency(predictions[0], predictions, n_clusters), fixed)
    matches = torch.stack([best_match(of_model) for of_model in counts])
    # An output that no point has could be swapped with another of its kind at no loss.
    matches[0] = torch.arange(n_clusters, device=predictions.device)
    return matches


def _with_fixed(counts: Tensor, fixed: Tensor | None) -> Tensor:
    """Return counts [M, k, k] in which to keep the fixed numbers is worth more than all else."""
    if fixed is not None:
        counts[:, fixed, fixed] += counts.sum((1, 2)).max() + 1
    return counts


def average(proba: Tensor | ArrayLike, alignment: Tensor | ArrayLike) -> Tensor:
    """Mean over the models of outputs [M, n, k], each put in `align`'s order [M, k] first: Tensor [n, k]."""
    proba, alignment = torch.as_tensor(proba), torch.as_tensor(alignment)
    order = alignment[:, None, :].expand_as(proba)
    return proba.gather(2, order).mean(0)


def agreement(predictions: Tensor, n_clusters: int) -> float:
    """Mean over points of the share of models that give the most frequent of their aligned answers.

    Known without labels, from each model's largest output, integers [n_models, n]: 1 if all models find the
    same clusters.
    """
    to_reference = align(predictions, n_clusters).argsort(1)
    most = 0
    # int: torch refuses NumPy's integers, such as y.max() + 1.
    for block in predictions.split(max(1, VOTES_AT_ONCE // int(n_clusters)), dim=1):
        votes = torch.zeros(block.shape[1], n_clusters, dtype=torch.int32)
        for answers in to_reference.gather(1, block.long()):  # one by one: less memory than all one-hot
            votes[torch.arange(len(answers)), answers] += 1
        most += int(votes.max(1).values.sum())
    return most / predictions.shape[1] / len(predictions)
