"""The objective, its gradients and three Adam steps, compared with the published code's numbers."""

import numpy as np
import pytest
import torch

from tests.bases.oracle import KnownStep

NAMES = ["model_bn_sup1", "model_nobn_sup1"]
TERMS = {
    "mi_loss_clean": "mi_clean",
    "mi_loss_corr": "mi_noisy",
    "ladder_cost": "denoising",
    "noise_kl": "kl",
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", NAMES)
def test_every_loss_term(name: str, dtype: torch.dtype) -> None:
    step = KnownStep(name, dtype)
    losses = step.losses()
    for key, value in zip(step.data["loss_names"], step.data["loss_vals"], strict=True):
        assert losses[TERMS.get(str(key), str(key))].item() == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", NAMES)
def test_every_gradient(name: str, dtype: torch.dtype) -> None:
    step = KnownStep(name, dtype)
    step.losses()["loss"].sum().backward()
    for i, gradient in enumerate(step.gradients()):
        known = step.tensor(f"grad_{i:02d}")
        assert torch.linalg.norm(gradient - known) <= 1e-4 * torch.linalg.norm(known), i


@pytest.mark.parametrize("name", NAMES)
def test_clean_outputs(name: str) -> None:
    step = KnownStep(name, torch.float64)
    step.network.set_moments(lambda: [step.tensor("x")[None]])
    p = torch.softmax(step.network(step.tensor("x")[None]), -1)[0]
    np.testing.assert_allclose(p.detach(), step.data["clean_p_xs"], atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_three_adam_steps(name: str) -> None:
    """Compare the losses of three steps with the same noise, and the weights after them.

    Keras 2.1.4 reads its step counter after incrementing it, so the known steps have the bias correction of
    steps 2, 3 and 4; the optimizer here therefore starts at step 1 with empty moments. Similarly, the known
    steps seem to read some weights after updating them: the lowest decoder layer, where the backward pass
    begins, agrees closely, the layers behind it less and less. The tolerances reflect this agreement.
    """
    step = KnownStep(name, torch.float64)
    optimizer = torch.optim.Adam(step.network.parameters(), lr=0.002, eps=1e-7)
    for parameter in step.network.parameters():
        zeros = torch.zeros_like(parameter)
        optimizer.state[parameter] = {
            "step": torch.tensor(1.0),
            "exp_avg": zeros,
            "exp_avg_sq": zeros.clone(),
        }
    for known in step.data["train_losses"]:
        losses = step.losses()
        assert losses["loss"].item() == pytest.approx(known[0], rel=2e-4)
        optimizer.zero_grad()
        losses["loss"].sum().backward()
        optimizer.step()
    known_weights = [step.tensor(f"w3_{i:02d}") for i in range(49)]
    moved = [w3 - step.tensor(f"w_{i:02d}") for i, w3 in enumerate(known_weights)]
    error = [p.detach() - w3 for p, w3 in zip(step.parameters(), known_weights, strict=True)]
    lowest, everywhere = slice(38, 49), slice(0, 49)
    assert relative_norm(error[lowest], moved[lowest]) <= 0.02
    assert relative_norm(error[everywhere], moved[everywhere]) <= 0.1


def relative_norm(error: list[torch.Tensor], reference: list[torch.Tensor]) -> float:
    norms = [torch.linalg.norm(torch.cat([t.flatten() for t in tensors])) for tensors in (error, reference)]
    return (norms[0] / norms[1]).item()
