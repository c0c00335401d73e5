"""Time a training step of the denoising autoencoder (dAE + K-means, DEC), alternating float32 and bfloat16.

    OMP_NUM_THREADS=1 python benchmarks/autoencoder.py [features]

The encoder has widths features - 1200 - 1200 - 10, and the decoder mirrors it. Batches have 256 rows of
random numbers. Run it on an idle machine.
"""

import statistics
import sys
import time

import numpy as np

from kingdra_repro.methods import DAEKMeans

TURNS, STEPS = 5, 20
PRECISIONS = ("float32", "bfloat16")


class StepTimes:
    """A monitor that records the time of each step."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def progress(self, event: object) -> None:
        self.times.append(time.perf_counter())

    def iteration(self, it: object) -> None:
        """Ignore the end of a phase."""


def main(features: int) -> None:
    X = np.random.default_rng(0).random((256 * STEPS, features), dtype=np.float32)
    found: dict[str, list[float]] = {precision: [] for precision in PRECISIONS}
    for turn in range(TURNS + 1):
        for precision in PRECISIONS:
            watch = StepTimes()
            DAEKMeans(
                10, epochs=1, n_init=1, precision=precision, random_state=0, monitor=watch, device="cpu"
            ).fit(X)
            if turn > 0:  # the first turn warms up
                found[precision].append(statistics.median(np.diff(watch.times)))
    medians = {precision: statistics.median(seconds) for precision, seconds in found.items()}
    for precision, seconds in medians.items():
        print(f"{precision}: {1e3 * seconds:.1f} ms a step")
    print(f"bfloat16 / float32: {medians['bfloat16'] / medians['float32']:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2048)
