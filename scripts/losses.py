"""Shows that a change leaves the losses as they were.

    python scripts/losses.py before.json      writes the losses of 20 steps, before the change
    python scripts/losses.py before.json      compares, once the file is there

Four Ladder-IM and four Ladder-Dot models on scikit-learn's digits, ten steps without and ten with
pseudo-labels, on one CPU thread; each as a stack of four and as four stacks of one. Exit status 1 if a loss
differs by more than 1e-5 (relative) from the file's, or between the stack and the single models.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch

from kingdra_repro.bases import Base, LadderDot, LadderIM
from kingdra_repro.data import load_digits
from kingdra_repro.ensemble.rows import Rows
from kingdra_repro.ensemble.stack import PseudoLabels, Stack, Step

BASES: dict[str, Base] = {
    "ladder_im": LadderIM(hidden=(256, 256)),
    "ladder_dot": LadderDot(hidden=(256, 256)),
}
TOLERANCE = 1e-5
N, K, STEPS = 640, 10, 10


def trace(base: Base, members: tuple[int, ...]) -> np.ndarray:
    """The total loss of each member at 20 steps: [20, M]."""
    data = load_digits()
    stack = Stack(
        base,
        Rows(data.X[:N], torch.device("cpu")),
        K,
        members,
        batch_size=N // STEPS,
        learning_rate=0.002,
        order="epoch",
        precision="float32",
        seed=0,
    )
    losses: list[np.ndarray] = []

    def keep(step: Step) -> None:
        losses.append(step.losses["loss"].numpy().copy())

    labels = np.where(np.arange(N) < 100, np.arange(N) % K, -1)  # any will do
    outputs = np.stack([np.roll(np.arange(K), m) for m in range(4)])
    stack.train_epoch(0, None, keep)
    stack.train_epoch(1, PseudoLabels(labels, outputs), keep)
    return np.stack(losses)


def difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.max(np.abs(a - b) / np.abs(b)))


def main(path: Path) -> int:
    torch.set_num_threads(1)
    known = json.loads(path.read_text()) if path.exists() else None
    losses: dict[str, list] = {}
    worst = 0.0
    for name, base in BASES.items():
        together = trace(base, (0, 1, 2, 3))
        alone = np.concatenate([trace(base, (m,)) for m in range(4)], axis=1)
        line = f"{name}: stack against single models {difference(together, alone):.1e}"
        worst = max(worst, difference(together, alone))
        if known is not None:
            before = np.array(known[name])
            line += f", against {path} {difference(together, before):.1e}"
            worst = max(worst, difference(together, before))
        print(line + f"; last losses {together[-1].round(4).tolist()}")
        losses[name] = together.tolist()
    if known is None:
        path.write_text(json.dumps(losses))
        print(f"written: {path}")
    print(f"largest relative difference {worst:.1e}, allowed {TOLERANCE:.0e}")
    return int(worst > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])) if len(sys.argv) == 2 else __doc__)
