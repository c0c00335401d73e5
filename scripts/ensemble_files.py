"""thresholds.csv, graph_sample.json and members.npz for finished runs that are older than these files.

    python scripts/ensemble_files.py outputs

Loads each run's data set with the settings of the run.
"""

import sys
from pathlib import Path

import numpy as np
import yaml

from kingdra_repro.data.from_settings import load_from_settings
from kingdra_repro.report.ensemble_files import write_ensemble_files
from kingdra_repro.report.members import Members
from kingdra_repro.resolvers import register_resolvers


def main(below: Path) -> None:
    register_resolvers()
    for result in sorted(below.rglob("result.json")):
        folder = result.parent
        without = {"thresholds.csv", "graph_sample.json", "members.npz"} - {
            file.name for file in folder.iterdir()
        }
        if not without:
            continue
        data = load_from_settings(yaml.safe_load((folder / ".hydra" / "overrides.yaml").read_text()))
        write_ensemble_files(folder, data)
        if data.image_shape is not None:
            Members.of(data, np.load(folder / "labels.npy")).write(folder / "members.npz")
        print(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
