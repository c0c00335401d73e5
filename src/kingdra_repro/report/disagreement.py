"""How sure an ensemble is of each point: how many of its models say what the ensemble says."""

import numpy as np
import torch

from kingdra_repro.pseudo_labels.alignment import align


def aligned_votes(votes: np.ndarray, labels: np.ndarray, n_clusters: int) -> np.ndarray:
    """Each model's answers in the names of the final clusters.

    Parameters
    ----------
    votes : integer array [n_models, n]
        Each model numbers the clusters as it likes.
    labels : int array [n], the final clusters
    n_clusters : int

    Returns
    -------
    int64 array [n_models, n]
        After the one-to-one match of each model's clusters to the final ones that keeps most points.
    """
    both = torch.from_numpy(np.concatenate([labels[None], votes]).astype(np.int64))
    outputs = align(both, n_clusters)[1:]  # [M, k], the model's name of each final cluster
    return outputs.argsort(1).gather(1, both[1:]).numpy()


def n_agreeing(aligned: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """int array [n]: how many models [n_models, n] give the final cluster of a point."""
    return (aligned == labels).sum(0)


def most_disputed(aligned: np.ndarray, n_shown: int) -> np.ndarray:
    """The points whose votes are spread most evenly over most clusters, the most disputed first.

    Parameters
    ----------
    aligned : int array [n_models, n]
    n_shown : int

    Returns
    -------
    int array [at most n_shown]
        By the entropy of a point's votes, ties to the lowest index; points without any dispute are left out.
    """
    n_models, n = aligned.shape
    # Entropy from sorted votes: [M, n] bytes, where counts of all clusters would be [k, n] numbers.
    votes = np.sort(aligned, axis=0)
    runs = np.zeros((n_models, n), np.int32)  # how many equal votes end here
    entropy = np.zeros(n)
    for model in range(n_models):
        runs[model] = 1
        if model:
            runs[model] += np.where(votes[model] == votes[model - 1], runs[model - 1], 0)
        ends = np.ones(n, bool) if model == n_models - 1 else votes[model] != votes[model + 1]
        share = runs[model] / n_models
        entropy -= np.where(ends, share * np.log(share), 0)
    order = np.argsort(-entropy.round(9), kind="stable")[:n_shown]
    return order[entropy[order] > 1e-9]
