"""Titles, captions and names used by tables, figures and the page."""

from functools import cache

from kingdra_repro.reproduce.experiments import Heading, experiments

# Batch orders; methods without one have "-".
ORDERS = {"file": "file order", "once": "shuffled once", "shuffled": "shuffled"}

# Text that captions in configs/experiment refer to, as in "{accuracy}; {cells}."
_MEAN = "mean (sample standard deviation over seeds) and number of runs n"
_SHARED = {
    "accuracy": (
        "Accuracy (ACC) in percent after the last iteration; rows named ensemble are the ensemble before the "
        "first pseudo-labels"
    ),
    "mean": _MEAN,
    "cells": f"{_MEAN}, and the difference to the paper's mean",
    "labels": (
        "Percent of the points without a label, given the labels of 1, 2, 5 and 10% of the points of each "
        f"class: {_MEAN}, and the difference to the document's number. The paper here is Baboota, Semi "
        "Supervised Clustering (one run each). Its public code passes the true classes of all points to the "
        "loss (scripts/true_pairs.py), so its numbers are no target for a method that does not see them. "
        "As written, our default, makes pairs of unlabelled points from predicted classes. Autoencoders "
        "train for the document's 100 + 60 epochs on USPS and for 20 + 15 on MNIST, ladder networks for 75 "
        "and 10. NMI is normalised by the arithmetic mean of the two entropies; the document's formula uses "
        "their maximum, its code their geometric mean"
    ),
    "many": (
        "Percent of the points without a label. The percentage before a row's name is the share of each "
        f"class that has labels, at least two points: {_MEAN}. CMU-PIE (pose 27) has 68 classes, COIL-20 and "
        "UMIST have 20. The autoencoder is fully connected and trains for 100 + 60 epochs, Ladder for 100 "
        "(scripts/many_classes_from_labels.py). The paper's numbers (Baboota) are no target, see the table "
        "of NMI"
    ),
    "plus": (
        "Kingdra-plus has five models in every schedule. It trains for eight or sixteen epochs, then for as "
        "many iterations of two epochs; with networks for pictures (affine) for eight epochs on MNIST or "
        "twenty on USPS, then for five iterations of two epochs"
    ),
}


def title(name: str) -> str:
    """Return the table's title, or its name if it has none."""
    heading = _headings().get(name)
    return heading.title if heading else name


def caption(name: str) -> str:
    """Return the table's caption, which says what its cells show; by default accuracy."""
    heading = _headings().get(name)
    text = heading.caption if heading else None
    return (text or "{accuracy}; {cells}.").format_map(_SHARED)


def table_names() -> list[str]:
    """Return the names of the tables that have a heading, in the order in which a report shows them."""
    return list(_headings())


def figure_titles() -> dict[str, str]:
    """Return the titles of figures, by name: figures without a table first, then those with one."""
    found = sorted((one for one in experiments() if one.figure), key=lambda one: one.kind != "figure")
    return {one.name: one.figure for one in found if one.figure}


@cache
def _headings() -> dict[str, Heading]:
    return {name: heading for one in experiments() for name, heading in one.tables.items()}
