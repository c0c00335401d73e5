"""Kingdra: unsupervised clustering with an ensemble that learns from what its models agree on."""

from kingdra_repro.methods import Kingdra

__all__ = ["Kingdra"]
