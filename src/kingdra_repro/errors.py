"""The one exception that means: the user can mend this."""


class InputError(ValueError):
    """A mistake in what the user gave (a value, a file, a folder), told in one line with its remedy.

    The command line prints the message without a traceback and exits with status 2; in a program it is
    an ordinary ``ValueError``.
    """
