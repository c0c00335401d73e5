"""Fixtures and helpers that the tests of the methods share."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits


@pytest.fixture(scope="session")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return 1,797 digits of 64 pixels, scaled to 0 to 1, and their classes."""
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y


class Killed(BaseException):
    """An exception that ends a fit as abruptly as a signal would."""


class KillAt:
    """A monitor that kills the fit at a training step (counted from 1) or after a phase; -1 means never.

    ``notified`` lists the indices of the finished phases, ``done`` the model epochs done at each step.
    """

    def __init__(self, step: int = -1, phase: int = -1) -> None:
        self.step, self.phase, self.notified, self.done = step, phase, [], []

    def progress(self, event) -> None:
        event.losses()
        self.done.append(event.model_epochs_done)
        self.step -= 1
        if self.step == 0:
            raise Killed

    def iteration(self, it) -> None:
        self.notified.append(it.index)
        if it.index == self.phase:
            raise Killed


def assert_same_history(one, other) -> None:
    """Assert that the histories of two fits are bitwise equal, except for the seconds."""
    pd.testing.assert_frame_equal(
        *(fit.history_.drop(columns="seconds") for fit in (one, other)), check_exact=True
    )


@pytest.fixture
def assert_resumes(tmp_path, monkeypatch):
    """Return a function that asserts that a fit killed at a step and resumed ends like one never killed."""
    monkeypatch.setattr("kingdra_repro.methods.network_fit.SHARE_WITHIN_PHASES", float("inf"))

    def check(make, *data: np.ndarray, steps: tuple[int, ...]) -> None:
        straight, X = make().fit(*data), data[0]
        for step in steps:
            folder = tmp_path / str(step)
            with pytest.raises(Killed):
                make(checkpoint_dir=folder, monitor=KillAt(step)).fit(*data)
            # The second run loads the finished fit and must not train: a single step would kill it.
            for monitor in (KillAt(), KillAt(1)):
                resumed = make(checkpoint_dir=folder, monitor=monitor).fit(*data)
                np.testing.assert_array_equal(resumed.labels_, straight.labels_)
                np.testing.assert_array_equal(resumed.predict(X), straight.predict(X))
                assert_same_history(resumed, straight)
                assert monitor.notified[-1] == len(straight.history_)

    return check


@pytest.fixture
def assert_seeded():
    """Return a function that asserts bitwise equal fits for equal seeds, and another fit for another seed."""

    def check(make, X: np.ndarray) -> None:
        first, again, other = make().fit(X), make().fit(X), make(random_state=1).fit(X)
        np.testing.assert_array_equal(first.labels_, again.labels_)
        assert_same_history(first, again)
        assert not first.history_["loss"].equals(other.history_["loss"])

    return check
