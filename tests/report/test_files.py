"""history.csv and the seconds over the parts of an interrupted run."""

import pytest

from kingdra_repro.atomic import write_whole
from kingdra_repro.report import stopwatch as stopwatch_module
from kingdra_repro.report.history import History
from kingdra_repro.report.stopwatch import Stopwatch


def test_a_file_is_whole_or_absent(tmp_path):
    def fail(file):
        file.write(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(tmp_path / "result.json", fail)
    assert list(tmp_path.iterdir()) == []


def test_history_grows_by_a_row_a_phase(tmp_path):
    history = History(tmp_path / "history.csv")
    history.add({"iteration": 0, "loss": 0.1})
    history.add({"iteration": 1, "loss": 1 / 3, "supervised": None})
    assert (tmp_path / "history.csv").read_text() == (
        "iteration,loss,supervised\n0,0.1,\n1,0.3333333333333333,\n"
    )


def test_history_goes_on_where_the_checkpoint_was(tmp_path):
    """Rows of the part that was killed stay, to the letter, up to the phase that is done again."""
    path = tmp_path / "history.csv"
    path.write_text("iteration,loss\n0,0.10\n1,0.20\n2,0.30\n")
    History(path).add({"iteration": 1, "loss": 0.25})
    assert path.read_text() == "iteration,loss\n0,0.10\n1,0.25\n"


def test_seconds_add_up_over_parts(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(stopwatch_module.time, "monotonic", lambda: now[0])
    first = Stopwatch(tmp_path / "seconds")
    now[0] += 1
    first.tick()
    assert not (tmp_path / "seconds").exists()  # too soon
    now[0] += 6
    first.tick()
    now[0] += 1000  # killed, and a long time nothing
    second = Stopwatch(tmp_path / "seconds")
    now[0] += 3
    assert second.seconds() == pytest.approx(10)
