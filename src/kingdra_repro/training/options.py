"""How networks are trained: the parameters that go from an estimator to the stack, as one."""

from dataclasses import dataclass, fields
from typing import ClassVar

from kingdra_repro.checks import Check, choice, integer, non_negative, positive

ORDERS = ("file", "once", "epoch")
PRECISIONS = ("float32", "tf32", "bfloat16")
# Where a fit runs and who watches are not part of what a run is: they change rounding and, on a GPU, noise.
WITHOUT_EFFECT = frozenset(
    {"device", "n_jobs", "compile", "checkpoint_dir", "autoencoder_dir", "monitor", "verbose"}
)


@dataclass(eq=False, kw_only=True)
class TrainingOptions:
    """How the members of an ensemble are trained.

    The estimators of ensembles inherit these parameters, the settings ``training.*`` of the command line
    their names and types, and a `Stack` is handed them whole: a new option is written here, where it is used,
    in the configs, and, as runs from before it keep their hash, in `kingdra_repro.runs.folder.AS_BEFORE`.

    Parameters
    ----------
    batch_size : int, default=64
    learning_rate : float, default=0.002
        Of Adam.
    decay_epochs : float, default=0
        The last so many epochs of the training, in which the learning rate falls to 0, linearly; 0: it is
        constant, as in the public code. Rasmus et al. (2015) let it fall in the last third.
    order : {"epoch", "once", "file"}, default="epoch"
        Order of the batches: shuffled in each epoch, shuffled once, or as the rows come.
    precision : {"float32", "tf32", "bfloat16"}, default="float32"
        Of the matrix products; everything else is float32. "tf32" is of training on a GPU alone.
    compile : {"auto", True, False}, default="auto"
        Whether ``torch.compile`` fuses elementwise operations; "auto": on a GPU, with the versions of PyTorch
        that were found to compute gradients rightly (not 2.11). The first steps then take longer, up to a
        minute or so. Where losses or gradients are not those of the plain way, a warning says so, and nothing
        is compiled.
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
    """Return the options alone, of an estimator that inherits them."""
    return TrainingOptions(
        **{option.name: getattr(estimator, option.name) for option in fields(TrainingOptions)}
    )
