"""Mini-clusters of points on which the ensemble agrees (paper Section 4.2.1, Algorithm 1)."""

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from kingdra_repro.checks import choice, integer, is_integer
from kingdra_repro.errors import InputError
from kingdra_repro.library_state import default_library_state
from kingdra_repro.pseudo_labels.agreement import agreeing_weight
from kingdra_repro.pseudo_labels.degrees import OUT, Degrees
from kingdra_repro.pseudo_labels.signature_index import SignatureIndex
from kingdra_repro.pseudo_labels.signatures import Signatures

PRUNE = ("chosen", "members")
_UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)
MEMBERS_AT_ONCE = 1024  # members that are compared with the rest of the graph at once


@default_library_state()
@torch.no_grad()
def mini_clusters(
    predictions: Tensor | ArrayLike,
    n_clusters: int,
    t_pos: int | None = None,
    t_neg: int | None = None,
    confident: Tensor | ArrayLike | None = None,
    prune: str = "chosen",
) -> Tensor:
    """Find the k mini-clusters of Algorithm 1.

    Let n_agree(x, x') be the number of models that predict the same output for the points x and x', and
    n_disagree(x, x') = n_models - n_agree(x, x'). In the graph of all points, x and x' have a

        strong positive edge  if n_agree(x, x') >= t_pos,
        strong negative edge  if n_disagree(x, x') >= t_neg.

    Algorithm 1 repeats k times:

    1. Choose the point with the most strong positive edges; ties go to the lowest index.
    2. The chosen point and its neighbours along strong positive edges are the next mini-cluster.
    3. Remove every point without a strong negative edge to the chosen point from the graph.

    It ends early if no point is left. A neighbour that has a strong negative edge as well (possible if
    t_pos + t_neg <= n_models) stays in the graph, as Algorithm 1 literally says; it keeps the first
    mini-cluster that it was put in.

    The result is exact and deterministic. Time and memory depend on the number u of distinct signatures (the
    signature of a point is the predictions of all models for it). No array is larger than O(n_models * n),
    or, if that is faster, O(u) times the number of sets of at least t_pos models.

    Parameters
    ----------
    predictions : tensor, array or list [n_models, n] of integers >= 0
        Each model's predicted output for each point, such as ``model_labels_``. A tensor may be on a GPU.
    n_clusters : int
        k, the number of mini-clusters to look for.
    t_pos, t_neg : int, optional
        Number of models that must agree for a strong positive edge, and disagree for a strong negative one,
        1..n_models. Default: all models.
    confident : tensor, array or list [n] of bool, optional
        Points with outgoing strong positive edges; only these can be chosen. In the public code they are the
        points whose largest output exceeds ``thresh`` in every model. As there, all others count as
        neighbours, and become members, for the first mini-cluster only, and then leave the graph. Default:
        all points.
    prune : {"chosen", "members"}
        Which points leave the graph in step 3. "chosen": those without a strong negative edge to the chosen
        point (Algorithm 1). "members": those to which some member of the mini-cluster has no strong negative
        edge (the public code, with t_pos = high_th + 1 and t_neg = n_models - low_th).

    Returns
    -------
    int64 tensor [n]
        The mini-cluster of each point, 0..k-1 in the order in which they were found, or -1 for none. On the
        device of the predictions.

    Raises
    ------
    InputError
        If an argument has a wrong shape, type or value.

    References
    ----------
    Gupta, Ramjee, Kwatra, Sivathanu (2020), Unsupervised Clustering using Pseudo-semi-supervised Learning,
    ICLR, Section 4.2.1, Algorithm 1.

    Examples
    --------
    >>> import torch
    >>> from kingdra_repro.pseudo_labels import mini_clusters
    >>> mini_clusters(torch.tensor([[0, 1, 1, 0, 2, 2], [1, 0, 0, 1, 1, 0]]), n_clusters=2)
    tensor([ 0,  1,  1,  0, -1, -1])
    """
    predictions = _as_tensor("predictions", predictions)
    _check_predictions(predictions)
    n_models, n = predictions.shape
    t_pos = n_models if t_pos is None else t_pos
    t_neg = n_models if t_neg is None else t_neg
    if confident is not None:
        confident = _as_tensor("confident", confident).to(predictions.device)
    _check_settings(n_models, n, n_clusters, t_pos, t_neg, confident, prune)

    graph = Signatures.of(predictions, confident)
    columns = graph.columns
    index = SignatureIndex(columns, n_clusters)
    # Degrees count all points for the first mini-cluster, and then only those that can be chosen.
    degrees = Degrees(columns, t_pos, graph.n_points)
    candidates = torch.where(graph.n_sources > 0, degrees.values, OUT)
    cluster = torch.full_like(graph.of_point[: columns.shape[1]], -1)

    for c in range(n_clusters):
        chosen = _argmax_degree(candidates, graph.first_source)
        if chosen is None:
            break
        near, agree = index.agreeing_with(chosen)
        here = degrees.weights[near] > 0
        near, agree = near[here], agree[here]
        members = near[agree >= t_pos]
        cluster[members[cluster[members] < 0]] = c
        leaving = near[n_models - agree < t_neg]
        others = members[members != chosen]
        if prune == "members" and len(others):
            # A point without a strong negative edge to a member disagrees with it in at most t_neg - 1
            # models, and the member with the chosen point in at most n_models - t_pos. In all other models,
            # at least t_pos - t_neg + 1, the point agrees with the chosen one.
            fewest = t_pos - t_neg + 1
            left = near[agree >= fewest] if fewest > 0 else degrees.weights.nonzero()[:, 0]
            leaving = torch.cat([leaving, _without_negative_edge(others, leaving, left, columns, t_neg)])
        if c == 0 and confident is not None:
            degrees.set(graph.n_sources.index_fill(0, leaving, 0))
        else:
            degrees.remove(leaving)
        candidates = degrees.values

    labels = cluster[graph.of_point]
    if confident is not None:
        labels[~confident & (labels > 0)] = -1  # they left the graph after the first mini-cluster
    return labels


