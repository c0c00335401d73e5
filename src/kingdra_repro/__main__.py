"""``python -m kingdra_repro`` runs the program ``kingdra-run``."""

from kingdra_repro import entry_points

if __name__ == "__main__":
    entry_points.run()
