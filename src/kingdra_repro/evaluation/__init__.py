"""Scores of a clustering against known classes, and measures that need no labels."""

from kingdra_repro.evaluation.information import information_score
from kingdra_repro.evaluation.metrics import ari, clustering_accuracy, matched_classes, nmi, purity, scores
from kingdra_repro.evaluation.n_clusters import NumberOfClusters, choose_n_clusters
from kingdra_repro.evaluation.phases import phase_scores
from kingdra_repro.evaluation.without_labels import unsupervised_measures

__all__ = [
    "NumberOfClusters",
    "ari",
    "choose_n_clusters",
    "clustering_accuracy",
    "information_score",
    "matched_classes",
    "nmi",
    "phase_scores",
    "purity",
    "scores",
    "unsupervised_measures",
]
