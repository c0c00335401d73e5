"""Shows what a change, or a faster way of computing, makes of losses and gradients.

    python scripts/losses.py before.json             writes the losses of 20 steps, before a change
    python scripts/losses.py before.json             compares with them, once the file is there
    python scripts/losses.py before.json fast        the faster ways, too: bfloat16 products, torch.compile
    python scripts/losses.py before.json fast cuda   and, on a GPU, TF32 products and CUDA graphs

Names of bases and precisions choose among these: ``fast ladder_im bfloat16``. Compiling takes its time.

Four models of each base on scikit-learn's digits, ten steps without and ten with pseudo-labels (Ladder, which
learns from labels alone: all with). Relative differences of the total loss from the plain way (a stack of
four, float32, no fusing, one thread or one launch for each operation), at steps 1, 2, 5, 10 and 20: the
largest of the four models. Exit status 1 if the plain way differs from the file by more than 1e-5, or from
four stacks of one (on a GPU, whose library takes other ways through a product of another size: at the first
step).

The faster ways start anew without and with pseudo-labels. Of each: of all parameters' gradients the one
furthest from the plain way's at the first step that is fast, relative to its length; and the losses of steps
2 to 5, which these gradients have made. Products in bfloat16 and TF32 are compared with those in float32;
what is compiled or recorded with launches in the same precision. Exit status 1, too, where they differ by
more than rounding does, or where the program itself finds a fast way wrong. Later steps say less: Adam's
first steps have one length however small a gradient is, so that ways that round differently part.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from kingdra_repro.bases import IMSATVAT, RIM, Base, LadderDot, LadderIM, make_base
from kingdra_repro.data import load_digits
from kingdra_repro.training import step as training_step
from kingdra_repro.training.options import TrainingOptions
from kingdra_repro.training.rows import Rows
from kingdra_repro.training.stack import Stack, StepDone
from kingdra_repro.training.supervised import PseudoLabels

BASES: dict[str, Base] = {
    "ladder_im": LadderIM(hidden=(256, 256)),
    "ladder_dot": LadderDot(hidden=(256, 256)),
    "imsat_vat": IMSATVAT(hidden=(256, 256)),
    "imsat_rpt": make_base("imsat_rpt"),
    "deep_rim": RIM(hidden=(256, 256)),
    "linear_rim": make_base("linear_rim"),
    "ladder": make_base("ladder"),
}
TOLERANCE = 1e-5
# What may differ of the faster ways, relative: gradients, losses of steps 2 to 5.
PRODUCTS = {"tf32": (0.1, 1e-2), "bfloat16": (0.3, 5e-2)}  # from those in float32
SAME_PRODUCTS = {"float32": (1e-3, 1e-3), "tf32": (1e-2, 1e-2), "bfloat16": (2e-1, 2e-2)}
SHARE_OF_ALL = 1e-4  # a gradient that is mathematically zero is all rounding, a share of the others
N, K, STEPS, FIRST = 640, 10, 10, 5
SHOWN = (1, 2, 5, 10, 20)


def make_stack(
    base: Base,
    members: tuple[int, ...],
    device: torch.device,
    precision: str = "float32",
    compile: bool = False,
    graph: bool = False,
) -> Stack:
    X = load_digits().X[:N]
    radii = base.radii(X, device)
    stack = Stack(
        base,
        Rows(X, device),
        K,
        members,
        TrainingOptions(batch_size=N // STEPS, precision=precision, compile=compile),
        seed=0,
        radii=None if radii is None else torch.from_numpy(radii).to(device),
    )
    stack.step._records = graph
    return stack


def pseudo_labels() -> PseudoLabels:
    """Any will do."""
    labels = np.where(np.arange(N) < 100, np.arange(N) % K, -1)
    return PseudoLabels(labels, np.stack([np.roll(np.arange(K), m) for m in range(4)]))


def trace(name: str, members: tuple[int, ...], device: torch.device) -> np.ndarray:
    """The total loss of each member at 20 steps of the plain way: [20, M]."""
    stack = make_stack(BASES[name], members, device)
    losses: list[np.ndarray] = []
    for labels in (pseudo_labels() if name == "ladder" else None, pseudo_labels()):
        stack.train_epoch(labels, lambda step: losses.append(step.losses["loss"].cpu().numpy().copy()))
    return np.stack(losses)


def first_steps(stack: Stack, labels: bool) -> tuple[list[dict[str, Tensor]], np.ndarray]:
    """The gradient of every parameter in each of the first five steps, and the losses of these: [5, M]."""
    gradients: list[dict[str, Tensor]] = []
    losses: list[np.ndarray] = []

    def keep(step: StepDone) -> None:
        if len(losses) < FIRST:
            named = stack.network.named_parameters()
            gradients.append({name: p.grad.cpu().clone() for name, p in named if p.grad is not None})
            losses.append(step.losses["loss"].cpu().numpy().copy())

    stack.train_epoch(pseudo_labels() if labels else None, keep)
    return gradients, np.stack(losses)


def worst_gradient(found: dict[str, Tensor], expected: dict[str, Tensor]) -> tuple[float, str]:
    """The largest relative difference of a parameter's gradient, and its name; NaN is the largest of all."""
    together = torch.stack([g.norm() for g in expected.values()]).norm()
    off = {
        name: float((found[name] - g).norm() / (g.norm() + SHARE_OF_ALL * together))
        for name, g in expected.items()
    }
    worst = max(off, key=lambda name: np.inf if np.isnan(off[name]) else off[name])
    return off[worst], worst


def difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The largest relative difference of the models at each step: [steps]."""
    return np.max(np.abs(a - b) / np.abs(b), axis=1)


def compare_with_file(path: Path, names: list[str], device: torch.device) -> float:
    """The largest difference of what must be equal."""
    known = json.loads(path.read_text()) if path.exists() else None
    losses: dict[str, list] = {}
    worst = 0.0
    print(f"{'relative difference at step':<34}" + "".join(f"{step:>9}" for step in SHOWN))
    for name in names:
        plain = trace(name, (0, 1, 2, 3), device)
        losses[name] = plain.tolist()
        alone = np.concatenate([trace(name, (m,), device) for m in range(4)], axis=1)
        must_be_equal = 1 if device.type == "cuda" else 2 * STEPS
        others = [("four stacks of one", alone, must_be_equal)]
        if known is not None and name in known:
            others.append((path.name, np.array(known[name]), 2 * STEPS))
        for what, other, steps in others:
            found = difference(other, plain)
            print(f"{name + ', ' + what:<34}" + "".join(f"{found[step - 1]:>9.1e}" for step in SHOWN))
            worst = max(worst, float(found[:steps].max()))
    if known is None:
        path.write_text(json.dumps(losses))
        print(f"written: {path}")
    print(f"largest difference of what must be equal: {worst:.1e}, allowed {TOLERANCE:.0e}")
    return worst


def compare_fast_ways(names: list[str], precisions: list[str], device: torch.device) -> list[str]:
    """What differs by more than rounding does, a line each."""
    wrong: list[str] = []
    print(f"\n{'faster ways':<44}{'gradient':>9} {'loss 2-5':>9}  furthest parameter")
    for name in names:
        for labels in (False, True) if name != "ladder" else (True,):
            members = (0, 1, 2, 3)
            plain = {p: first_steps(make_stack(BASES[name], members, device, p), labels) for p in precisions}
            if "float32" not in plain:
                plain["float32"] = first_steps(make_stack(BASES[name], members, device), labels)
            # (what, its first fast step, what it gave, what it is compared with, allowed)
            ways = [(p, 0, plain[p], plain["float32"], PRODUCTS[p]) for p in precisions if p != "float32"]
            for p in precisions:
                torch._dynamo.reset()
                compiled = first_steps(make_stack(BASES[name], members, device, p, compile=True), labels)
                ways.append((f"{p}, compiled", 0, compiled, plain[p], SAME_PRODUCTS[p]))
                if device.type == "cuda":
                    graph = first_steps(make_stack(BASES[name], members, device, p, graph=True), labels)
                    ways.append((f"{p}, CUDA graph", 1, graph, plain[p], SAME_PRODUCTS[p]))
            for way, step, (gradients, losses), (gradients_expected, losses_expected), allowed in ways:
                off, parameter = worst_gradient(gradients[step], gradients_expected[step])
                loss = float(difference(losses, losses_expected)[1:].max())
                what = f"{name}, {'with' if labels else 'without'} labels, {way}"
                print(f"{what:<44}{off:>9.1e} {loss:>9.1e}  {parameter}", flush=True)
                if not (off <= allowed[0] and loss <= allowed[1]):  # so that NaN is wrong, too
                    wrong.append(f"{what}: allowed {allowed[0]:.0e} and {allowed[1]:.0e}")
    return wrong


def main(path: Path, words: list[str]) -> int:
    torch.set_num_threads(1)
    training_step.STEPS_BEFORE_CAPTURE = 1  # the second of the compared steps is the recorded one
    device = torch.device("cuda" if "cuda" in words else "cpu")
    names = [name for name in BASES if name in words] or list(BASES)
    there = ["float32", *(["tf32"] if device.type == "cuda" else []), "bfloat16"]
    precisions = [precision for precision in there if precision in words] or there
    worst = compare_with_file(path, names, device)
    wrong: list[str] = []
    if "fast" in words:
        with warnings.catch_warnings(record=True) as told:  # a fast way that is not used is not compared
            warnings.simplefilter("always", RuntimeWarning)
            wrong = compare_fast_ways(names, precisions, device)
        wrong += [str(warning.message) for warning in told if warning.category is RuntimeWarning]
    for line in wrong:
        print(line)
    return int(worst > TOLERANCE or bool(wrong))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
