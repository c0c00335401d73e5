"""Compare the time of a training step with the minimum possible on this machine (a roofline).

    python benchmarks/training.py [cpu|cuda] [digits|mnist|cifar10 ...] [short]

Counts for Ladder-IM, with 1 and 10 models and batches of 64 and 256: floating-point operations of the matrix
products, bytes that must move, random numbers, operations launched. The floor is the time these take at the
machine's ceilings, which are measured first; the share is floor / measured time. On a CPU one model is timed
in one process with all threads, and ten models in one single-threaded process per core. `short`: only ten
models and batches of 64; on a CPU two models and a few steps in float32. Run it on an idle machine.
"""

import itertools
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from kingdra_repro.bases import LadderIM
from kingdra_repro.devices import choose_devices
from kingdra_repro.training.options import TrainingOptions
from kingdra_repro.training.ranks import begin
from kingdra_repro.training.rows import Rows
from kingdra_repro.training.stack import Stack, StepDone
from kingdra_repro.training.worker import Task, members_of

SHAPES = {"digits": (64, 1797), "mnist": (784, 70_000), "cifar10": (2048, 60_000)}
K = 10
STEPS = {"cpu": 40, "cuda": 1000}  # a GPU's steps are so short that an epoch's start would count
SHORT_CPU_STEPS = 3
LEARNING_RATE = 0.002


@dataclass(frozen=True)
class Ceilings:
    """Rates per second: operations in products of each precision, bytes copied, normal random numbers."""

    products: dict[str, float]
    memory: float
    random: float


@dataclass(frozen=True)
class StepCost:
    """Counts of one training step."""

    flop: float
    bytes: float
    random: int
    launches: int


def seconds(work: Callable[[], object], device: torch.device, repeats: int = 9) -> float:
    """Return the median time of a call, after three warm-up calls."""
    found = []
    for _ in range(3 + repeats):
        start = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        found.append(time.perf_counter() - start)
    return statistics.median(found[3:])


def measure_ceilings(device: torch.device, precisions: list[str]) -> Ceilings:
    size = 8192 if device.type == "cuda" else 1200
    products = {}
    for precision in precisions:
        torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
        dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
        products[precision] = 2 * size**3 / seconds(lambda a=a, b=b: a @ b, device)  # type: ignore[misc]
    torch.set_float32_matmul_precision("highest")
    source = torch.randn(100_000_000 if device.type == "cuda" else 20_000_000, device=device)
    target = torch.empty_like(source)
    memory = 2 * source.nbytes / seconds(lambda: target.copy_(source), device)
    random = target.numel() / seconds(lambda: target.normal_(), device)
    return Ceilings(products, memory, random)


class _Count(TorchDispatchMode):
    """Counts dispatched operations, except views."""

    launches = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if not any(
            ret.alias_info is not None and not ret.alias_info.is_write for ret in func._schema.returns
        ):
            self.launches += 1
        return func(*args, **(kwargs or {}))


def stack(d: int, n: int, n_models: int, batch: int, precision: str, device: torch.device, **more) -> Stack:
    X = np.random.default_rng(0).random((n, d), dtype=np.float32)
    members = tuple(range(n_models))
    rows = Rows(X, device)
    given = {"batch_size": batch, "precision": precision, "learning_rate": LEARNING_RATE, "compile": False}
    return Stack(LadderIM(), rows, K, members, TrainingOptions(**{**given, **more}), seed=0)


def count(d: int, n_models: int, batch: int) -> StepCost:
    """Count one unsupervised step, on the CPU in float32."""
    one = stack(d, batch, n_models, batch, "float32", torch.device("cpu"))
    one.train_epoch(None, lambda step: None)  # allocates Adam's moments
    counter, flops = _Count(), FlopCounterMode(display=False)
    with counter, flops:
        one.train_epoch(None, lambda step: None)
    weights = sum(p.numel() for p in one.network.parameters())
    activations = 3 * n_models * batch * sum(one.network.widths)  # clean, noisy, denoised
    random = n_models * batch * sum(one.network.widths)
    # Per weight: read forward and backward, gradient written and read, weight and Adam's two moments read and
    # written: 10 times 4 bytes. Per activation: written and read, both forward and backward.
    return StepCost(flops.get_total_flops(), 40 * weights + 16 * activations, random, counter.launches)


