"""Measure how a code change, or a faster way of computing, changes losses and gradients.

    python scripts/losses.py before.json             before a change: write the losses of 20 steps
    python scripts/losses.py before.json             if the file exists: compare with it
    python scripts/losses.py before.json fast        also check faster ways: bfloat16 products, torch.compile
    python scripts/losses.py before.json fast cuda   and, on a GPU, TF32 products and CUDA graphs

Names of bases and precisions select among these: ``fast ladder_im bfloat16``. Compilation is slow.

Four models of each base train on scikit-learn's digits, ten steps without and ten with pseudo-labels (Ladder,
which learns only from labels: all steps with). The reference, called plain, is a stack of four models in
float32 without fusion, on one thread or with one launch per operation. The relative difference of the total
loss from the reference is printed for steps 1, 2, 5, 10 and 20, as the largest over the four models. The exit
status is 1 if the reference differs by more than 1e-5 from the file, or from four stacks of one model (on a
GPU only the first step is compared: its library picks other algorithms for products of another size).

Each faster way trains new models twice, without and with pseudo-labels. Two relative differences from the
reference are printed: the largest of a parameter's gradient, at the first step that uses the faster way; and
the largest of the losses of steps 2 to 5, which result from these gradients. Products in bfloat16 and TF32
are compared with float32; compiled steps and CUDA graphs with the plain steps in the same precision. The exit
status is also 1 if they differ by more than rounding, or if the package itself warns that a faster way is
wrong. Later steps say less: the length of Adam's first steps does not depend on the size of the gradient, so
ways that round differently diverge.
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
# Allowed relative differences of the faster ways: of gradients, and of losses of steps 2 to 5.
PRODUCTS = {"tf32": (0.1, 1e-2), "bfloat16": (0.3, 5e-2)}  # compared with float32
SAME_PRODUCTS = {"float32": (1e-3, 1e-3), "tf32": (1e-2, 1e-2), "bfloat16": (2e-1, 2e-2)}
SHARE_OF_ALL = 1e-4  # of all gradients' norm, added to each: a mathematically zero gradient is pure rounding
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
    """Return fixed, arbitrary pseudo-labels."""
    labels = np.where(np.arange(N) < 100, np.arange(N) % K, -1)
    return PseudoLabels(labels, np.stack([np.roll(np.arange(K), m) for m in range(4)]))


def trace(name: str, members: tuple[int, ...], device: torch.device) -> np.ndarray:
    """Return the total loss of each member at 20 plain steps: [20, M]."""
    stack = make_stack(BASES[name], members, device)
    losses: list[np.ndarray] = []
    for labels in (pseudo_labels() if name == "ladder" else None, pseudo_labels()):
        stack.train_epoch(labels, lambda step: losses.append(step.losses["loss"].cpu().numpy().copy()))
    return np.stack(losses)


def first_steps(stack: Stack, labels: bool) -> tuple[list[dict[str, Tensor]], np.ndarray]:
    """Return each parameter's gradient and the losses [5, M] of the first five steps."""
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
    """Return the largest relative difference of a parameter's gradient, NaN above all, and its name."""
    together = torch.stack([g.norm() for g in expected.values()]).norm()
    off = {
        name: float((found[name] - g).norm() / (g.norm() + SHARE_OF_ALL * together))
        for name, g in expected.items()
    }
    worst = max(off, key=lambda name: np.inf if np.isnan(off[name]) else off[name])
    return off[worst], worst


def difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the largest relative difference over the models at each step: [steps]."""
    return np.max(np.abs(a - b) / np.abs(b), axis=1)


def compare_with_file(path: Path, names: list[str], device: torch.device) -> float:
    """Print all differences, write the file if it is missing; return the largest that must be near 0."""
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
    """Return one line for each faster way that differs by more than rounding."""
    wrong: list[str] = []
    print(f"\n{'faster ways':<44}{'gradient':>9} {'loss 2-5':>9}  furthest parameter")
    for name in names:
        for labels in (False, True) if name != "ladder" else (True,):
            members = (0, 1, 2, 3)
            plain = {p: first_steps(make_stack(BASES[name], members, device, p), labels) for p in precisions}
            if "float32" not in plain:
                plain["float32"] = first_steps(make_stack(BASES[name], members, device), labels)
            # (name, index of its first fast step, its result, the expected result, allowed differences)
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
                if not (off <= allowed[0] and loss <= allowed[1]):  # written so that NaN also fails
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
        with warnings.catch_warnings(record=True) as told:  # a fast way that was dropped was not compared
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
