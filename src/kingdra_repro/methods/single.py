"""The single scheme: one model without labels."""

from pathlib import Path

import numpy as np

from kingdra_repro.bases import Base
from kingdra_repro.methods.ensemble import Ensemble
from kingdra_repro.methods.events import Monitor


class Single(Ensemble):
    """One model trained without labels: the paper's rows of Ladder-IM, Ladder-Dot, Deep RIM and IMSAT.

    It is the ensemble of one; see `Ensemble` for the parameters and attributes.
    """

    n_models = 1
    n_jobs = None

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        base: str | Base = "ladder_im",
        epochs: int = 5,
        batch_size: int = 64,
        learning_rate: float = 0.002,
        decay_epochs: float = 0.0,
        order: str = "epoch",
        precision: str = "float32",
        compile: bool | str = "auto",
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        checkpoint_dir: str | Path | None = None,
        monitor: Monitor | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.base = base
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.decay_epochs = decay_epochs
        self.order = order
        self.precision = precision
        self.compile = compile
        self.device = device
        self.random_state = random_state
        self.checkpoint_dir = checkpoint_dir
        self.monitor = monitor
