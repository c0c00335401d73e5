"""The labels and pairs that a run's method gets with the data; errors use the user's names for them."""

import warnings
from inspect import signature
from typing import Any

import numpy as np
from omegaconf import DictConfig
from sklearn.base import ClassifierMixin

from kingdra_repro.config import labels_to_draw
from kingdra_repro.data.dataset import Dataset
from kingdra_repro.data.links import closure, propagate_labels
from kingdra_repro.data.validation import ScaleWarning
from kingdra_repro.errors import InputError, format_names
from kingdra_repro.methods import draw_labels
from kingdra_repro.methods.clusterer import EmptyClusterWarning
from kingdra_repro.methods.given_labels import ClassWithoutLabel


def given_labels(cfg: DictConfig, data: Dataset, method: str) -> np.ndarray | None:
    """Return the labels that the method learns from, the user's own or drawn ones; None if it has none.

    They include the labels that follow from linked pairs. Points with a label are not scored.
    """
    names = ("labels_per_class", "labels_fraction")
    told = [f"{name}={cfg[name]}" for name in names if cfg[name] is not None]
    to_draw = labels_to_draw(cfg)
    if to_draw is None:
        if told or data.given is not None:
            what = told[0] if data.given is None else "dataset.given"
            raise InputError(
                f"{what} is for methods that learn from labels, not for method={method}: choose "
                "kingdra, semi_supervised, constrained_autoencoder or constrained_kmeans, or leave it out"
            )
        return None
    if data.given is not None:
        if told:
            raise InputError(f"{told[0]} draws labels, and dataset.given gives yours: leave one of them out")
        return data.given
    number, part = (to_draw[name] for name in names)
    if number is None and part is None:
        return None
    drawn = draw_labels(data.y, data.n_clusters, number, cfg.seed, fraction=part)
    if data.links is None:
        return drawn
    return propagate_labels(drawn, closure(len(drawn), data.links), data.class_names)


def fit(method: Any, data: Dataset, given: np.ndarray | None, name: str) -> None:
    """Fit the method; an error about classes without a label gives the user's names of the classes."""
    if given is not None and (given >= 0).all():
        _refuse_labels_of_all(method, data, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ScaleWarning)  # reported when the file was read
            warnings.simplefilter("ignore", EmptyClusterWarning)  # reported by the table at the end
            method.fit(data.X, given, **_pairs(data, method, name))
    except ClassWithoutLabel as error:
        names = data.class_names or []
        called = [names[c] for c in error.classes if c < len(names)]
        without = (
            format_names(called)
            if called
            else f"{len(error.classes)} of n_clusters={data.n_clusters} classes"
        )
        raise InputError(
            f"dataset.given has no label of {without}, and method={name} needs some of each class: label a "
            "row of each, or choose method=kingdra, which finds such classes like clusters"
        ) from error


def _refuse_labels_of_all(method: Any, data: Dataset, name: str) -> None:
    """Raise InputError if labels of all rows would be ignored, or would leave no row to score.

    A clusterer ignores a ``y`` without -1, as in scikit-learn.
    """
    every = "dataset.given has a label of every row, counting those that follow from pairs"
    if not isinstance(method, ClassifierMixin):
        raise InputError(
            f"{every}: none is left for method={name} to cluster; blank those of the rows in question, or "
            "choose method=semi_supervised, which learns from all"
        )
    if data.y is not None:
        raise InputError(f"{every}: none is left that dataset.labels would score; leave dataset.labels out")


def _pairs(data: Dataset, method: Any, name: str) -> dict[str, np.ndarray]:
    """Return the pairs that the method learns from, as keyword arguments of its ``fit``."""
    if data.links is None:
        return {}
    if "must_link" not in signature(method.fit).parameters:
        raise InputError(
            f"dataset.links is for methods that learn from pairs, not for method={name}: choose "
            "kingdra, semi_supervised or constrained_autoencoder, or leave it out"
        )
    return dict(vars(data.links))
