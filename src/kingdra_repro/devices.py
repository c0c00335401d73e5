"""Which device a run uses."""

import torch

from kingdra_repro.errors import InputError


def choose_device(name: str = "auto") -> torch.device:
    """The torch device of a name; "auto" is a GPU where there is one.

    Raises
    ------
    InputError
        If there is no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        found = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
        raise InputError(
            f"device={name} is not on this machine: choose auto or one of {', '.join(found)}"
        ) from error
    return device
