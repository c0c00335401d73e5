"""Pseudo-labels from the agreement of an ensemble (paper Section 4.2)."""

from kingdra_repro.pseudo_labels.alignment import align
from kingdra_repro.pseudo_labels.graph import GraphPseudoLabels, MiniClusters
from kingdra_repro.pseudo_labels.graph_clustering import mini_clusters
from kingdra_repro.pseudo_labels.mapping import map_to_outputs

__all__ = ["GraphPseudoLabels", "MiniClusters", "align", "map_to_outputs", "mini_clusters"]
