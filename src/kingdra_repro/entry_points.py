"""Entry points of the console scripts. Ctrl-C ends them without a traceback, even during imports."""

import os
import sys
from importlib import import_module


def _main(program: str) -> None:
    try:
        main = import_module(f"kingdra_repro.programs.{program}").main
    except KeyboardInterrupt:
        print(f"kingdra-{program}: stopped before it began", file=sys.stderr)
        sys.exit(130)
    main()


def data() -> None:
    """Run ``kingdra-data``."""
    _main("data")


def predict() -> None:
    """Run ``kingdra-predict``."""
    _main("predict")


def report() -> None:
    """Run ``kingdra-report``."""
    _main("report")


def reproduce() -> None:
    """Run ``kingdra-reproduce``."""
    _main("reproduce")


def run() -> None:
    """Run ``kingdra-run``, or this rank's part of it if ``torchrun`` has started several ranks."""
    if "RANK" in os.environ and os.environ.get("WORLD_SIZE", "1") != "1":
        from kingdra_repro.training.ranks import run_under_torchrun  # torch loads slowly

        run_under_torchrun(lambda: _main("run"))
    else:
        _main("run")


def runs() -> None:
    """Run ``kingdra-runs``."""
    _main("runs")
