"""Unlike bases for one ensemble: the diversity that Section 7 of the paper asks for."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from kingdra_repro.bases.base import Base


def mixed(members: Mapping[str, "partial[Base]"], **shared: Any) -> list[Base]:
    """The bases that the models of an ensemble take in turn.

    Parameters
    ----------
    members : for each, by a name of the user's, its class with the settings that set it apart
    shared : settings that all have; a member's own win

    Examples
    --------
    >>> from functools import partial
    >>> from kingdra_repro.bases import LadderDot, LadderIM
    >>> kinds = {"im": partial(LadderIM), "noisy": partial(LadderDot, noise_std=0.6)}
    >>> [base.noise_std for base in mixed(kinds, noise_std=0.3)]
    [0.3, 0.6]
    """
    return [member.func(**{**shared, **member.keywords}) for member in members.values()]
