"""Exit statuses and messages that all programs share."""

import errno
import io
import logging
import os
import signal
import sys
from importlib.metadata import version

import pytest

import kingdra_repro
from kingdra_repro import entry_points
from kingdra_repro.errors import InputError
from kingdra_repro.programs.main import Stopped, main


def ended(work) -> int:
    with pytest.raises(SystemExit) as stop:
        main("program", work)
    return stop.value.code


def raises(error: BaseException):
    def work() -> int:
        raise error

    return work


@pytest.mark.parametrize(
    ("work", "status", "said"),
    [
        (lambda: 0, 0, ""),
        (lambda: 1, 1, ""),
        (raises(InputError("k must be positive; got 0")), 2, "program: k must be positive; got 0\n"),
        (
            raises(KeyboardInterrupt()),
            130,
            "program: stopped; the same command goes on from what was saved, if anything was\n",
        ),
        (raises(Stopped("stopped; what a run says")), 143, "program: stopped; what a run says\n"),
    ],
)
def test_a_program_s_end_has_its_status_and_its_line(work, status, said, capsys):
    assert ended(work) == status
    assert capsys.readouterr().err == said


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)]
)
def test_a_signal_ends_a_program_in_a_line(number, status, capsys):
    outside = signal.signal(number, signal.SIG_DFL)  # Ctrl-C is ignored if pytest is a background job
    try:
        assert ended(lambda: os.kill(os.getpid(), number) or signal.pause() or 0) == status
        assert "Traceback" not in capsys.readouterr().err
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, outside)


@pytest.mark.parametrize("chained", [True, False])
def test_a_stop_that_a_library_made_an_error_of_is_a_stop(chained, capsys):
    """For example, importing NumPy turns Ctrl-C into an ImportError."""

    def work() -> int:
        try:
            if chained:
                raise KeyboardInterrupt
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        except KeyboardInterrupt as stop:
            if chained:
                raise ImportError("C extensions failed") from stop
        raise ImportError("C extensions failed")

    assert ended(work) == (130 if chained else 143)
    assert capsys.readouterr().err.startswith("program: stopped; ")


def test_a_defect_is_raised():
    with pytest.raises(ZeroDivisionError):
        main("program", raises(ZeroDivisionError()))


def test_a_terminal_of_another_encoding_gets_its_line(monkeypatch):
    stderr = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stderr", stderr)
    assert ended(raises(InputError("größe.csv is empty"))) == 2
    stderr.flush()
    assert stderr.buffer.getvalue() == b"program: gr\\xf6\\xdfe.csv is empty\n"


def test_a_terminal_of_another_encoding_gets_what_is_printed(monkeypatch):
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stdout)
    assert ended(lambda: print("größe.csv · 3 clusters") or 0) == 0
    assert stdout.buffer.getvalue() == b"gr\\xf6\\xdfe.csv \\xb7 3 clusters\n"


def test_a_log_without_room_is_no_traceback(capsys):
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    def work() -> int:
        log = logging.Logger("full")
        log.addHandler(logging.StreamHandler(Full()))
        log.warning("what is not written")
        raise InputError("outputs/: No space left on device")

    assert ended(work) == 2
    assert capsys.readouterr().err == "program: outputs/: No space left on device\n"


def test_every_program_tells_its_version_without_working(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["program", "--version"])
    assert ended(raises(AssertionError())) == 0
    assert capsys.readouterr().out == f"program {kingdra_repro.__version__}\n"
    assert kingdra_repro.__version__ == version("kingdra-repro")


def test_ctrl_c_while_python_imports_a_program_ends_it_without_a_traceback(monkeypatch, capsys):
    def stopped(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(entry_points, "import_module", stopped)
    with pytest.raises(SystemExit) as end:
        entry_points.predict()
    assert end.value.code == 130
    assert capsys.readouterr().err == "kingdra-predict: stopped before it began\n"
