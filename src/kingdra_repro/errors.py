"""The one exception that means: the user can mend this. And what is raised from several places."""

from typing import Any

# A remedy in Python, and on the command line.
SCALING = "scikit-learn's StandardScaler, or dataset.scale=standard"


class InputError(ValueError):
    """A mistake in what the user gave (a value, a file, a folder), reported in one line with its remedy.

    The command line prints the message without a traceback and exits with status 2; in a program it is
    an ordinary ``ValueError``.

    Parameters
    ----------
    message : str
    parameter : str or None
        The parameter that is to blame, where the message begins with its name. The command line puts the
        setting in its place that the parameter is taken from.
    """

    def __init__(self, message: str = "", parameter: str | None = None) -> None:
        super().__init__(message)
        self.parameter = parameter


def diverged(how: str = "outputs are not numbers (NaN)") -> InputError:
    """To raise where a training has gone astray."""
    return InputError(
        f"The training diverged ({how}): give a smaller learning_rate, bring the data to values of about 1 "
        f"({SCALING}), or check the weights of the loss"
    )


def first_line(error: Exception) -> str:
    """Return what an error says first, for a one-line message; its kind where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def listed(names: Any) -> str:
    """Names, of a list or pandas' Index, for a one-line message: all of a few, the first eight of many."""
    shown = ", ".join(repr(str(name)) for name in names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"
