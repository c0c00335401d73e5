"""Methods: estimators in scikit-learn's manner, which find clusters and never see labels."""

from kingdra_repro.methods.ensemble import Ensemble
from kingdra_repro.methods.events import Iteration, Monitor, Progress
from kingdra_repro.methods.kingdra import Kingdra
from kingdra_repro.methods.single import Single

__all__ = ["Ensemble", "Iteration", "Kingdra", "Monitor", "Progress", "Single"]
