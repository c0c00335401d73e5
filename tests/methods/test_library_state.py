"""The caller's settings of other libraries do not change any result, and are restored afterwards."""

import locale
import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import pytest
import sklearn
import torch

from kingdra_repro import load
from kingdra_repro.library_state import default_library_state
from kingdra_repro.methods import choose_pairs, choose_questions
from kingdra_repro.pseudo_labels import mini_clusters
from kingdra_repro.runs.model import keep_model
from tests.methods.estimators import NAMES, make, points

METHODS = ("predict", "predict_proba", "transform", "last_hidden_layer")


@contextmanager
def another_state(grad: object) -> Iterator[None]:
    """Change many settings of torch, NumPy, scikit-learn and warnings at once."""
    with ExitStack() as state:
        state.callback(torch.set_default_dtype, torch.get_default_dtype())
        state.callback(torch.set_default_device, None)
        state.callback(torch.use_deterministic_algorithms, False)
        state.callback(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.use_deterministic_algorithms(True)
        torch.set_float32_matmul_precision("medium")  # bfloat16 products on a CPU with AMX or AVX-512
        state.enter_context(grad)
        state.enter_context(torch.autocast("cpu", torch.bfloat16))
        state.enter_context(np.errstate(all="raise"))
        state.enter_context(sklearn.config_context(transform_output="pandas", assume_finite=True))
        state.enter_context(warnings.catch_warnings())
        warnings.simplefilter("error")
        yield


def seen_state() -> dict[str, object]:
    return {
        "grad": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "matrix products": torch.get_float32_matmul_precision(),
        "threads": torch.get_num_threads(),
        "torch's random numbers": torch.get_rng_state().numpy().tobytes(),
        "NumPy's random numbers": np.random.get_state()[1].tobytes(),  # noqa: NPY002 it is what scikit-learn uses
        "NumPy's errors": np.geterr(),
        "scikit-learn": sklearn.get_config(),
        "warnings": list(warnings.filters),
        "locale": locale.setlocale(locale.LC_ALL),
        "environment": dict(os.environ),
    }


def answers(model, X: np.ndarray) -> list[np.ndarray]:
    return [np.asarray(getattr(model, name)(X)) for name in METHODS if hasattr(model, name)]


@pytest.mark.parametrize("name", NAMES)
def test_every_estimator_answers_as_without_them(name: str, tmp_path) -> None:
    X, y = points()
    plain = make(name).fit(X, y)
    expected = [plain.labels_, *answers(plain, X)]
    for grad in (torch.no_grad(), torch.inference_mode()):
        with another_state(grad):
            before = seen_state()
            model = make(name).fit(X, y)
            keep_model(tmp_path, model, None)
            found = [model.labels_, *answers(model, X)]
            loaded = answers(load(tmp_path), X)
            assert seen_state() == before
        for one, other in zip(expected, found, strict=True):
            np.testing.assert_array_equal(one, other)
        for one, other in zip(expected[1:], loaded, strict=True):
            np.testing.assert_array_equal(one, other)


def test_no_product_is_rounded_because_the_caller_s_are() -> None:
    with another_state(torch.no_grad()), default_library_state():
        assert torch.get_float32_matmul_precision() == "highest"


@pytest.fixture
def backends() -> Iterator[Any]:
    """PyTorch's newer settings of precision, at their defaults; a test may change them."""
    found = torch.backends
    settings = [found, found.cuda.matmul, found.mkldnn.matmul]
    before = [one.fp32_precision for one in settings]
    for one in settings:
        one.fp32_precision = "none"
    yield found
    for one, value in zip(settings, before, strict=True):
        one.fp32_precision = value


def products(backends: Any) -> list[str]:
    return [backends.cuda.matmul.fp32_precision, backends.mkldnn.matmul.fp32_precision]


@pytest.mark.parametrize("precision", ["tf32", "bf16"])
def test_nor_because_of_the_newer_setting_for_cpus(backends: Any, precision: str) -> None:
    backends.mkldnn.matmul.fp32_precision = precision
    with default_library_state():
        assert products(backends) == ["ieee", "ieee"]
    assert products(backends) == ["none", precision]


def test_nor_because_of_that_for_all_devices(backends: Any) -> None:
    backends.fp32_precision = "tf32"
    with default_library_state():
        assert products(backends) == ["ieee", "ieee"]
    assert products(backends) == ["tf32", "tf32"]
    backends.fp32_precision = "ieee"
    assert products(backends) == ["ieee", "ieee"]


def test_a_setting_for_all_devices_still_applies_afterwards(backends: Any) -> None:
    with default_library_state():
        pass
    backends.fp32_precision = "tf32"
    assert products(backends) == ["tf32", "tf32"]


def test_so_do_mini_clusters() -> None:
    predictions = torch.tensor([[0, 1, 1, 0, 2, 2], [1, 0, 0, 1, 1, 0]])
    plain = mini_clusters(predictions, 2)
    with another_state(torch.inference_mode()):
        assert mini_clusters(predictions, 2).tolist() == plain.tolist()


def test_so_do_questions() -> None:
    X, y = points()
    model = make("Kingdra").fit(X, y)
    asked, disagreement = choose_questions(model, X, y, n=5)
    pairs = choose_pairs(model, X, asked)
    with another_state(torch.inference_mode()):
        found = choose_questions(model, X, y, n=5)
        assert found[0].tolist() == asked.tolist()
        assert found[1].tolist() == disagreement.tolist()
        assert choose_pairs(model, X, asked).tolist() == pairs.tolist()
