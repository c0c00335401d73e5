"""``python -m kingdra_repro``: the program ``kingdra-run``; under ``torchrun`` one run of it on all ranks."""

import os

from kingdra_repro import entry_points


def main() -> None:
    """Run the program, or this rank's part of it."""
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        entry_points.run()
    else:
        from kingdra_repro.training.ranks import run_under_torchrun  # torch takes a second

        run_under_torchrun(entry_points.run)


if __name__ == "__main__":
    main()
