"""Runs of a made-up plan, and their results in the form of runs.csv."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Planned:
    """A stand-in for `kingdra_repro.reproduce.plan.PlannedRun`."""

    row: str
    dataset: str = "mnist"
    order: str = "-"
    schedule: str = "published"
    seed: int = 0
    value: str = "acc"
    experiment: str = "table2"
    overrides: tuple[str, ...] = ()

    @property
    def config_hash(self) -> str:
        return f"{self.row}-{self.dataset}-{self.order}-{self.schedule}-{self.seed}"


def done(*runs: tuple[Planned, dict[str, object]]) -> pd.DataFrame:
    """Return the "cells" of a plan: one row per finished run, with its results."""
    fields = ("experiment", "row", "value", "dataset", "order", "schedule", "seed", "config_hash")
    rows = [
        {
            **{name: getattr(run, name) for name in fields},
            "folder": f"runs/{run.config_hash}",
            "device": "cpu",
            **came_to,
        }
        for run, came_to in runs
    ]
    return pd.DataFrame(rows, columns=list(rows[0]) if rows else [*fields, "folder", "device", "acc"])
