"""Whether a faster way of computing a training step gives the losses and gradients of the plain way."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kingdra_repro.bases import Batch
from kingdra_repro.training.adam import Adam

# What rounding explains of an error, relative to the gradient's length or the loss. A wrong gradient is off
# by about its own length.
TOLERANCE = {"float32": 1e-2, "tf32": 5e-2, "bfloat16": 2e-1}
# A gradient that is mathematically zero is all rounding: each may be off by this share of all together, too.
SHARE_OF_ALL = 1e-4


@dataclass(frozen=True)
class StepResult:
    """Losses by their names, each Tensor [M], and gradients by the names of the parameters."""

    losses: dict[str, Tensor]
    gradients: dict[str, Tensor]


def step_result(
    objective: Callable[[nn.Module, Batch], dict[str, Tensor]], network: nn.Module, batch: Batch
) -> StepResult:
    """Return what an objective gives for a batch; weights and their ``grad`` stay as they are."""
    losses = objective(network, batch)
    names, parameters = zip(*network.named_parameters(), strict=True)
    gradients = torch.autograd.grad(
        losses["loss"].sum(), parameters, allow_unused=True, materialize_grads=True
    )
    detached = {name: value.detach() for name, value in losses.items()}
    return StepResult(detached, dict(zip(names, gradients, strict=True)))


def mismatch(fast: StepResult, plain: StepResult, precision: str) -> str | None:
    """Where the fast way is furthest from the plain one, in words; None if rounding explains all.

    Both are of one batch and the same weights; ``precision`` is that of the matrix products. What is not
    finite in the plain way, as in a training that has diverged, says nothing about the fast one.
    """
    kinds = (("gradient of", fast.gradients, plain.gradients), ("loss", fast.losses, plain.losses))
    for kind, found, expected in kinds:
        if (wrong := _furthest(found, expected, precision)) is not None:
            return f"the {kind} {wrong}"
    return None


def wrong_update(
    found: dict[str, Tensor], expected: dict[str, Tensor], before: dict[str, Tensor]
) -> str | None:
    """Where weights have changed otherwise than expected, in words; None if rounding explains all.

    ``found`` and ``expected`` are the weights after two updates from ``before`` with equal gradients.
    """
    changes, expected_changes = (
        {name: weights[name] - value for name, value in before.items()} for weights in (found, expected)
    )
    wrong = _furthest(changes, expected_changes, "float32")
    return None if wrong is None else f"the update of {wrong}"


def _furthest(found: dict[str, Tensor], expected: dict[str, Tensor], precision: str) -> str | None:
    """Name the tensor that is furthest from what is expected, and how far; None if rounding explains all."""
    error = torch.stack([(found[name] - value).norm() for name, value in expected.items()])
    size = torch.stack([value.norm() for value in expected.values()])
    known = size.isfinite()
    allowed = TOLERANCE[precision] * (size + SHARE_OF_ALL * size[known].norm())
    # 0 / 0 is no excess; a NaN of the fast way is more than any.
    excess = torch.where(error <= allowed, 0.0, error / allowed).nan_to_num(nan=torch.inf)
    worst = int(torch.where(known, excess, 0.0).argmax())
    if not known[worst] or excess[worst] <= 0:
        return None
    off = f"off by {error[worst] / size[worst]:.0%}" if error[worst].isfinite() else "not finite"
    return f"{list(expected)[worst]} is {off}"


def saved_state(network: nn.Module, optimizer: Adam) -> Callable[[], None]:
    """Return a function that sets weights and the optimizer's state back to what they are now."""
    of_optimizer = (value for state in optimizer.state.values() for value in state.values())
    tensors = [*network.parameters(), *of_optimizer]
    saved = [tensor.detach().clone() for tensor in tensors]

    @torch.no_grad()
    def restore() -> None:
        for tensor, value in zip(tensors, saved, strict=True):
            tensor.copy_(value)

    return restore
