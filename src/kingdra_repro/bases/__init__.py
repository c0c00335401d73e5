"""Base models: one file and one config each; every scheme works with every base.

A base is a frozen dataclass of hyper-parameters with two methods: ``build`` makes a stack of M networks,
``losses`` gives the terms of its objective on one batch. Its network has ``sample_noise``, ``forward``
(logits) and ``set_moments``.
"""

from kingdra_repro.bases.ladder import Ladder
from kingdra_repro.bases.ladder_dot import LadderDot
from kingdra_repro.bases.ladder_im import LadderIM
from kingdra_repro.errors import InputError

__all__ = ["Ladder", "LadderDot", "LadderIM", "make_base"]

_BASES: dict[str, type[Ladder]] = {"ladder_im": LadderIM, "ladder_dot": LadderDot}


def make_base(base: str | Ladder) -> Ladder:
    """The base model of a name with its default settings; an instance is returned as it is."""
    if isinstance(base, Ladder):
        return base
    if base not in _BASES:
        raise InputError(f"base={base!r} is unknown: choose one of {', '.join(_BASES)}")
    return _BASES[base]()
