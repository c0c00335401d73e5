"""Choice of the devices that a run uses."""

import os

import torch

from kingdra_repro.checks import invalid_value, is_integer
from kingdra_repro.errors import InputError


def choose_device(name: str = "auto") -> torch.device:
    """Return the torch device of a name; raise InputError if it is not available. "auto" prefers a GPU."""
    if not isinstance(name, str | torch.device):
        raise invalid_value("a name, such as auto, cpu or cuda", "device", name)
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        if device.type == "cuda":  # counted, not tried: using it would hold memory on it for good
            there = (device.index or 0) < torch.cuda.device_count()
        else:
            there = not torch.empty(0, device=device).is_meta
        if not there:
            raise NotImplementedError
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        found = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
        raise InputError(
            f"device={name} is not available on this machine: choose from auto, {', '.join(found)}",
            parameter="device",
        ) from error
    return device


def choose_devices(name: str = "auto", n_jobs: int | None = None) -> list[torch.device]:
    """Return the device of each process that trains members of an ensemble; a single one means this process.

    Parameters
    ----------
    name : a torch device, or "auto"; "auto" and "cuda" stand for all available GPUs
    n_jobs : number of processes, at most one per GPU; None: one; -1: one per GPU, or one per CPU core
    """
    if n_jobs is not None and n_jobs != -1 and not is_integer(n_jobs, 1):
        raise invalid_value("an integer of at least 1, or -1 for all there is", "n_jobs", n_jobs)
    device = choose_device(name)
    if n_jobs in (None, 1) or os.name != "posix" or device.type not in ("cpu", "cuda"):
        return [device]
    if device.type == "cpu":
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return [device] * (cores if n_jobs == -1 else n_jobs)
    gpus = (
        [torch.device("cuda", i) for i in range(torch.cuda.device_count())]
        if device.index is None and torch.cuda.device_count() > 1
        else [device]
    )
    return gpus if n_jobs == -1 else gpus[:n_jobs]


def round_robin_device(name: str, turn: int) -> str:
    """Assign the GPUs of this machine to runs round-robin: return the device of run `turn` (0, 1, 2...).

    A `name` that stands for the CPU or for one particular GPU is returned unchanged.
    """
    count = torch.cuda.device_count()
    is_any_gpu = name == "cuda" or (name == "auto" and torch.cuda.is_available())
    return f"cuda:{turn % count}" if is_any_gpu and count > 1 else name
