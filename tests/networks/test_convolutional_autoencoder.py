"""The convolutional autoencoder: shapes, number of weights, initial weights, independent rows."""

import math

import pytest
import torch

from kingdra_repro.networks.convolutional_autoencoder import ConvolutionalAutoencoder


def network(shape: tuple[int, ...], seed: int = 0) -> ConvolutionalAutoencoder:
    return ConvolutionalAutoencoder(shape, 8, 1.0, torch.Generator().manual_seed(seed))


SHAPES = [(8, 8), (16, 16), (28, 28), (32, 32), (55, 55, 3), (28, 20), (6, 9), (9, 9), (9, 10), (10, 10, 3)]


@pytest.mark.parametrize("shape", SHAPES)
def test_pictures_of_any_shape_come_back_in_it(shape: tuple[int, ...]) -> None:
    x = torch.rand(2, math.prod(shape), generator=torch.Generator().manual_seed(0))
    code = network(shape)(x)
    assert code.shape == (2, 8)
    assert code.abs().max() <= 1
    assert network(shape).reconstruct(code).shape == x.shape


@pytest.mark.parametrize("shape", [(6, 9), (9, 6, 3)])
def test_a_row_is_a_picture_line_by_line(shape: tuple[int, ...]) -> None:
    x, seen = torch.arange(2.0 * math.prod(shape)).view(2, -1), []
    made = network(shape)
    made.down[0].register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0]))
    made(x)
    assert torch.equal(seen[0], x.view(2, *(*shape, 1)[:3]).movedim(3, 1))


def test_the_document_s_network_has_some_646_000_weights() -> None:
    for shape in ((16, 16), (28, 28)):
        whole = ConvolutionalAutoencoder(shape, 32, 1.0, torch.Generator().manual_seed(0))
        assert whole.last_map == (128, 4, 4)
        assert sum(weight.numel() for weight in whole.parameters()) == 646_049


def test_a_code_does_not_depend_on_the_other_pictures_of_the_batch() -> None:
    x = torch.rand(4, 64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(network((8, 8))(x)[:1], network((8, 8))(x[:1]))


def test_first_weights_are_the_generator_s_alone() -> None:
    before = torch.get_rng_state()
    first, second = network((8, 8)), network((8, 8))
    assert torch.equal(torch.get_rng_state(), before)
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)
