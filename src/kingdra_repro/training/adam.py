"""Adam without ``torch.optim.Adam``, which imports PyTorch's compiler and so slows each start by seconds."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim.adam import adam

EPSILON = 1e-7  # the default of Keras, which the public code uses


class Adam:
    """A bit-exact `torch.optim.Adam` with ``fused=True`` and ``eps=1e-7``; calls the same PyTorch function.

    If the learning rate is a Tensor, a step recorded as a CUDA graph reads its current value at each replay.
    ``state`` holds ``step``, ``exp_avg`` and ``exp_avg_sq`` of each parameter from its first step on.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], learning_rate: float | Tensor) -> None:
        self.parameters: list[Tensor] = list(parameters)
        self.learning_rate = learning_rate
        self.state: dict[Tensor, dict[str, Tensor]] = {}

    def set_learning_rate(self, learning_rate: float) -> None:
        if isinstance(self.learning_rate, Tensor):
            self.learning_rate.fill_(learning_rate)
        else:
            self.learning_rate = learning_rate

    def zero_grad(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def load_state(self, parameter: Tensor, step: float, exp_avg: Tensor, exp_avg_sq: Tensor) -> None:
        """Restore a parameter's state from an earlier step.

        The fused kernel reads memory in storage order and ignores strides, so the moments must have the
        memory layout of the parameter.
        """
        self.state[parameter] = {
            "step": torch.tensor(step, device=parameter.device),
            "exp_avg": torch.empty_like(parameter).copy_(exp_avg),
            "exp_avg_sq": torch.empty_like(parameter).copy_(exp_avg_sq),
        }

    @torch.no_grad()
    def step(self) -> None:
        """Update the parameters that have a gradient."""
        changed = [parameter for parameter in self.parameters if parameter.grad is not None]
        for parameter in changed:
            if parameter not in self.state:
                self.state[parameter] = {
                    "step": torch.zeros((), device=parameter.device),
                    "exp_avg": torch.zeros_like(parameter, memory_format=torch.preserve_format),
                    "exp_avg_sq": torch.zeros_like(parameter, memory_format=torch.preserve_format),
                }
        states = [self.state[parameter] for parameter in changed]
        adam(
            changed,
            [parameter.grad for parameter in changed if parameter.grad is not None],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            fused=True,
            capturable=isinstance(self.learning_rate, Tensor),
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=self.learning_rate,
            weight_decay=0.0,
            eps=EPSILON,
            maximize=False,
        )
