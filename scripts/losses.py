"""Shows what a change, or a faster way of computing, makes of the losses, step by step.

    python scripts/losses.py before.json            writes the losses of 20 steps, before a change
    python scripts/losses.py before.json            compares with them, once the file is there
    python scripts/losses.py before.json fast       the faster ways, too: bfloat16 products, torch.compile
    python scripts/losses.py before.json fast cuda  and, on a GPU, TF32 products and CUDA graphs

Four models each of Ladder-IM, Ladder-Dot and IMSAT (VAT) on scikit-learn's digits, ten steps without and ten
with pseudo-labels. Relative differences of the total loss from the plain way (a stack of four, float32, no
fusing, one thread or one launch for each operation), at steps 1, 2, 5, 10 and 20: the largest of the four
models. Exit status 1 if the plain way differs from the file by more than 1e-5, or from four stacks of one (on
a GPU, whose library takes other ways through a product of another size: at the first step).
Ways that round differently part from the plain one step by step, since Adam's first steps have one length
however small a gradient is; that the first steps agree shows that they compute the same. Exit status 1, too,
if they do not, within what each way rounds.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from kingdra_repro.bases import IMSATVAT, Base, LadderDot, LadderIM
from kingdra_repro.data import load_digits
from kingdra_repro.training import step as training_step
from kingdra_repro.training.rows import Rows
from kingdra_repro.training.stack import PseudoLabels, Stack, StepDone

BASES: dict[str, Base] = {
    "ladder_im": LadderIM(hidden=(256, 256)),
    "ladder_dot": LadderDot(hidden=(256, 256)),
    "imsat_vat": IMSATVAT(hidden=(256, 256)),
}
TOLERANCE = 1e-5
# Of the faster ways: so many steps may differ by so much. A CUDA graph replays from the second step on.
FAST = {"bfloat16": (1, 1e-3), "tf32": (1, 1e-3), "compiled": (1, 1e-5), "CUDA graph": (3, 1e-3)}
N, K, STEPS = 640, 10, 10
SHOWN = (1, 2, 5, 10, 20)


def trace(
    base: Base,
    members: tuple[int, ...],
    device: torch.device,
    precision: str = "float32",
    compile: bool = False,
    graph: bool = False,
) -> np.ndarray:
    """The total loss of each member at 20 steps: [20, M]."""
    training_step.STEPS_BEFORE_CAPTURE = 1 if graph else 10**9
    X = load_digits().X[:N]
    radii = base.radii(X, device)
    stack = Stack(
        base,
        Rows(X, device),
        K,
        members,
        batch_size=N // STEPS,
        learning_rate=0.002,
        order="epoch",
        precision=precision,
        compile=compile,
        seed=0,
        radii=None if radii is None else torch.from_numpy(radii).to(device),
    )
    losses: list[np.ndarray] = []

    def keep(step: StepDone) -> None:
        losses.append(step.losses["loss"].cpu().numpy().copy())

    labels = np.where(np.arange(N) < 100, np.arange(N) % K, -1)  # any will do
    outputs = np.stack([np.roll(np.arange(K), m) for m in range(4)])
    stack.train_epoch(None, keep)
    stack.train_epoch(PseudoLabels(labels, outputs), keep)
    return np.stack(losses)


def difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The largest relative difference of the models at each step: [20]."""
    return np.max(np.abs(a - b) / np.abs(b), axis=1)


def main(path: Path, fast: bool, device: torch.device) -> int:
    torch.set_num_threads(1)
    known = json.loads(path.read_text()) if path.exists() else None
    losses: dict[str, list] = {}
    worst = 0.0
    wrong: list[str] = []
    print(f"{'relative difference at step':<34}" + "".join(f"{step:>9}" for step in SHOWN))
    for name, base in BASES.items():
        plain = trace(base, (0, 1, 2, 3), device)
        losses[name] = plain.tolist()

        def show(
            what: str,
            other: np.ndarray,
            steps: int = 2 * STEPS,
            name: str = name,
            plain: np.ndarray = plain,
        ) -> float:
            found = difference(other, plain)
            print(f"{name + ', ' + what:<34}" + "".join(f"{found[step - 1]:>9.1e}" for step in SHOWN))
            return float(found[:steps].max())

        alone = np.concatenate([trace(base, (m,), device) for m in range(4)], axis=1)
        must_be_equal = 1 if device.type == "cuda" else 2 * STEPS
        worst = max(worst, show("four stacks of one", alone, must_be_equal))
        if known is not None and name in known:
            worst = max(worst, show(str(path.name), np.array(known[name])))
        ways: dict[str, Callable[[], np.ndarray]] = {}
        if fast:
            ways["bfloat16"] = lambda base=base: trace(base, (0, 1, 2, 3), device, "bfloat16")
            ways["compiled"] = lambda base=base: trace(base, (0, 1, 2, 3), device, compile=True)
        if fast and device.type == "cuda":
            ways["tf32"] = lambda base=base: trace(base, (0, 1, 2, 3), device, "tf32")
            ways["CUDA graph"] = lambda base=base: trace(base, (0, 1, 2, 3), device, graph=True)
        for what, way in ways.items():
            steps, allowed = FAST[what]
            found = show(what, way(), steps)
            if found > allowed:
                wrong.append(
                    f"{name}, {what}: {found:.1e} within the first {steps} steps, allowed {allowed:.0e}"
                )
    if known is None:
        path.write_text(json.dumps(losses))
        print(f"written: {path}")
    print(f"largest difference of what must be equal: {worst:.1e}, allowed {TOLERANCE:.0e}")
    for line in wrong:
        print(line)
    return int(worst > TOLERANCE or bool(wrong))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(
        main(Path(sys.argv[1]), "fast" in sys.argv, torch.device("cuda" if "cuda" in sys.argv else "cpu"))
    )
