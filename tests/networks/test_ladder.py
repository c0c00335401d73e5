"""The ladder network: the initial denoising function, and the features behind the outputs."""

import torch

from kingdra_repro.networks.ladder import LadderNetwork


def network(n_models: int = 2) -> LadderNetwork:
    streams = [torch.Generator().manual_seed(m) for m in range(n_models)]
    return LadderNetwork(6, 3, (5, 4), 0.3, False, streams)


def test_at_first_denoising_is_a_sigmoid_of_what_comes_from_above() -> None:
    """As in the public code, a2 = a7 = 1 and all others are 0."""
    for a in network().combinator:
        assert (a.mT == torch.tensor([0.0, 1, 0, 0, 0, 0, 1, 0, 0, 0])).all()


@torch.no_grad()
def test_features_are_what_the_outputs_are_made_of() -> None:
    made, x = network(), torch.randn(1, 20, 6, generator=torch.Generator().manual_seed(9))
    for beta in made.beta:
        beta.normal_(generator=torch.Generator().manual_seed(8))
    made.set_moments(lambda: [x])
    features = made.features(x)
    assert features.shape == (2, 20, 4)
    torch.testing.assert_close(made(x), features @ made.encoder[-1] + made.beta[-1][:, None])
