"""Which outputs of different models mean the same cluster."""

import torch
from torch import Tensor

from kingdra_repro.errors import InputError
from kingdra_repro.pseudo_labels.mapping import best_match, contingency


@torch.no_grad()
def align(predictions: Tensor, n_clusters: int) -> Tensor:
    """Match each model's outputs one to one to those of the first model, over all points.

    Models trained without labels number their clusters as they like; before their outputs are averaged,
    output c of each has to mean the same.

    Parameters
    ----------
    predictions : integer tensor [n_models, n]
        Each model's predicted output, 0..n_clusters-1.
    n_clusters : int
        k, the number of outputs.

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
    if predictions.ndim != 2:
        raise InputError(f"predictions: got shape {tuple(predictions.shape)}; give [n_models, n]")
    counts = contingency(predictions[0], predictions, n_clusters)
    matches = torch.stack([best_match(of_model) for of_model in counts])
    # An output that no point has could be swapped with another of its kind at no loss.
    matches[0] = torch.arange(n_clusters, device=predictions.device)
    return matches


def average(proba: Tensor, outputs: Tensor) -> Tensor:
    """Mean over the models of outputs [M, n, k], each put in its order [M, k] first: Tensor [n, k]."""
    order = outputs[:, None, :].expand_as(proba)
    return proba.gather(2, order).mean(0)
