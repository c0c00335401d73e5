"""Methods: estimators in scikit-learn's manner. None but `SemiSupervised` sees labels."""

from kingdra_repro.methods.ensemble import Ensemble
from kingdra_repro.methods.events import Iteration, Monitor, Progress
from kingdra_repro.methods.given_labels import draw_labels
from kingdra_repro.methods.kingdra import Kingdra
from kingdra_repro.methods.semi_supervised import SemiSupervised
from kingdra_repro.methods.single import Single

__all__ = [
    "Ensemble",
    "Iteration",
    "Kingdra",
    "Monitor",
    "Progress",
    "SemiSupervised",
    "Single",
    "draw_labels",
]
