"""The one exception that means: the user can mend this. And what is raised from several places."""


class InputError(ValueError):
    """A mistake in what the user gave (a value, a file, a folder), told in one line with its remedy.

    The command line prints the message without a traceback and exits with status 2; in a program it is
    an ordinary ``ValueError``.
    """


def diverged() -> InputError:
    """To raise where a network's outputs are not numbers any more."""
    return InputError(
        "The training diverged, outputs are not numbers (NaN): give a smaller learning_rate, bring the data "
        "to values of about 1 (dataset.scale=standard), or check the weights of the loss"
    )
