"""Python subprocesses that import modules from the same places as this process, and end with it."""

import os
import select
import sys
from pathlib import Path
from threading import Thread


def python_command(code: str) -> list[str]:
    """Return the command line of a Python process that runs `code`.

    The process has the module search path of this one, but with the working directory and the folder of the
    user's script last, so that a ``random.py`` or ``torch/`` in them does not shadow the library's.
    """
    script = getattr(sys.modules["__main__"], "__file__", None)
    last = {os.getcwd()} | ({str(Path(script).resolve().parent)} if script else set())
    last -= {str(Path(__file__).parents[1])}  # but not this package's: another version may be installed
    folders = [os.path.abspath(folder) for folder in sys.path]  # "" is the working directory
    ordered = sorted(dict.fromkeys(folders), key=lambda folder: folder in last)
    return [sys.executable, "-P", "-c", f"import sys; sys.path[:] = {ordered!a}; {code}"]


def exit_when_closed(handle: int) -> None:
    """End this process as soon as the other end of a pipe closes, such as when the parent process is killed.

    Call this before any heavy import, so that the parent's end is noticed during the import, too.
    """

    def watch() -> None:
        poll = select.poll()
        poll.register(handle, 0)  # only the hang-up, not data to read
        poll.poll()
        os._exit(1)

    Thread(target=watch, daemon=True).start()
