"""Values for settings that are ``auto``: network size and training length, by the size of the data.

A table of 1,500 x 6 needs neither MNIST's networks nor its number of steps. The rule aims to save time, not
to improve accuracy: scripts/auto_settings.py compares it with fixed settings, and with K-means.
"""

import math
from dataclasses import dataclass

AUTO = "auto"
BATCH = 64
NARROWEST, WIDEST = 64, 256  # width of the hidden layers
FIRST_STEPS, STEPS = 300, 100  # training steps of a model in the first phase, and in each iteration
FEWEST_EPOCHS, MOST_EPOCHS = 5, 100  # the paper uses five
ITERATIONS = 4
FEW_ROWS = 5_000  # up to this number K-means is often better, see scripts/small_tables.py
# Up to this number of values (rows times columns) one process trains all models: starting more takes as long.
FEW_NUMBERS = 20_000


@dataclass(frozen=True)
class AutoSettings:
    """The values that replace ``auto``; epochs are those of the first phase, and of each iteration."""

    hidden: tuple[int, int]
    first_epochs: int
    epochs: int
    iterations: int


def auto_settings(n: int, d: int) -> AutoSettings:
    """Return the settings for n rows of d columns.

    Both hidden layers have 2 d units, rounded up to a power of two and clipped to 64..256. The epochs,
    clipped to 5..100, give at least 300 steps in the first phase and 100 in each of four iterations.
    """
    width = min(max(2 ** math.ceil(math.log2(2 * d)), NARROWEST), WIDEST)
    batches = math.ceil(n / BATCH)

    def epochs(steps: int) -> int:
        return min(max(math.ceil(steps / batches), FEWEST_EPOCHS), MOST_EPOCHS)

    return AutoSettings((width, width), epochs(FIRST_STEPS), epochs(STEPS), ITERATIONS)
