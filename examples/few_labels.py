"""Cluster a table in which 25 of 500 rows have a class: python examples/few_labels.py

The table holds handwritten digits: 64 columns of pixels, and a column `kind` that is blank if the class is
unknown. The example runs the command line, as you would on your own file.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

pixels, digits = (array[:500] for array in load_digits(return_X_y=True))
known = np.arange(500) % 20 == 0  # 25 rows
table = pd.DataFrame(pixels, columns=[f"pixel {i}" for i in range(64)])
table["kind"] = np.where(known, [f"digit {digit}" for digit in digits], "")

COMMAND = "kingdra-run dataset=custom dataset.path=digits.csv dataset.given=kind method=constrained_kmeans"

with TemporaryDirectory() as folder:
    table.to_csv(Path(folder) / "digits.csv", index=False)
    program, *settings = COMMAND.split()
    command = [str(Path(sys.executable).with_name(program)), *settings]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (written,) = Path(folder).glob("outputs/**/clusters.csv")  # row, cluster, and the cluster's class
    classes = pd.read_csv(written)["class"]

right = (classes == [f"digit {digit}" for digit in digits])[~known].mean()
print(f"{known.sum()} rows with a class, {(~known).sum()} without: {right:.2f} of these are found")
