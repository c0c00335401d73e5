"""Data sets: one file a source, all returning a `Dataset`."""

from kingdra_repro.data.cifar10 import load_cifar10
from kingdra_repro.data.custom import load_custom
from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.digits import load_digits
from kingdra_repro.data.mnist import load_mnist
from kingdra_repro.data.newsgroups import load_newsgroups
from kingdra_repro.data.reuters import load_reuters
from kingdra_repro.data.stl import load_stl
from kingdra_repro.data.usps import load_usps
from kingdra_repro.data.validation import validate

__all__ = [
    "Dataset",
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
