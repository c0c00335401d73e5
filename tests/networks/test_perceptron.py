"""The perceptrons, compared with their formulas in float64."""

import numpy as np
import pytest
import torch
from torch import Tensor

from kingdra_repro.networks.perceptron import Perceptron

M, B, D, K = 3, 40, 7, 4


def streams(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def network(hidden: tuple[int, ...], precision: str = "float32") -> Perceptron:
    """Build networks with random scales, shifts and biases, as after some training."""
    made = Perceptron(D, K, hidden, streams(0, 1, 2), precision)
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for parameter in (*made.gamma, *made.beta, made.bias):
            parameter.add_(torch.randn(parameter.shape, generator=generator))
        made.weights[-1].mul_(100)
    return made


def plain(made: Perceptron, m: int, x: np.ndarray) -> np.ndarray:
    """Compute the outputs of model m for one batch from the formulas."""

    def value(tensor: Tensor) -> np.ndarray:
        return tensor[m].detach().double().numpy()

    h = x.astype(np.float64)
    for layer in range(len(made.gamma)):
        z = h @ value(made.weights[layer])
        z = (z - z.mean(0)) / z.std(0)
        h = np.maximum(value(made.gamma[layer]) * z + value(made.beta[layer]), 0)
    return h @ value(made.weights[-1]) + value(made.bias)


@pytest.mark.parametrize("hidden", [(), (16,), (16, 12)])
def test_each_pass_is_normalised_by_itself(hidden: tuple[int, ...]) -> None:
    made = network(hidden)
    passes = [
        torch.randn(M, B, D, generator=g) * scale for g, scale in zip(streams(5, 6), (1, 3), strict=True)
    ]
    for x, logits in zip(passes, made.encode(passes), strict=True):
        for m in range(M):
            np.testing.assert_allclose(logits[m].detach(), plain(made, m, x[m].numpy()), atol=2e-5)


@pytest.mark.parametrize("hidden", [(), (16,), (16, 12)])
def test_with_the_population_s_moments_the_whole_set_is_one_batch(hidden: tuple[int, ...]) -> None:
    made = network(hidden)
    x = torch.randn(1, 101, D, generator=torch.Generator().manual_seed(3))
    made.set_moments(lambda: x.split(20, dim=1))
    with torch.no_grad():
        outputs, alone = made(x), made(x[:, :1])
        torch.testing.assert_close(made.features(x) @ made.weights[-1] + made.bias[:, None], outputs)
    for m in range(M):
        np.testing.assert_allclose(outputs[m], plain(made, m, x[0].numpy()), atol=2e-5)
    torch.testing.assert_close(alone, outputs[:, :1], atol=1e-6, rtol=1e-5)


def test_initial_weights() -> None:
    """The variances are those of IMSAT's public code; each model draws from its own generator."""
    made = Perceptron(300, K, (200, 400), streams(0, 1))
    hidden, _, outputs = (weight.detach() for weight in made.weights)
    assert hidden.std().item() == pytest.approx((0.1 / 300) ** 0.5, rel=0.01)
    assert outputs.std().item() == pytest.approx((1e-4 / 400) ** 0.5, rel=0.05)
    second = Perceptron(300, K, (200, 400), streams(1))
    for both, one in zip(made.parameters(), second.parameters(), strict=True):
        assert torch.equal(both[1], one[0])
    assert not torch.equal(hidden[0], hidden[1])


def test_bfloat16_is_near() -> None:
    exact, rounded = network((16, 12)), network((16, 12), "bfloat16")
    x = torch.randn(M, B, D, generator=torch.Generator().manual_seed(4))
    (reference,) = exact.encode([x])
    assert not torch.equal(rounded.encode([x])[0], reference)
    torch.testing.assert_close(rounded.encode([x])[0], reference, atol=0.2, rtol=0.05)