def _argmax_degree(degrees: Tensor, first_source: Tensor) -> int | None:
    """Return the signature of highest degree, or None if none is left; ties go to the lowest point index."""
    most = degrees.max()
    if most < 0:
        return None
    tied = (degrees == most).nonzero()[:, 0]
    return int(tied[first_source[tied].argmin()])


def _without_negative_edge(
    members: Tensor, leaving: Tensor, left: Tensor, columns: Tensor, t_neg: int
) -> Tensor:
    """Return the signatures of members and ``left`` to which some member has no strong negative edge.

    Those in ``leaving`` are left out.
    """
    stay = torch.zeros(columns.shape[1], dtype=torch.bool, device=columns.device)
    stay = stay.index_fill(0, left, True).index_fill(0, torch.cat([leaving, members]), False)
    found = [members[~torch.isin(members, leaving)]]  # a member has no negative edge to itself
    fewest = len(columns) - t_neg + 1  # models that agree if there is no strong negative edge
    # In chunks, so that signatures found with one chunk are not compared with the next.
    for piece in members.split(MEMBERS_AT_ONCE):
        left = stay.nonzero()[:, 0]
        ones = torch.ones_like(piece)
        close = agreeing_weight(columns[:, left], columns[:, piece], ones, fewest) > 0
        found.append(left[close])
        stay[left[close]] = False
    return torch.cat(found)


def _as_tensor(name: str, values: Tensor | ArrayLike) -> Tensor:
    """Return a tensor of a dtype that torch can compute with; wide unsigned integers become int64."""
    if not isinstance(values, Tensor):
        try:
            array = np.asarray(values)
        except ValueError as error:  # lists of unequal lengths
            raise InputError(f"{name} must be an array; got no shape for it ({error})") from error
        if array.dtype.kind not in "iubf":
            raise InputError(f"{name} must be numbers; got {array.dtype}")
        values = torch.from_numpy(array.astype(np.int64) if array.dtype.kind in "iu" else array.copy())
    return values.long() if values.dtype in _UNSIGNED else values


def _check_predictions(predictions: Tensor) -> None:
    integer = not (
        predictions.is_floating_point() or predictions.is_complex() or predictions.dtype == torch.bool
    )
    if predictions.ndim != 2 or not integer:
        raise InputError(
            "predictions must be integers of shape [n_models, n], such as outputs.argmax(-1); got "
            f"{predictions.dtype} of shape {tuple(predictions.shape)}"
        )
    if predictions.numel() == 0:
        raise InputError(
            f"predictions must have at least one model and one point; got shape {tuple(predictions.shape)}"
        )
    if int(predictions.min()) < 0:
        raise InputError(f"predictions must be at least 0; got {int(predictions.min())}")


def _check_settings(
    n_models: int, n: int, n_clusters: int, t_pos: int, t_neg: int, confident: Tensor | None, prune: str
) -> None:
    integer(1)("n_clusters", n_clusters)
    for name, value in (("t_pos", t_pos), ("t_neg", t_neg)):
        if not is_integer(value, 1) or value > n_models:
            raise InputError(f"{name} must be a number of models from 1 to {n_models}; got {value}")
    if confident is not None and (confident.dtype != torch.bool or confident.shape != (n,)):
        raise InputError(
            f"confident must be booleans of shape [{n}]; got {confident.dtype} of shape "
            f"{tuple(confident.shape)}"
        )
    choice(*PRUNE)("prune", prune)
