"""Processes of Python that this one starts, which import what this one does, and end with it."""

import os
import select
import sys
from pathlib import Path
from threading import Thread


def python_command(code: str) -> list[str]:
    """Return the command of a process that runs some code.

    It looks for modules where this process does, but last in the working directory and in the folder of the
    user's script: a ``random.py`` or ``torch/`` that happens to lie there is not taken for the library's.
    """
    script = getattr(sys.modules["__main__"], "__file__", None)
    last = {os.getcwd()} | ({str(Path(script).resolve().parent)} if script else set())
    last -= {str(Path(__file__).parents[1])}  # where this package is: another version may be installed
    folders = [os.path.abspath(folder) for folder in sys.path]  # "" is the working directory
    ordered = sorted(dict.fromkeys(folders), key=lambda folder: folder in last)
    return [sys.executable, "-P", "-c", f"import sys; sys.path[:] = {ordered!a}; {code}"]


def end_with(handle: int) -> None:
    """End this process at once where the other end of a socket is closed, as when its process is killed.

    To be called before anything heavy is imported, which takes seconds in which nobody reads the socket.
    """

    def watch() -> None:
        poll = select.poll()
        poll.register(handle, 0)  # the end alone, not what there is to read
        poll.poll()
        os._exit(1)

    Thread(target=watch, daemon=True).start()
