"""Default settings of torch, NumPy and scikit-learn for this package's computations."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

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
    """Set whether a GPU's float32 matrix products round their factors to TF32; restore it afterwards.

    A CPU's float32 products round nothing, whatever the caller has set.
    """
    try:
        before = torch.get_float32_matmul_precision()
    except RuntimeError:  # the caller uses PyTorch's newer API, which cannot be mixed with the older one
        with (
            _fp32_precision(torch.backends.cuda.matmul, "tf32" if rounded else "ieee"),
            _fp32_precision(torch.backends.mkldnn.matmul, "ieee"),  # type: ignore[attr-defined]
        ):
            yield
        return
    if before == "highest" and not rounded:
        # Setting it again would stop products from following torch.backends.fp32_precision.
        yield
        return
    torch.set_float32_matmul_precision("high" if rounded else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextmanager
def _fp32_precision(matmul: Any, precision: str) -> Iterator[None]:
    """Set the precision of a backend's products, then restore it."""
    before = matmul.fp32_precision
    matmul.fp32_precision = precision
    try:
        yield
    finally:
        matmul.fp32_precision = "none"  # it follows torch.backends.fp32_precision
        if matmul.fp32_precision != before:
            matmul.fp32_precision = before