def time_steps(one: Stack, device: torch.device) -> float:
    """Return seconds per step: the median on a CPU, the epoch's mean on a GPU, which is asynchronous."""
    one.train_epoch(None, lambda step: None)
    times = [time.perf_counter()]

    def tick(step: StepDone) -> None:
        times.append(time.perf_counter())

    one.train_epoch(None, tick)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        return (time.perf_counter() - times[0]) / (len(times) - 1)
    return statistics.median(b - a for a, b in itertools.pairwise(times))


def time_processes(d: int, n_models: int, batch: int, precision: str) -> float:
    """Return the seconds in which every model does one step, with one process per core."""
    X = np.random.default_rng(0).random((STEPS["cpu"] * batch, d), dtype=np.float32)
    devices = choose_devices("cpu", -1)
    options = TrainingOptions(batch_size=batch, precision=precision, learning_rate=LEARNING_RATE)
    members = members_of([LadderIM()] * n_models, X, devices[0])
    worker = begin(Task(members, K, options, seed=0), X, devices)
    worker.train(range(1), None, lambda step: None, None)
    start = time.perf_counter()
    worker.train(range(1, 2), None, lambda step: None, None)
    took = time.perf_counter() - start
    worker.close()
    return took / STEPS["cpu"]


def report(shape: str, device: torch.device, ceilings: Ceilings, short: bool) -> None:
    d, n = SHAPES[shape]
    gpu = device.type == "cuda"
    print(f"\n{shape}: {n:,} rows of {d}\n models batch   GFLOP    MB  random/1e6 launches")
    cases = [(10 if gpu else 2, 64)] if short else itertools.product((1, 10), (64, 256))
    costs = {case: count(d, *case) for case in cases}
    for (n_models, batch), cost in costs.items():
        print(
            f"{n_models:>7} {batch:>5} {cost.flop / 1e9:>7.2f} {cost.bytes / 1e6:>5.0f} "
            f"{cost.random / 1e6:>11.2f} {cost.launches:>8}"
        )
    print(" models batch precision  how               ms/step  floor ms  share  epoch, s per model")
    for ((n_models, batch), cost), precision in itertools.product(costs.items(), ceilings.products):
        arithmetic = cost.flop / ceilings.products[precision]
        memory = cost.bytes / ceilings.memory + cost.random / ceilings.random
        # A GPU overlaps both; on a CPU the same cores do one after the other.
        floor = max(arithmetic, memory) if gpu else arithmetic + memory
        found: dict[str, float] = {}
        if not gpu and n_models > 1:
            found["a process a core"] = time_processes(d, n_models, batch, precision)
        else:
            # GPU runs are always compiled; only the paper's case is also timed without compilation.
            plain = (n_models, batch, precision) == (10, 64, "bfloat16") and not short
            for compile in ((False, True) if plain else (True,)) if gpu else (False,):
                how = ("graph, compiled" if compile else "graph") if gpu else "one process"
                n_rows = STEPS[device.type] * batch
                one = stack(d, n_rows, n_models, batch, precision, device, compile=compile)
                found[how] = time_steps(one, device)
        for how, took in found.items():
            print(
                f"{n_models:>7} {batch:>5} {precision:<10} {how:<16} {1e3 * took:>8.2f} "
                f"{1e3 * floor:>9.2f} {floor / took:>6.0%} {took / n_models * n / batch:>12.1f}",
                flush=True,
            )


def main() -> None:
    device = torch.device("cuda" if "cuda" in sys.argv else "cpu")
    gpu, short = device.type == "cuda", "short" in sys.argv
    if short:
        STEPS["cpu"] = SHORT_CPU_STEPS
    # Most CPUs take minutes for products in bfloat16.
    precisions = ["float32", *(["tf32"] if gpu else []), *(["bfloat16"] if gpu or not short else [])]
    name = torch.cuda.get_device_name() if gpu else f"CPU, {torch.get_num_threads()} threads"
    ceilings = measure_ceilings(device, precisions)
    print(f"torch {torch.__version__}, {name}; ceilings: ", end="")
    print(", ".join(f"{p} {v / 1e9:,.0f} GFLOP/s" for p, v in ceilings.products.items()), end="; ")
    print(f"copy {ceilings.memory / 1e9:,.0f} GB/s; {ceilings.random / 1e6:,.0f} million normal numbers/s")
    for shape in [word for word in sys.argv if word in SHAPES] or ("mnist", "cifar10"):
        report(shape, device, ceilings, short)


if __name__ == "__main__":
    main()
