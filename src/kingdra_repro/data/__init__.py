"""Data sets: one file a source, all returning a `Dataset`."""

from kingdra_repro.data.custom import load_custom
from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.digits import load_digits
from kingdra_repro.data.mnist import load_mnist
from kingdra_repro.data.validation import validate

__all__ = ["Dataset", "load_custom", "load_digits", "load_mnist", "validate"]
