"""Scores of a clustering against known classes, and what is watched while a run goes on."""

from kingdra_repro.evaluation.metrics import ari, clustering_accuracy, matched_classes, nmi, purity, scores
from kingdra_repro.evaluation.phases import phase_scores
from kingdra_repro.evaluation.without_labels import information_score

__all__ = [
    "ari",
    "clustering_accuracy",
    "information_score",
    "matched_classes",
    "nmi",
    "phase_scores",
    "purity",
    "scores",
]
