"""Training options of networks: the parameters that an estimator passes to its stacks as one object."""

from dataclasses import dataclass, fields
from typing import ClassVar

from kingdra_repro.checks import Check, choice, integer, non_negative, positive

ORDERS = ("file", "once", "epoch")
PRECISIONS = ("float32", "tf32", "bfloat16")
# Parameters that do not identify a run: they change only rounding and, on a GPU, the random noise.
WITHOUT_EFFECT = frozenset(
    {"device", "n_jobs", "compile", "checkpoint_dir", "autoencoder_dir", "monitor", "verbose"}
)


@dataclass(eq=False, kw_only=True)
class TrainingOptions:
    """The options for training the members of an ensemble.

    Ensemble estimators inherit these parameters, the settings ``training.*`` of the command line have their
    names and types, and a `Stack` gets them as one object. A new option is added here, where it is used, in
    the configs, and in `kingdra_repro.runs.folder.AS_BEFORE`, so that earlier runs keep their hash.

    Parameters
    ----------
    batch_size : int, default=64
    learning_rate : float, default=0.002
        Learning rate of Adam.
    decay_epochs : float, default=0
        Number of epochs at the end of each phase in which the learning rate falls linearly to 0; 0: it is
        constant, as in the public code. Rasmus et al. (2015) let it fall in the last third of the training.
    order : {"epoch", "once", "file"}, default="epoch"
        Order of the rows in epochs without pseudo-labels: reshuffled each time, shuffled once, or file order.
    precision : {"float32", "tf32", "bfloat16"}, default="float32"
        Of the matrix products; everything else is float32. "tf32" affects only training on a GPU.
    compile : {"auto", True, False}, default="auto"
        Whether ``torch.compile`` fuses elementwise operations; "auto": on a GPU, with the versions of PyTorch
        that were found to compute correct gradients (not 2.11). The first steps then take longer, up to a
        minute or so. If compiled losses or gradients differ from uncompiled ones, a warning is issued and the
        training continues without compilation.
    """

    checks: ClassVar[dict[str, Check]] = {
        "batch_size": integer(2),
        "learning_rate": positive,
        "decay_epochs": non_negative,
        "order": choice(*ORDERS),
        "precision": choice(*PRECISIONS),
        "compile": choice("auto", True, False),
    }

    batch_size: int = 64
    learning_rate: float = 0.002
    decay_epochs: float = 0.0
    order: str = "epoch"
    precision: str = "float32"
    compile: bool | str = "auto"


def options_of(estimator: TrainingOptions) -> TrainingOptions:
    """Return only the training options of an estimator that inherits them."""
    return TrainingOptions(
        **{option.name: getattr(estimator, option.name) for option in fields(TrainingOptions)}
    )
