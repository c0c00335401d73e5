"""Streamed moments, compared with those of all rows at once."""

import numpy as np
import pytest
import torch

from kingdra_repro.networks.moments import PopulationMoments


@pytest.mark.parametrize("chunk", [1, 7, 100, 1000])
def test_moments_of_chunks(chunk: int) -> None:
    z = torch.randn(2, 1000, 3, generator=torch.Generator().manual_seed(0)) + 100.0
    moments = PopulationMoments(2, 3)
    moments.measure(z.split(chunk, dim=1))
    whole = z.double().numpy()
    np.testing.assert_allclose(moments.mean[:, 0], whole.mean(1), rtol=1e-6)
    np.testing.assert_allclose(moments.var[:, 0], whole.var(1), rtol=1e-4)
