"""Pseudo-labels: from the agreement of an ensemble (paper Section 4.2), and by Table 1's alternatives."""

from kingdra_repro.checks import choice, invalid_value
from kingdra_repro.pseudo_labels.baselines import (
    ArgmaxPseudoLabels,
    KMeansPseudoLabels,
    ThresholdPseudoLabels,
)
from kingdra_repro.pseudo_labels.constraints import constrain
from kingdra_repro.pseudo_labels.graph import GraphPseudoLabels
from kingdra_repro.pseudo_labels.labeller import MiniClusters, PseudoLabeller
from kingdra_repro.pseudo_labels.matching import align, average, map_to_outputs
from kingdra_repro.pseudo_labels.mini_clusters import mini_clusters

__all__ = [
    "ArgmaxPseudoLabels",
    "GraphPseudoLabels",
    "KMeansPseudoLabels",
    "MiniClusters",
    "PseudoLabeller",
    "ThresholdPseudoLabels",
    "align",
    "average",
    "constrain",
    "make_pseudo_labeller",
    "map_to_outputs",
    "mini_clusters",
]

_PSEUDO_LABELLERS: dict[str, type[PseudoLabeller]] = {
    "graph": GraphPseudoLabels,
    "argmax": ArgmaxPseudoLabels,
    "kmeans": KMeansPseudoLabels,
    "threshold": ThresholdPseudoLabels,
}


def make_pseudo_labeller(pseudo_labels: str | PseudoLabeller) -> PseudoLabeller:
    """Return the pseudo-labeller of a name with its default settings; an instance is returned unchanged."""
    if isinstance(pseudo_labels, type) or not (isinstance(pseudo_labels, str) or callable(pseudo_labels)):
        what = "a name, or an instance such as GraphPseudoLabels()"
        raise invalid_value(what, "pseudo_labels", pseudo_labels)
    if not isinstance(pseudo_labels, str):
        return pseudo_labels
    choice(*_PSEUDO_LABELLERS)("pseudo_labels", pseudo_labels)
    return _PSEUDO_LABELLERS[pseudo_labels]()
