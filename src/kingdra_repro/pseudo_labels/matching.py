"""Which output of a model stands for which mini-cluster (Eq. 3), and which outputs of two models match."""

import torch
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from kingdra_repro.checks import choice
from kingdra_repro.errors import InputError

MAPPINGS = ("majority", "one_to_one", "common")
VOTES_AT_ONCE = 2**23  # largest size of the table of votes in `agreement`


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
        The mini-cluster of each point, 0..n_clusters-1, or -1 for none, as from `mini_clusters`.
    predictions : integer tensor [n_models, n]
        Each model's predicted output, 0..n_clusters-1.
    n_clusters : int
        k, the number of mini-clusters and of outputs.
    mapping : {"majority", "one_to_one", "common"}
        "majority": the output that the model predicts most often in the mini-cluster (paper Eq. 3); ties go
        to the lowest output. Two mini-clusters may share an output; an empty one has none, -1.
        "one_to_one": for each model, the assignment of mini-clusters to different outputs that agrees with
        most predictions (Hungarian algorithm); empty mini-clusters get the remaining outputs.
        "common": the last model's one-to-one assignment for all models (the public code's
        ``ens_common_mapping``).
    fixed : integer tensor or None
        Mini-clusters that stand for the output of the same number: the classes with given labels.

    Returns
    -------
    int64 tensor [n_models, n_clusters]
        ``result[m, c]`` is the output of model m that stands for mini-cluster c. On the device of the labels.

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
    """Count, for each model, the points by label and predicted output.

    Labels are integers [n], predictions integers [n_models, n]. Returns an int64 tensor [n_models,
    n_clusters, n_clusters]: ``[m, c, o]`` is the number of points with label c for which model m predicts
    output o.

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
    # One model at a time takes less memory than all at once.
    counts = [torch.bincount(rows + of_model.long(), minlength=n_clusters**2) for of_model in predictions]
    return torch.stack(counts).view(len(predictions), n_clusters, n_clusters)


def best_match(counts: Tensor) -> Tensor:
    """Find the one-to-one match of rows to columns with the largest sum of counts (Hungarian algorithm).

    ``counts`` are integers [k, k]. Returns the column of each row: int64 tensor [k].
    """
    _, columns = linear_sum_assignment(counts.cpu().numpy(), maximize=True)
    return torch.as_tensor(columns, dtype=torch.int64, device=counts.device)


@torch.no_grad()
def align(predictions: Tensor | ArrayLike, n_clusters: int, fixed: Tensor | None = None) -> Tensor:
    """Match each model's outputs one-to-one to those of the first model, over all points.

    Models trained without labels number their clusters arbitrarily. Before their outputs can be averaged,
    output c has to stand for the same cluster in all models.

    Parameters
    ----------
    predictions : tensor, array or list [n_models, n] of integers
        Each model's predicted output, 0..n_clusters-1.
    n_clusters : int
        k, the number of outputs.
    fixed : integer tensor or None
        Outputs that stand for the same cluster in all models: the classes with given labels.

    Returns
    -------
    int64 tensor [n_models, n_clusters]
        ``result[m, c]`` is the output of model m that corresponds to output c of the first model;
        ``probabilities[m][:, result[m]]`` has the order of the first model's outputs.

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
    # Outputs that the first model never predicts could be swapped with each other at no loss.
    matches[0] = torch.arange(n_clusters, device=predictions.device)
    return matches


def _with_fixed(counts: Tensor, fixed: Tensor | None) -> Tensor:
    """Change counts [M, k, k] in place so that matching fixed numbers to themselves outweighs all else."""
    if fixed is not None:
        counts[:, fixed, fixed] += counts.sum((1, 2)).max() + 1
    return counts


def average(proba: Tensor | ArrayLike, alignment: Tensor | ArrayLike) -> Tensor:
    """Average outputs [M, n, k] over the models, in the order [M, k] that `align` returns: Tensor [n, k]."""
    proba, alignment = torch.as_tensor(proba), torch.as_tensor(alignment)
    order = alignment[:, None, :].expand_as(proba)
    return proba.gather(2, order).mean(0)


def agreement(predictions: Tensor, n_clusters: int) -> float:
    """Compute the share of models that predict a point's most frequent aligned output, averaged over points.

    ``predictions`` are the models' largest outputs, integers [n_models, n]; no labels are needed. The
    agreement is 1 if all models find the same clusters.
    """
    to_reference = align(predictions, n_clusters).argsort(1)
    most = 0
    # int(): torch rejects NumPy integers, such as y.max() + 1.
    for block in predictions.split(max(1, VOTES_AT_ONCE // int(n_clusters)), dim=1):
        votes = torch.zeros(block.shape[1], n_clusters, dtype=torch.int32)
        for answers in to_reference.gather(1, block.long()):  # one by one saves memory
            votes[torch.arange(len(answers)), answers] += 1
        most += int(votes.max(1).values.sum())
    return most / predictions.shape[1] / len(predictions)
