"""Estimators with scikit-learn's interface. They use no labels except partial labels passed to ``fit``."""

from kingdra_repro.methods.agglomerative import Agglomerative
from kingdra_repro.methods.autoencoder_kmeans import DAEKMeans, DVAEKMeans
from kingdra_repro.methods.classifiers import LogisticRegression, NearestLabelled
from kingdra_repro.methods.constrained_autoencoder import ConstrainedAutoencoder
from kingdra_repro.methods.constrained_kmeans import ConstrainedKMeans
from kingdra_repro.methods.dec import DEC
from kingdra_repro.methods.deepcluster import DeepCluster
from kingdra_repro.methods.ensemble import Ensemble, Single
from kingdra_repro.methods.given_labels import draw_labels
from kingdra_repro.methods.kingdra import Kingdra
from kingdra_repro.methods.kingdra_plus import KingdraPlus
from kingdra_repro.methods.kmeans import KMeans
from kingdra_repro.methods.questions import choose_pairs, choose_questions
from kingdra_repro.methods.semi_supervised import SemiSupervised
from kingdra_repro.training.events import Iteration, Monitor, Progress

__all__ = [
    "DEC",
    "Agglomerative",
    "ConstrainedAutoencoder",
    "ConstrainedKMeans",
    "DAEKMeans",
    "DVAEKMeans",
    "DeepCluster",
    "Ensemble",
    "Iteration",
    "KMeans",
    "Kingdra",
    "KingdraPlus",
    "LogisticRegression",
    "Monitor",
    "NearestLabelled",
    "Progress",
    "SemiSupervised",
    "Single",
    "choose_pairs",
    "choose_questions",
    "draw_labels",
]
