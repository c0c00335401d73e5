"""Names and types of the top-level settings, so that a wrong one is told before anything runs.

Values are in configs/config.yaml alone. The groups (data set, method, base, pseudo-labels) are checked by
what they instantiate.
"""

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING


@dataclass
class EnsembleSettings:
    size: int = MISSING
    mapping: str = MISSING


@dataclass
class TrainingSettings:
    iterations: int = MISSING
    first_epochs: int = MISSING
    epochs: int = MISSING
    batch_size: int = MISSING
    learning_rate: float = MISSING
    order: str = MISSING
    precision: str = MISSING


@dataclass
class Settings:
    dataset: Any = MISSING
    method: Any = MISSING
    base: Any = MISSING
    pseudo_labels: Any = MISSING
    seed: int = MISSING
    device: str = MISSING
    n_clusters: int | None = MISSING
    output_dir: str = MISSING
    mirror: str | None = MISSING
    data_dir: str | None = MISSING
    keep_checkpoint: bool = MISSING
    ensemble: EnsembleSettings = field(default_factory=EnsembleSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)


def register_schema() -> None:
    """Make the schema known to Hydra, as the entry ``schema`` of configs/config.yaml's defaults."""
    ConfigStore.instance().store(name="schema", node=Settings)
