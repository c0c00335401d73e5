"""Matrix products in bfloat16, on CPUs with and without support for them, and the TF32 setting."""

import pytest
import torch
from torch import Tensor

from kingdra_repro.networks import products
from kingdra_repro.networks.products import Linear, product, tf32_products

A_LAST_BIT = 2**-7  # of bfloat16, which has eight significant bits


def test_product_in_bfloat16_is_the_product_rounded() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(2, 3, 6, 8), torch.randn(2, 8, 5)
    exact = torch.einsum("mpbi,mio->mpbo", x, weight)
    torch.testing.assert_close(product(x, weight), exact)
    rounded = product(x, weight, "bfloat16")
    assert rounded.dtype == torch.float32
    assert not torch.equal(rounded, exact)
    torch.testing.assert_close(rounded, exact, atol=0.1, rtol=0.02)


def gradients(out: Tensor, *of: Tensor) -> list[Tensor]:
    torch.manual_seed(1)
    return [out, *torch.autograd.grad((out.float() * torch.randn(out.shape)).sum(), of)]


def test_a_cpu_without_bfloat16_products_computes_the_same_but_for_the_last_bit(monkeypatch) -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(2, 30, 64, requires_grad=True), torch.randn(2, 64, 20, requires_grad=True)
    found = []
    for has_them in (True, False):
        monkeypatch.setattr(products, "CPU_MULTIPLIES_BFLOAT16", has_them)
        found.append(gradients(product(x, weight, "bfloat16"), x, weight))
    for native, emulated in zip(*found, strict=True):
        torch.testing.assert_close(emulated, native, rtol=A_LAST_BIT, atol=1e-4)
        assert torch.equal(emulated, emulated.bfloat16().float())  # all values are rounded
    assert not torch.equal(found[1][0], torch.bmm(x, weight))


def test_a_linear_layer_under_autocast_is_the_same_on_such_a_cpu(monkeypatch) -> None:
    torch.manual_seed(0)
    layer, x = Linear(64, 20), torch.randn(30, 64, requires_grad=True)
    found = []
    for has_them in (True, False):
        monkeypatch.setattr(products, "CPU_MULTIPLIES_BFLOAT16", has_them)
        with torch.autocast("cpu", torch.bfloat16):
            out = layer(layer(x) @ torch.ones(20, 64) / 8)  # its bfloat16 outputs are inputs again
        assert out.dtype == torch.bfloat16
        found.append(gradients(out, x, layer.weight, layer.bias))
    for native, emulated in zip(*found, strict=True):
        assert native.dtype == emulated.dtype
        torch.testing.assert_close(
            emulated.float(), native.float(), rtol=0.03, atol=0.03 * float(native.detach().abs().max())
        )


def test_without_autocast_a_linear_layer_is_pytorch_s(monkeypatch) -> None:
    monkeypatch.setattr(products, "CPU_MULTIPLIES_BFLOAT16", False)
    layer, x = Linear(64, 20), torch.randn(30, 64)
    assert torch.equal(layer(x), torch.nn.functional.linear(x, layer.weight, layer.bias))


def test_tf32_is_for_gpus_and_leaves_what_the_program_has_set() -> None:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        with tf32_products("tf32", torch.device("cpu")):
            assert torch.get_float32_matmul_precision() == "highest"
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.skipif(
    not hasattr(torch.backends.cuda.matmul, "fp32_precision"), reason="this PyTorch has the old setting alone"
)
def test_a_program_with_the_newer_setting_of_precision() -> None:
    matmul = torch.backends.cuda.matmul
    before = matmul.fp32_precision
    matmul.fp32_precision = "tf32"
    try:
        with pytest.raises(RuntimeError):
            torch.get_float32_matmul_precision()
        with tf32_products("float32", torch.device("cpu")):
            assert matmul.fp32_precision == "ieee"
        assert matmul.fp32_precision == "tf32"
    finally:
        matmul.fp32_precision = before
