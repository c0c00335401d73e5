"""A fake of kingdra-run for tests of the runner: it writes a run folder, fails, or takes some time.

    python -c "from tests.reproduce.fake_run import main; main()" OVERRIDE ...

$FAKE_RUNS is a JSON file that has, for each run's overrides, the parts of its folder's name and what it does.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path


def main() -> None:
    threading.Thread(target=_stop_with_input, daemon=True).start()
    leave_run()


def leave_run() -> None:
    known = json.loads(Path(os.environ["FAKE_RUNS"]).read_text())
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    output_dir = Path(given.pop("output_dir").strip("'"))
    assert given.pop("keep_model") == "false"  # thousands of models would fill a disk
    assert given.pop("report.map") == "none"
    given.pop("device", None)  # added by a launcher if there are GPUs
    command = " ".join(f"{name}={value}" for name, value in given.items())
    alone = command.removesuffix(" n_jobs=1")  # added by a launcher on one machine
    run = known["runs"][alone if alone in known["runs"] else command]
    with open(known["started"], "a") as file:
        print(run["config_hash"], file=file)
    folder = output_dir / run["dataset"] / run["method"] / f"seed{run['seed']}-{run['config_hash']}"
    (folder / ".hydra").mkdir(parents=True, exist_ok=True)
    (folder / ".hydra" / "overrides.yaml").write_text(json.dumps(sys.argv[1:]))
    print("something", file=sys.stderr)
    if run.get("fails") == "defect":
        raise RuntimeError("broken")
    if run.get("interrupted"):
        sys.exit(130)
    if run.get("fails"):
        print("kingdra-run: no such data; get it", file=sys.stderr)
        sys.exit(2)
    if "seconds" in run:
        if run.get("once") and (folder / "checkpoint").exists():
            run["seconds"] = 0
        (folder / "checkpoint").mkdir(exist_ok=True)
        (folder / "checkpoint" / "wall_seconds").write_text("1.5")
        time.sleep(run["seconds"])
    result = {
        **{name: run[name] for name in ("dataset", "method", "seed", "config_hash")},
        **{"acc": 0.5 + run["seed"] / 100, "wall_seconds": 60.0, "device": "cpu (any)"},
        **{"finished": "2020-01-01T00:00:00+00:00", "commit": known["commit"]},
    }
    (folder / "result.json").write_text(json.dumps(result))


def _stop_with_input() -> None:
    os.read(0, 1)
    os._exit(130)
