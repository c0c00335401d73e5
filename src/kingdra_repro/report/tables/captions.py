"""What tables, figures and the page call things."""

# In the order in which a report shows them.
TITLES = {
    "table2": "Clustering accuracy (Table 2)",
    "batch_order": "Order of the batches",
    "table1": "Other ways to make pseudo-labels (Table 1)",
    "ensemble_size": "Number of models in the ensemble (C.1)",
    "fully_connected": "How nearly mini-clusters are cliques (Section 4.2.1)",
    "thresholds": "Thresholds of the graph",
    "cost": "Cost (C.2)",
    "beyond": "Other bases for Kingdra, which the paper names as possible",
    "semi_supervised": "One model from ten labels a class",
    "digits": "scikit-learn's digits",
}

# Orders of the batches; methods that have none have "-".
ORDERS = {"file": "file order", "once": "shuffled once", "shuffled": "shuffled"}

_ACCURACY = (
    "Accuracy (ACC, percent) after the last iteration, of the ensembles after the phase without pseudo-labels"
)
_MEAN = "mean (standard deviation over seeds, with n - 1), the number of runs n"
_CELLS = f"{_MEAN}, and the difference to the paper's mean"
_PLUS = (
    "Kingdra-plus has five models, and eight or sixteen epochs followed by as many iterations of two, "
    "whatever the schedule of the others"
)

CAPTIONS = {
    "table2": (
        f"{_ACCURACY}; {_CELLS}. Only MNIST is exactly the paper's data: the features of STL and CIFAR10 are "
        "of another extraction, Reuters is another sample of documents, 20news has 18,846 messages where the "
        "paper has 18,040. Rows without a line of the paper are ours; their settings were found with labels "
        "in view (results/NOTES.md). DeepCluster's accuracy swings between iterations (Figure 5). "
        f"{_PLUS}."
    ),
    "batch_order": f"{_ACCURACY}; {_CELLS}. {_PLUS}; it was found with labels in view (results/NOTES.md).",
    "table1": f"Accuracy of the first pseudo-labels, and of the clusters after the last iteration; {_CELLS}.",
    "beyond": (
        f"{_ACCURACY}; {_CELLS}; linear RIM's is of Hu et al. (2017). Kingdra on IMSAT has five models, on "
        "others ten; the radius of 2 was found with labels in view (results/NOTES.md). On ladder networks k "
        "mini-clusters that are not empty are trained on, as in the public code, on the others k with a "
        "twentieth of n / k points each."
    ),
    "semi_supervised": f"Accuracy on the points without a label, in percent; {_MEAN}.",
    "digits": f"{_ACCURACY}; {_MEAN}.",
    "ensemble_size": f"Accuracy (ACC, percent) of Kingdra-Ladder-IM after the last iteration; {_CELLS}.",
    "cost": f"Seconds of wall time, the paper's on four P100 GPUs; {_CELLS}.",
    "thresholds": (
        "Algorithm 1 on what the models of Kingdra-Ladder-IM answered after the phase without pseudo-labels: "
        "mini-clusters found, pseudo-labelled points, points in the smallest mini-cluster, purity of the "
        f"pseudo-labels; {_MEAN}."
    ),
    "fully_connected": (
        "Points of a mini-cluster that are joined to all its others, and pairs in it that are joined, in "
        "percent, where both thresholds are 100% or 90% of the models: the paper's words can mean either; "
        f"{_CELLS}."
    ),
}


def title(name: str) -> str:
    """The table's title; its name where none is written down."""
    return TITLES.get(name, name)


def caption(name: str) -> str:
    """What its cells show; accuracy where nothing else is written down."""
    return CAPTIONS.get(name, f"{_ACCURACY}; {_CELLS}.")
