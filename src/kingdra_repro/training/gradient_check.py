"""Checks that a faster way to compute a training step gives the losses and gradients of the plain way."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kingdra_repro.bases import Batch
from kingdra_repro.training.adam import Adam

# The error that rounding explains, relative to the gradient's norm or the loss. A wrong gradient is off by
# about its own norm.
TOLERANCE = {"float32": 1e-2, "tf32": 5e-2, "bfloat16": 2e-1}
# A gradient that is mathematically zero is pure rounding error, so each may also be off by this share of the
# norm of all gradients together.
SHARE_OF_ALL = 1e-4


@dataclass(frozen=True)
class StepResult:
    """Losses by name, each a Tensor [M], and gradients by parameter name."""

    losses: dict[str, Tensor]
    gradients: dict[str, Tensor]


def step_result(
    objective: Callable[[nn.Module, Batch], dict[str, Tensor]], network: nn.Module, batch: Batch
) -> StepResult:
    """Return an objective's losses and gradients for a batch; weights and their ``grad`` do not change."""
    losses = objective(network, batch)
    names, parameters = zip(*network.named_parameters(), strict=True)
    gradients = torch.autograd.grad(
        losses["loss"].sum(), parameters, allow_unused=True, materialize_grads=True
    )
    detached = {name: value.detach() for name, value in losses.items()}
    return StepResult(detached, dict(zip(names, gradients, strict=True)))


def mismatch(fast: StepResult, plain: StepResult, precision: str) -> str | None:
    """Describe where the fast result is furthest from the plain one; return None if rounding explains it.

    Both are results for the same batch and weights; ``precision`` is that of the matrix products. Values that
    are not finite in the plain result, as in a diverged training, are ignored.
    """
    kinds = (("gradient of", fast.gradients, plain.gradients), ("loss", fast.losses, plain.losses))
    for kind, found, expected in kinds:
        if (wrong := _furthest(found, expected, precision)) is not None:
            return f"the {kind} {wrong}"
    return None


def wrong_update(
    found: dict[str, Tensor], expected: dict[str, Tensor], before: dict[str, Tensor]
) -> str | None:
    """Describe where weights changed differently than expected; return None if rounding explains it.

    ``found`` and ``expected`` are the weights after two updates from ``before`` with equal gradients.
    """
    changes, expected_changes = (
        {name: weights[name] - value for name, value in before.items()} for weights in (found, expected)
    )
    wrong = _furthest(changes, expected_changes, "float32")
    return None if wrong is None else f"the update of {wrong}"


def _furthest(found: dict[str, Tensor], expected: dict[str, Tensor], precision: str) -> str | None:
    """Describe the tensor furthest from its expected value; return None if rounding explains the error."""
    error = torch.stack([(found[name] - value).norm() for name, value in expected.items()])
    size = torch.stack([value.norm() for value in expected.values()])
    known = size.isfinite()
    allowed = TOLERANCE[precision] * (size + SHARE_OF_ALL * size[known].norm())
    # 0 / 0 counts as no excess; a NaN of the fast way as an infinite one.
    excess = torch.where(error <= allowed, 0.0, error / allowed).nan_to_num(nan=torch.inf)
    worst = int(torch.where(known, excess, 0.0).argmax())
    if not known[worst] or excess[worst] <= 0:
        return None
    off = f"off by {error[worst] / size[worst]:.0%}" if error[worst].isfinite() else "not finite"
    return f"{list(expected)[worst]} is {off}"


def saved_state(network: nn.Module, optimizer: Adam) -> Callable[[], None]:
    """Return a function that restores the weights and the optimizer's state to their current values."""
    of_optimizer = (value for state in optimizer.state.values() for value in state.values())
    tensors = [*network.parameters(), *of_optimizer]
    saved = [tensor.detach().clone() for tensor in tensors]

    @torch.no_grad()
    def restore() -> None:
        for tensor, value in zip(tensors, saved, strict=True):
            tensor.copy_(value)

    return restore
