"""Exit statuses and messages are one program's as another's."""

import io
import os
import signal
import sys

import pytest

from kingdra_repro.errors import InputError
from kingdra_repro.programs.main import main


def user_message(error: BaseException) -> str | None:
    return str(error) if isinstance(error, InputError) else None


def ended(work) -> int:
    with pytest.raises(SystemExit) as stop:
        main("program", work, user_message)
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
        (raises(KeyboardInterrupt()), 130, "program: stopped; run the same command again to resume\n"),
    ],
)
def test_a_program_s_end_has_its_status_and_its_line(work, status, said, capsys):
    assert ended(work) == status
    assert capsys.readouterr().err == said


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_program_in_a_line(number, status, capsys):
    before = signal.getsignal(number)
    assert ended(lambda: os.kill(os.getpid(), number) or signal.pause() or 0) == status
    assert "Traceback" not in capsys.readouterr().err
    assert signal.getsignal(number) is before


def test_a_defect_is_raised():
    with pytest.raises(ZeroDivisionError):
        main("program", raises(ZeroDivisionError()), user_message)


def test_a_terminal_of_another_encoding_gets_its_line(monkeypatch):
    stderr = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stderr", stderr)
    assert ended(raises(InputError("größe.csv is empty"))) == 2
    stderr.flush()
    assert stderr.buffer.getvalue() == b"program: gr\\xf6\\xdfe.csv is empty\n"
