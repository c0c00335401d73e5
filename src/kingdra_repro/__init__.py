"""Kingdra: unsupervised clustering with an ensemble that learns from what its models agree on."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kingdra_repro.methods import Kingdra

__all__ = ["Kingdra"]


def __getattr__(name: str) -> object:
    # Imported when it is asked for: the command line answers --help and the tab key without loading torch.
    if name == "Kingdra":
        from kingdra_repro.methods import Kingdra

        return Kingdra
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
