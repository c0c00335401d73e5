"""The caller's settings of torch, NumPy and scikit-learn: put aside while this package computes."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import sklearn
import torch


@contextmanager
def default_library_state() -> Iterator[None]:
    """Compute with the settings that the libraries begin with; afterwards the caller's are as they were.

    Otherwise a fit within ``torch.no_grad()`` would not train, ``torch.set_default_dtype(torch.float64)``
    would mix types, autocast and ``torch.set_float32_matmul_precision("high")`` would round, and
    ``sklearn.set_config(transform_output="pandas")`` would hand tables to what expects arrays.
    ``torch.use_deterministic_algorithms`` stays: it asks for no other numbers.

    Also a decorator: ``@default_library_state()``, on each public method that computes.
    """
    dtype = torch.get_default_dtype()
    with ExitStack() as state:
        state.enter_context(torch.inference_mode(False))
        state.enter_context(torch.enable_grad())
        if torch.get_default_device().type != "cpu":  # else for nothing: it slows every call of torch
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
    """Within it, a GPU's float32 products round their factors to TF32; if not asked to, none does."""
    try:
        before = torch.get_float32_matmul_precision()
    except RuntimeError:  # the program has set the newer one, and PyTorch does not have the two mixed
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
