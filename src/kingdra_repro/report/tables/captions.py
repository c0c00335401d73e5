"""Titles, captions and names used by tables, figures and the page."""

from functools import cache

from kingdra_repro.reproduce.experiments import Heading, experiments

# Batch orders; methods without one have "-".
ORDERS = {"file": "file order", "once": "shuffled once", "shuffled": "shuffled"}

# Text that captions in configs/experiment refer to, as in "{accuracy}; {cells}."
_MEAN = "mean (standard deviation over seeds, with n - 1), the number of runs n"
_SHARED = {
    "accuracy": (
        "Accuracy (ACC, percent) after the last iteration, of the ensembles after the phase without "
        "pseudo-labels"
    ),
    "mean": _MEAN,
    "cells": f"{_MEAN}, and the difference to the paper's mean",
    "labels": (
        "Percent, of the points without a label, from 1, 2, 5 and 10% of the labels of each class; "
        f"{_MEAN}, and the difference to the document's number. The paper here is Baboota, Semi Supervised "
        "Clustering, one run each: its public code hands the true classes of all points to the loss "
        "(scripts/true_pairs.py), so that its numbers are no bar for a method that is not given them. "
        "As written, which is the default, makes pairs of unlabelled points from predicted classes. "
        "Autoencoders have its 100 + 60 epochs on USPS and 20 + 15 on MNIST; ladder networks 75 and 10. NMI "
        "is over the arithmetic mean of the two entropies; the document's formula has their maximum, its "
        "code their geometric mean"
    ),
    "many": (
        "Percent, of the points without a label, from that part of the labels of each class which stands "
        f"before the row's name, two of each at least; {_MEAN}. CMU-PIE (pose 27) has 68 classes, COIL-20 "
        "and UMIST 20; the autoencoder is the fully connected one, with 100 + 60 epochs, Ladder has 100 "
        "(scripts/many_classes_from_labels.py). The paper's numbers (Baboota) are no bar: see the table of "
        "NMI"
    ),
    "plus": (
        "Kingdra-plus has five models, and eight or sixteen epochs followed by as many iterations of two, "
        "whatever the schedule of the others; with networks for pictures (affine) eight epochs on MNIST and "
        "twenty on USPS, followed by five iterations of two"
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


def titled() -> list[str]:
    """Return the names of the tables that have a heading, in the order in which a report shows them."""
    return list(_headings())


def figure_titles() -> dict[str, str]:
    """Return the titles of figures, by name: figures without a table first, then those with one."""
    found = sorted((one for one in experiments() if one.figure), key=lambda one: one.kind != "figure")
    return {one.name: one.figure for one in found if one.figure}


@cache
def _headings() -> dict[str, Heading]:
    return {name: heading for one in experiments() for name, heading in one.tables.items()}
