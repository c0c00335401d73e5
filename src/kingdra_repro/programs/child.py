"""kingdra-run in a process that `kingdra_repro.reproduce.child` started.

    python -c "from kingdra_repro.programs.child import main; main()" OVERRIDE ...

It stops, as on Ctrl-C, when its standard input ends.
"""

import os
import signal
import time
from threading import Thread

from kingdra_repro.programs import run

SECONDS_TO_STOP = 20.0  # then it is killed; the next call resumes from the last checkpoint


def main() -> None:
    """Run kingdra-run until it is done or its standard input ends."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a shell ignore SIGINT
    Thread(target=_stop_with_input, daemon=True).start()
    run.main()


def _stop_with_input() -> None:
    # Not sys.stdin: a thread that blocks in it would disturb the interpreter's shutdown.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(SECONDS_TO_STOP)
    os.kill(os.getpid(), signal.SIGKILL)
