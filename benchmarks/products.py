"""Time a layer's matrix products, forward and backward: float32, our bfloat16 and PyTorch's, alternating.

    OMP_NUM_THREADS=1 python benchmarks/products.py

Five models, 300 rows, 1200 to 1200. On a CPU with bfloat16 products, ours are PyTorch's. On other CPUs,
PyTorch uses a loop of its own, while ours multiply the rounded numbers in float32.
"""

import statistics
import time

import torch

from kingdra_repro.networks import products

TURNS = 5


def seconds(precision: str, as_pytorch: bool) -> float:
    has_them = products.CPU_MULTIPLIES_BFLOAT16
    products.CPU_MULTIPLIES_BFLOAT16 = as_pytorch or has_them
    x = torch.randn(5, 300, 1200, requires_grad=True)
    weight = torch.randn(5, 1200, 1200, requires_grad=True)
    start = time.perf_counter()
    products.product(x, weight, precision).sum().backward()
    took = time.perf_counter() - start
    products.CPU_MULTIPLIES_BFLOAT16 = has_them
    return took


def main() -> None:
    ways = {"float32": ("float32", False), "bfloat16": ("bfloat16", False), "PyTorch's": ("bfloat16", True)}
    turns = [{name: seconds(*way) for name, way in ways.items()} for _ in range(TURNS + 1)][1:]
    print(f"this CPU has bfloat16 products: {products.CPU_MULTIPLIES_BFLOAT16}; medians of {TURNS}, by turns")
    medians = {name: statistics.median(turn[name] for turn in turns) for name in ways}
    for name, median in medians.items():
        print(f"{name:<10} {1e3 * median:7.1f} ms  {median / medians['float32']:5.2f} of float32")


if __name__ == "__main__":
    main()
