"""Pseudo-labels that are consistent with what is known: the classes of some points, and linked pairs."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from kingdra_repro.data.links import Closure
from kingdra_repro.pseudo_labels.labeller import MiniClusters
from kingdra_repro.pseudo_labels.matching import align, best_match, contingency


def constrain(
    found: MiniClusters, predictions: Tensor, given: np.ndarray, links: Closure | None
) -> MiniClusters:
    """Make mini-clusters consistent with given labels and linked pairs.

    1. The mini-clusters are renumbered one-to-one. The new numbers first maximise how many labelled points
       are in the mini-cluster of their class's number, and then how many predictions (aligned over the
       models) equal the number of the point's mini-cluster. Without any given label, the numbers are kept.
    2. Points that must be linked are moved to the mini-cluster that has most of them. In case of a tie, they
       are left without one.
    3. Points with a given label are moved to the mini-cluster of their class.
    4. If two points that cannot be linked are in the same mini-cluster, both leave it, and so do the points
       that must be linked to them; points with a given label stay.

    Parameters
    ----------
    found : MiniClusters
    predictions : integer Tensor [n_models, n]
        Each model's largest output. For a class with given labels, it has the number of the class.
    given : int64 array [n], classes 0..k-1, -1 if not known; includes the labels that follow from the links
    links : Closure or None

    Returns
    -------
    MiniClusters
        Complete if ``found`` is complete and each mini-cluster still has points.
    """
    k = len(found.sizes)
    labels = found.labels.cpu().numpy()
    if (given >= 0).any():
        number = _numbers(labels, predictions, given, k)
        labels = np.where(labels >= 0, number[labels], -1)
    if links is not None:
        labels = _apply_must_link(labels, links.group, k)
    labels = np.where(given >= 0, given, labels)
    if links is not None:
        labels = _apply_cannot_link(labels, given, links)
    kept = torch.from_numpy(labels)
    sizes = torch.bincount(kept[kept >= 0], minlength=k)
    return replace(found, labels=kept, sizes=sizes, complete=found.complete and bool(sizes.min() > 0))


def _numbers(labels: np.ndarray, predictions: Tensor, given: np.ndarray, k: int) -> np.ndarray:
    """Return the new number of each mini-cluster (step 1 of `constrain`): int64 [k], each number once."""
    inside = labels >= 0
    outputs = align(predictions, k, torch.from_numpy(np.unique(given[given >= 0])))
    aligned = outputs.argsort(1).gather(1, predictions.long())[:, torch.from_numpy(inside)]
    votes = contingency(torch.from_numpy(labels[inside]), aligned, k).sum(0)
    known = inside & (given >= 0)
    members = np.zeros((k, k), np.int64)
    np.add.at(members, (labels[known], given[known]), 1)
    # One labelled point counts more than all predictions together.
    return best_match(votes + torch.from_numpy(members) * (predictions.numel() + 1)).numpy()


def _apply_must_link(labels: np.ndarray, group: np.ndarray, k: int) -> np.ndarray:
    """Return the labels with one label for all points of a linked group (step 2 of `constrain`)."""
    linked = np.flatnonzero(np.bincount(group)[group] > 1)
    _, number = np.unique(group[linked], return_inverse=True)
    inside = labels[linked] >= 0
    votes = np.zeros((number.max(initial=-1) + 1, k), np.int64)
    np.add.at(votes, (number[inside], labels[linked][inside]), 1)
    most = votes.max(1)
    clear = (most > 0) & ((votes == most[:, None]).sum(1) == 1)
    new_labels = labels.copy()
    new_labels[linked] = np.where(clear, votes.argmax(1), -1)[number]
    return new_labels


def _apply_cannot_link(labels: np.ndarray, given: np.ndarray, links: Closure) -> np.ndarray:
    """Return the labels without those shared by groups that cannot be linked (step 4 of `constrain`)."""
    _, first = np.unique(links.group, return_index=True)  # one point per group: all have its label
    of_group, known = labels[first], given[first] >= 0
    one, other = links.cannot_link_groups.T
    clash = links.cannot_link_groups[of_group[one] == of_group[other]]
    leave = np.zeros(len(first), bool)
    leave[clash] = True
    return np.where((leave & ~known)[links.group], -1, labels)
