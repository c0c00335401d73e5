"""Data sets: one loader per source (see `sources`), each of which returns a `Dataset`."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kingdra_repro.data.dataset import Dataset
    from kingdra_repro.data.sources.cifar10 import load_cifar10
    from kingdra_repro.data.sources.custom import load_custom
    from kingdra_repro.data.sources.digits import load_digits
    from kingdra_repro.data.sources.mnist import load_mnist
    from kingdra_repro.data.sources.newsgroups import load_newsgroups
    from kingdra_repro.data.sources.reuters import load_reuters
    from kingdra_repro.data.sources.stl import load_stl
    from kingdra_repro.data.sources.usps import load_usps
    from kingdra_repro.data.streamed import StreamedMatrix
    from kingdra_repro.data.validation import validate

__all__ = [
    "Dataset",
    "StreamedMatrix",
    "load_cifar10",
    "load_custom",
    "load_digits",
    "load_mnist",
    "load_newsgroups",
    "load_reuters",
    "load_stl",
    "load_usps",
    "validate",
]


def __getattr__(name: str) -> object:
    # Imported on demand: a loader may import torch, which `kingdra-run --help` does not need.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = {"Dataset": "dataset", "StreamedMatrix": "streamed", "validate": "validation"}.get(name)
    room = room or f"sources.{name.removeprefix('load_')}"
    return getattr(import_module(f"{__name__}.{room}"), name)
