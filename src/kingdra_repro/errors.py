"""`InputError`, the exception for mistakes that the user can correct, and helpers for its messages."""

from typing import Any

# The remedy in Python, and on the command line.
SCALING = "scikit-learn's StandardScaler, or dataset.scale=standard"


class InputError(ValueError):
    """A mistake in the user's input (a value, a file, a folder), reported in one line with its remedy.

    The command line prints the message without a traceback and exits with status 2; in Python code it is an
    ordinary ``ValueError``.

    Parameters
    ----------
    message : str
    parameter : str or None
        The invalid parameter, if the message begins with its name. The command line replaces this name by the
        name of the setting that the parameter is taken from.
    """

    def __init__(self, message: str = "", parameter: str | None = None) -> None:
        super().__init__(message)
        self.parameter = parameter


def diverged(how: str = "outputs are not numbers (NaN)", rate: str = "learning_rate") -> InputError:
    """Return the InputError to raise if training has diverged; ``rate`` is the parameter to lower."""
    return InputError(
        f"The training diverged ({how}): give a smaller {rate}, bring the data to values of about 1 "
        f"({SCALING}), or check the weights of the loss"
    )


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or the name of its type if the message is empty."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def format_names(names: Any) -> str:
    """Format names (a list or pandas Index) for a one-line message; of many, only the first eight."""
    shown = ", ".join(repr(str(name)) for name in names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"
