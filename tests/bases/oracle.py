"""Known answers of the published code for one step, read from tests/fixtures/oracle/model_*.npz."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from kingdra_repro.bases import Batch, LadderIM
from kingdra_repro.networks.ladder import LadderNetwork

FIXTURES = Path(__file__).parent.parent / "fixtures" / "oracle"
N_LAYERS = 3


class KnownStep:
    """One Ladder-IM step of a 64-48-40-10 network: weights, noise, losses, gradients, three Adam steps."""

    def __init__(self, name: str, dtype: torch.dtype) -> None:
        self.data = np.load(FIXTURES / f"{name}.npz", allow_pickle=False)
        self.dtype = dtype
        self.base = LadderIM(
            hidden=(48, 40), last_layer_bn=name == "model_bn_sup1", w_mi=0.1, mu=4.0, w_kl=1.0, noise_std=0.3
        )
        generators = [torch.Generator().manual_seed(0)]
        self.network: LadderNetwork = self.base.build(64, 10, generators, "float32").to(dtype)
        with torch.no_grad():
            for i, parameter in enumerate(self.parameters()):
                parameter.copy_(self.tensor(f"w_{i:02d}"))

    def tensor(self, key: str) -> Tensor:
        return torch.from_numpy(self.data[key]).to(self.dtype)

    def parameters(self, of: Callable[[Tensor], Tensor] = lambda parameter: parameter) -> list[Tensor]:
        """Return views of ``of(parameter)`` for all parameters, in the published code's order of weights."""
        net = self.network
        order: list[Tensor] = []
        for layer in range(N_LAYERS):
            order += [of(net.encoder[layer])[0], of(net.beta[layer])[0]]
        for layer in range(N_LAYERS, -1, -1):
            if layer < N_LAYERS:
                order.append(of(net.decoder[layer])[0])
            order += list(of(net.combinator[layer])[0])
        return order

    def gradients(self) -> list[Tensor]:
        return self.parameters(lambda parameter: parameter.grad)

    def losses(self) -> dict[str, Tensor]:
        noise = [
            torch.stack([self.tensor(f"noise_corr_{layer}"), self.tensor(f"noise_corr_sup_{layer}")])[None]
            for layer in range(N_LAYERS + 1)
        ]
        y_sup = self.tensor("y_sup").argmax(1)[None]
        batch = Batch(self.tensor("x")[None], noise, self.tensor("x_sup")[None], y_sup)
        return self.base.losses(self.network, batch)
