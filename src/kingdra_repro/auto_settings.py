"""The settings that are ``auto``: size and length of training, by the numbers of rows and columns.

A table of 1,500 x 6 needs neither MNIST's networks nor its number of steps. The rule is made for time, not
for accuracy: scripts/auto_settings.py compares what it gives with fixed settings, and with K-means.
"""

import math
from dataclasses import dataclass

AUTO = "auto"
BATCH = 64
NARROWEST, WIDEST = 64, 256  # hidden layers
FIRST_STEPS, STEPS = 300, 100  # of a model: before there are pseudo-labels, and in each iteration
FEWEST_EPOCHS, MOST_EPOCHS = 5, 100  # five are the paper's
ITERATIONS = 4
FEW_ROWS = 5_000  # up to which K-means is often better: scripts/small_tables.py
# Rows times columns up to which one process trains all models: others would take as long to begin.
FEW_NUMBERS = 20_000


@dataclass(frozen=True)
class AutoSettings:
    """What ``auto`` stands for: passes over the data without pseudo-labels, and in each iteration."""

    hidden: tuple[int, int]
    first_epochs: int
    epochs: int
    iterations: int


def auto_settings(n: int, d: int) -> AutoSettings:
    """Return the settings for n rows of d columns.

    Two hidden layers of the power of two at or above 2 d, from 64 to 256; as many epochs as make 300 steps in
    the first phase and 100 in each of four iterations, from 5 to 100.
    """
    width = min(max(2 ** math.ceil(math.log2(2 * d)), NARROWEST), WIDEST)
    batches = math.ceil(n / BATCH)

    def epochs(steps: int) -> int:
        return min(max(math.ceil(steps / batches), FEWEST_EPOCHS), MOST_EPOCHS)

    return AutoSettings((width, width), epochs(FIRST_STEPS), epochs(STEPS), ITERATIONS)
