"""One round of asking against as many random answers: is ask.csv worth a person's time?

    python -m scripts.asking MIRROR [dataset] [seeds]

For each seed Kingdra clusters without labels; then it is run again with the classes of 50 points: those that
`kingdra_repro.runs.questions.choose_questions` asks for, and as many drawn at random. Kingdra and one Ladder-IM
network with labels (`Single`) learn from either. Scores are of the points that neither was told, so that they are the
same for both. Rows go to results/asking.csv as they come; those that are there are not computed again.
"""

import csv
import platform
import sys
import time
from pathlib import Path

import numpy as np
import torch

from kingdra_repro.bases import LadderIM
from kingdra_repro.config import all_settings
from kingdra_repro.data import load_digits_dataset  # noqa: F401
