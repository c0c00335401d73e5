"""Base models, each with a config in configs/base. Every method that trains an ensemble takes any `Base`."""

from collections.abc import Callable, Sequence
from functools import partial

from kingdra_repro.bases.base import Base, Batch, mixed
from kingdra_repro.bases.clustering_ladder import LadderDot, LadderIM
from kingdra_repro.bases.imsat import IMSATRPT, IMSATVAT
from kingdra_repro.bases.ladder import Ladder
from kingdra_repro.bases.pictures import IMSATAffine
from kingdra_repro.bases.rim import RIM
from kingdra_repro.checks import choice, invalid_value
from kingdra_repro.errors import InputError

__all__ = [
    "IMSATRPT",
    "IMSATVAT",
    "RIM",
    "Base",
    "Batch",
    "IMSATAffine",
    "Ladder",
    "LadderDot",
    "LadderIM",
    "make_base",
    "make_bases",
    "mixed",
]

_BASES: dict[str, Callable[[], Base]] = {
    "ladder_im": LadderIM,
    "ladder_dot": LadderDot,
    "imsat_vat": IMSATVAT,
    "imsat_rpt": IMSATRPT,
    "imsat_affine": IMSATAffine,
    "deep_rim": RIM,
    "linear_rim": partial(RIM, hidden=(), weight_decay=1e-4),
    "ladder": Ladder,
}


def make_base(base: str | Base, parameter: str = "base") -> Base:
    """Return the base model of a name with its default settings; an instance is returned unchanged.

    ``parameter`` is the user's name of the value, for messages.
    """
    if isinstance(base, type) or not (isinstance(base, str) or hasattr(base, "losses")):
        raise invalid_value("the name of a base model, or an instance such as LadderIM()", parameter, base)
    if not isinstance(base, str):
        return base
    choice(*_BASES)(parameter, base)
    return _BASES[base]()


def make_bases(base: str | Base | Sequence[str | Base], n_models: int, parameter: str = "base") -> list[Base]:
    """Return the base of each ensemble member; several bases alternate: a mixed ensemble (Section 7).

    ``parameter`` is the user's name of the value, for messages.
    """
    if isinstance(base, Sequence) and not isinstance(base, str):
        if not base:
            raise invalid_value("a list of one base model or more", parameter, base)
        if len(base) > n_models:
            raise InputError(
                f"{parameter} has {len(base)} kinds, and n_models={n_models}: "
                "give at least one model of each kind",
                parameter=parameter,
            )
        return [make_base(base[m % len(base)], parameter) for m in range(n_models)]
    return [make_base(base, parameter)] * n_models
