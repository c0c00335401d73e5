"""Default settings of torch, NumPy and scikit-learn for this package's computations."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import sklearn
import torch


@contextmanager
def default_library_state() -> Iterator[None]:
    """Compute with the libraries' default settings, then restore the caller's.

    Otherwise a fit within ``torch.no_grad()`` would not train, ``torch.set_default_dtype(torch.float64)``
    would mix dtypes, autocast and ``torch.set_float32_matmul_precision("high")`` would round, and
    ``sklearn.set_config(transform_output="pandas")`` would pass tables to code that expects arrays.
    ``torch.use_deterministic_algorithms`` is left as it is, because it does not ask for different numbers.

    Each public method that computes has it as a decorator, ``@default_library_state()``.
    """
    dtype = torch.get_default_dtype()
    with ExitStack() as state:
        state.enter_context(torch.inference_mode(False))
        state.enter_context(torch.enable_grad())
        if torch.get_default_device().type != "cpu":  # only if needed: it slows every call of torch
            state.enter_context(torch.device("cpu"))
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                state.enter_context(torch.autocast(device, enabled=False))
        state.enter_context(products_in_tf32(False))
        state.enter_context(np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"))
        state.enter_context(
            sklearn.config_context(assume_finite=False, transform_output="default", array_api_dispatch=False)
        )
        state.callback(torch.set_default_dtype, dtype)
        torch.set_default_dtype(torch.float32)
        yield


@contextmanager
def products_in_tf32(rounded: bool) -> Iterator[None]:
    """Set whether a GPU's float32 matrix products round their factors to TF32; restore it afterwards."""
    try:
        before = torch.get_float32_matmul_precision()
    except RuntimeError:  # the caller uses PyTorch's newer API, which cannot be mixed with the older one
        matmul = torch.backends.cuda.matmul
        before = matmul.fp32_precision
        matmul.fp32_precision = "tf32" if rounded else "ieee"
        try:
            yield
        finally:
            matmul.fp32_precision = before
        return
    torch.set_float32_matmul_precision("high" if rounded else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
