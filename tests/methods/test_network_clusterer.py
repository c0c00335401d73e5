"""The precision of matrix products in the comparison methods that train one network."""

from functools import partial

import numpy as np
import pytest
import torch

from kingdra_repro.errors import InputError
from kingdra_repro.methods import DEC, DAEKMeans, DeepCluster, DVAEKMeans

METHODS = [DAEKMeans, DVAEKMeans, partial(DEC, max_iter=100), DeepCluster]
QUICK = {"hidden": (64, 64), "epochs": 5, "batch_size": 64, "random_state": 0, "device": "cpu"}


@pytest.mark.parametrize("method", METHODS)
def test_bfloat16_trains_as_float32_does_but_for_its_rounding(method, digits) -> None:
    exact, rounded = (
        method(10, precision=precision, **QUICK).fit(digits[0]).history_["loss"].dropna()
        for precision in ("float32", "bfloat16")
    )
    assert not np.array_equal(rounded, exact)
    assert rounded.iloc[0] == pytest.approx(exact.iloc[0], rel=0.01)
    # If autocast cached the weights that it rounded first, the loss would stay where it began. The tolerance
    # is wide because DeepCluster trains on its own clusters, which soon differ.
    assert exact.iloc[0] - exact.iloc[-1] > 0.1
    assert exact.iloc[0] - rounded.iloc[-1] == pytest.approx(exact.iloc[0] - exact.iloc[-1], rel=0.3)


@pytest.mark.parametrize("method", METHODS)
def test_the_fitted_network_answers_in_float32(method, digits) -> None:
    network = method(10, precision="bfloat16", **{**QUICK, "epochs": 1}).fit(digits[0])._network
    assert all(value.dtype == torch.float32 for value in network.parameters())
    assert network(torch.from_numpy(digits[0])).dtype == torch.float32


@pytest.mark.parametrize("method", METHODS)
def test_an_unknown_precision(method, digits) -> None:
    with pytest.raises(InputError, match="precision must be one of float32, tf32, bfloat16; got 'half'"):
        method(10, precision="half", **QUICK).fit(digits[0])
