"""Base models: one file and one config each; every scheme works with every base.

A base is a frozen dataclass of hyper-parameters with two methods: ``build`` makes a stack of M networks, ``losses``
gives the terms of its objective on one batch. Its network has ``sample_noise``, ``forward`` (logits) and
``set_moments``.
"""

from kingdra_repro.bases.ladder import Ladder
from kingdra_repro.bases.ladder_dot import LadderDot
from kingdra_repro.bases.ladder_im import LadderIM

__all__ = ["Ladder", "LadderDot", "LadderIM"]
