"""A table that is read in blocks: what messages about one of them need to know, and what is left of all."""

import logging
from dataclasses import dataclass, field

from kingdra_repro.errors import InputError

log = logging.getLogger(__name__)


@dataclass
class Part:
    """Which part of a table a block of its rows is.

    Attributes
    ----------
    first_row : int
    told : set of str, columns whose new words have been told
    """

    first_row: int = 0
    told: set[str] = field(default_factory=set)


def check_dropped(n_left: int, n: int, source: str) -> None:
    """Tell how many of n rows missing="drop" has left out; InputError where it is all of them."""
    if not n_left:
        raise InputError(
            f"{source} has missing cells in every row: give kingdra-run dataset.missing=mean or median"
        )
    if n_left < n:
        log.warning("%d of %d rows of %s have missing cells and are left out", n - n_left, n, source)
