"""Copies what finished runs left into results/, and lists them in results/runs.csv.

    python scripts/collect_results.py outputs

From each run folder below the given one: result.json, history.csv and the command's settings. What is in
results/ already and is not among them stays. runs.csv has a row a run: its settings, its result.json, and the
mean accuracy of the single models after the first, unsupervised phase.
"""

import json
import shutil
import sys
from pathlib import Path

import pandas as pd
import yaml

RESULTS = Path(__file__).parent.parent / "results"
KEPT = ("result.json", "history.csv")
# They say where files lie, not what was run.
PLACES = ("output_dir", "mirror", "data_dir")


def copy_run(folder: Path, below: Path) -> None:
    target = RESULTS / "runs" / folder.relative_to(below)
    target.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        if (folder / name).exists():  # methods without phases have no history
            shutil.copyfile(folder / name, target / name)
    overrides = yaml.safe_load((folder / ".hydra" / "overrides.yaml").read_text())
    settings = [one for one in overrides if one.partition("=")[0] not in PLACES]
    (target / "settings.txt").write_text(" ".join(["kingdra-run", *settings]) + "\n")


def row(folder: Path) -> dict[str, object]:
    history = folder / "history.csv"
    first = pd.read_csv(history).iloc[0] if history.exists() else {}
    return {
        "command": (folder / "settings.txt").read_text().strip(),
        **json.loads((folder / "result.json").read_text()),
        "first_phase_model_acc_mean": first.get("model_acc_mean"),
        "folder": folder.relative_to(RESULTS).as_posix(),
    }


def main(below: Path) -> None:
    for result in sorted(below.rglob("result.json")):
        copy_run(result.parent, below)
    rows = [row(result.parent) for result in sorted(RESULTS.rglob("result.json"))]
    pd.DataFrame(rows).to_csv(RESULTS / "runs.csv", index=False)
    print(f"{len(rows)} runs in {RESULTS / 'runs.csv'}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
