"""Kingdra: unsupervised clustering with an ensemble that learns from what its models agree on."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kingdra_repro.methods import Kingdra
    from kingdra_repro.runs.model import load

    __version__: str

__all__ = ["Kingdra", "__version__", "load"]


def __getattr__(name: str) -> object:
    # Imported on demand, so that --help and tab completion do not load torch.
    match name:
        case "Kingdra":
            from kingdra_repro.methods import Kingdra

            return Kingdra
        case "load":
            from kingdra_repro.runs.model import load

            return load
        case "__version__":
            from kingdra_repro.version import package_version

            return package_version()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
