import subprocess
import sys

import torch
from torch import nn

from kingdra_repro.training.adam import EPSILON, Adam

FIT = """
import sys
import numpy as np
from kingdra_repro import Kingdra
X = np.random.default_rng(0).normal(size=(40, 3))
Kingdra(2, base="linear_rim", n_models=2, n_iter=1, device="cpu").fit(X)
print("torch._dynamo" in sys.modules)
"""


def test_it_steps_as_pytorchs_does_to_the_bit() -> None:
    ours, theirs = ([nn.Parameter(torch.linspace(-1e-3, 1e-3, n)) for n in (5, 3)] for _ in range(2))
    mine = Adam(ours, 0.002)
    reference = torch.optim.Adam(theirs, lr=0.002, eps=EPSILON, fused=True)
    for step in range(6):
        rate = 0.002 / (1 + step)
        mine.set_learning_rate(rate)
        reference.param_groups[0]["lr"] = rate
        used = 1 if step in (0, 3) else 2  # a parameter without a gradient stays as it is
        for parameters, optimizer in ((ours, mine), (theirs, reference)):
            optimizer.zero_grad()
            sum((p**2 * (step + 1)).sum() for p in parameters[:used]).backward()  # type: ignore[union-attr]
            optimizer.step()
        for one, other in zip(ours, theirs, strict=True):
            assert torch.equal(one, other)
    for one, other in zip(ours, theirs, strict=True):
        for name, value in reference.state[other].items():
            assert torch.equal(mine.state[one][name], value)


def test_a_fit_does_not_import_pytorchs_compiler() -> None:
    done = subprocess.run([sys.executable, "-c", FIT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
