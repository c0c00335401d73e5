"""Algorithm 1 as written: n x n arrays, point by point. The package must find the same mini-clusters."""

import numpy as np


def mini_clusters(predictions, n_clusters, t_pos, t_neg, confident=None, prune="chosen"):
    n_models, n = predictions.shape
    n_agree = sum((row[:, None] == row[None, :]).astype(int) for row in predictions)
    positive = n_agree >= t_pos
    negative = n_models - n_agree >= t_neg
    sources = np.ones(n, dtype=bool) if confident is None else confident
    positive[~sources] = False
    in_graph = np.ones(n, dtype=bool)
    labels = np.full(n, -1)

    for c in range(n_clusters):
        best, degree = None, -1
        for x in range(n):
            if in_graph[x] and sources[x] and (positive[x] & in_graph).sum() > degree:
                best, degree = x, (positive[x] & in_graph).sum()
        if best is None:
            break
        members = [x for x in range(n) if in_graph[x] and (positive[best, x] or x == best)]
        for x in members:
            if labels[x] < 0:
                labels[x] = c
        for x in range(n):
            near = [best] if prune == "chosen" else members
            if any(not negative[x, y] for y in near):
                in_graph[x] = False
        in_graph &= sources
    return labels
