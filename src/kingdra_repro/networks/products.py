"""Matrix products in the precision of a run."""

from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn
from torch.backends import mkldnn

from kingdra_repro.library_state import products_in_tf32

# oneDNN has bfloat16 products with AVX-512 or better, and with ARM's bfloat16 instructions. On other CPUs
# PyTorch's own products are far slower than float32 (benchmarks/products.py).
CPU_MULTIPLIES_BFLOAT16 = mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def _to_bfloat16(x: Tensor) -> Tensor:
    """Round x to bfloat16; return it as float32 on a CPU without bfloat16 products."""
    rounded = x.bfloat16()
    return rounded if CPU_MULTIPLIES_BFLOAT16 or x.device.type != "cpu" else rounded.float()


class _Product(torch.autograd.Function):
    """The product x W in bfloat16, forward and backward, with float32 inputs and outputs."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor) -> Tensor:
        x, weight = _to_bfloat16(x), _to_bfloat16(weight)
        ctx.save_for_backward(x, weight)
        return torch.bmm(x, weight).bfloat16().float()

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        grad = _to_bfloat16(grad)
        grad_x = torch.bmm(grad, weight.mT).bfloat16().float() if ctx.needs_input_grad[0] else None
        grad_weight = torch.bmm(x.mT, grad).bfloat16().float() if ctx.needs_input_grad[1] else None
        return grad_x, grad_weight


def product(x: Tensor, weight: Tensor, precision: str = "float32") -> Tensor:
    """Compute the matrix product of each model: [M, ..., n_in] x [M, n_in, n_out] -> [M, ..., n_out].

    The axes between the first and the last are flattened to rows, so that several passes read the weights
    once. With "bfloat16" the factors and the result are rounded to bfloat16. Sums inside the product, except
    those of partial results that cuBLAS adds on a GPU, and everything outside it stay float32. A CPU without
    bfloat16 products multiplies the rounded factors in float32. For "tf32" see `tf32_products`.
    """
    rows = x.reshape(x.shape[0], -1, x.shape[-1])
    out = _Product.apply(rows, weight) if precision == "bfloat16" else torch.bmm(rows, weight)
    return out.reshape(*x.shape[:-1], weight.shape[-1])


class Linear(nn.Linear):
    """PyTorch's layer [B, n_in] -> [B, n_out], which uses `product` on CPUs without bfloat16 products.

    Under autocast to bfloat16 its outputs are bfloat16 in both cases.
    """

    def forward(self, x: Tensor) -> Tensor:
        on = x.device.type
        if on != "cpu" or CPU_MULTIPLIES_BFLOAT16 or not torch.is_autocast_enabled(on):
            return super().forward(x)
        with torch.autocast(on, enabled=False):
            out = product(x.float()[None], self.weight.mT[None], "bfloat16")[0]
            return (out + self.bias).bfloat16()


def tf32_products(precision: str, device: torch.device) -> AbstractContextManager[None]:
    """Return a context in which float32 products on a GPU use TF32 if ``precision`` is "tf32".

    With other precisions no product does, whatever the surrounding program has set.
    """
    return products_in_tf32(precision == "tf32" and device.type == "cuda")
