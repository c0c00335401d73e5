"""Time training steps of this package and of a plain PyTorch ladder network, alternating.

    python benchmarks/plain.py [batch size] [float32|bfloat16]

The plain network is a direct implementation of the paper: one model, one pass after the other, nn.Linear,
batch norm in elementary operations, autograd throughout, torch.optim's Adam; for bfloat16, torch.autocast. It
computes the same loss, which is checked. Our network is timed as one model, and as ten models shared by one
process per core. Run it on an idle machine.
"""

import itertools
import statistics
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from training import LEARNING_RATE, stack, time_processes

from kingdra_repro.bases import Batch, LadderIM

WIDTHS = (784, 1200, 1200, 10)
COSTS = (1000.0, 10.0, 0.1, 0.1)
TURNS, STEPS = 5, 20


def normalize(z: Tensor) -> Tensor:
    return (z - z.mean(0)) / (z.var(0, unbiased=False) + 1e-10).sqrt()


class PlainLadderIM(nn.Module):
    """Ladder-IM as in the paper's appendix B and the public code, for one model."""

    def __init__(self) -> None:
        super().__init__()
        pairs = list(itertools.pairwise(WIDTHS))
        self.encoder = nn.ModuleList(nn.Linear(i, o, bias=False) for i, o in pairs)
        self.decoder = nn.ModuleList(nn.Linear(o, i, bias=False) for i, o in pairs)
        self.beta = nn.ParameterList(torch.zeros(d) for d in WIDTHS[1:])
        self.a = nn.ParameterList(torch.zeros(10, d) for d in WIDTHS)
        for a in self.a:
            a.data[[1, 6]] = 1.0

    def encode(self, x: Tensor, noise: list[Tensor]) -> tuple[list[Tensor], Tensor]:
        z = [x + noise[0]]
        h = z[0]
        for layer, product in enumerate(self.encoder, 1):
            h = product(h).float()
            z.append((h if layer == 3 else normalize(h)) + noise[layer])
            h = z[-1] + self.beta[layer - 1]
            h = h if layer == 3 else torch.relu(h)
        return z, h

    def combine(self, z: Tensor, u: Tensor, a: Tensor) -> Tensor:
        mu = a[0] * torch.sigmoid(a[1] * u + a[2]) + a[3] * u + a[4]
        v = a[5] * torch.sigmoid(a[6] * u + a[7]) + a[8] * u + a[9]
        return (z - mu) * v + mu

    def loss(self, x: Tensor, noise: list[Tensor]) -> Tensor:
        z, clean = self.encode(x, [torch.zeros(()) for _ in WIDTHS])
        z_noisy, noisy = self.encode(x, noise)
        u, loss = noisy, torch.zeros(())
        for layer in range(3, -1, -1):
            z_est = self.combine(z_noisy[layer], normalize(u), self.a[layer])
            loss = loss + COSTS[layer] * F.mse_loss(z_est, z[layer])
            if layer:
                u = self.decoder[layer - 1](z_est).float()
        p, q = F.softmax(clean, 1), F.softmax(noisy, 1)
        loss = loss + (p.detach() * (torch.log(p.detach() + 1e-16) - torch.log(q + 1e-16))).sum(1).mean()
        for y in (p, q):
            marginal = y.mean(0)
            loss = loss - 0.1 * (y * torch.log(y + 1e-16)).sum(1).mean()
            loss = loss + 0.4 * (marginal * torch.log(marginal + 1e-16)).sum()
        return loss


def check_same_loss(plain: PlainLadderIM) -> None:
    """Check that the plain loss equals ours for the same weights, batch and noise."""
    base = LadderIM()
    network = base.build(WIDTHS[0], WIDTHS[-1], [torch.Generator().manual_seed(0)], "float32")
    layers = [*plain.encoder, *plain.decoder]
    for weight, layer in zip([*network.encoder, *network.decoder], layers, strict=True):
        layer.weight.data = weight.data[0].T.contiguous()
    x = torch.rand(1, 64, WIDTHS[0])
    noise = base.sample_noise(network, 64, False, [torch.Generator().manual_seed(1)])
    ours = base.losses(network, Batch(x, noise, None, None, None))["loss"]
    theirs = plain.loss(x[0], [network.noise_std * z[0, 0] for z in noise])
    torch.testing.assert_close(theirs, ours[0], rtol=1e-4, atol=1e-4)
    print(
        f"loss for the same weights, batch and noise: {ours.item():.4f} (ours), {theirs.item():.4f} (plain)"
    )


def seconds(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    for _ in range(STEPS):
        step()
    return (time.perf_counter() - start) / STEPS


def main(batch: int, precision: str) -> None:
    plain = PlainLadderIM()
    check_same_loss(plain)
    optimizer = torch.optim.Adam(plain.parameters(), lr=LEARNING_RATE)
    X = torch.rand(STEPS * batch, WIDTHS[0])
    cpu = torch.device("cpu")

    def plain_step() -> None:
        x = X[torch.randint(len(X), (batch,))]
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            loss = plain.loss(x, [0.3 * torch.randn(batch, d) for d in WIDTHS])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    ours = stack(WIDTHS[0], STEPS * batch, 1, batch, precision, cpu)
    found: dict[str, list[float]] = {"plain": [], "ours, one model": [], "ours, ten models, each": []}
    for turn in range(TURNS + 1):
        took = seconds(plain_step)
        start = time.perf_counter()
        ours.train_epoch(None, lambda step: None)
        one = (time.perf_counter() - start) / STEPS
        ten = time_processes(WIDTHS[0], 10, batch, precision) / 10
        if turn:  # the first turn warms up
            for values, value in zip(found.values(), (took, one, ten), strict=True):
                values.append(value)
    medians = {name: statistics.median(values) for name, values in found.items()}
    print(f"batch {batch}, {precision}, {torch.get_num_threads()} threads; medians of {TURNS}, by turns")
    for name, median in medians.items():
        print(f"{name:<24} {1e3 * median:6.1f} ms a step  {median / medians['plain']:.2f} of plain")


if __name__ == "__main__":
    words = sys.argv[1:]
    main(int(next((w for w in words if w.isdigit()), 64)), "bfloat16" if "bfloat16" in words else "float32")
