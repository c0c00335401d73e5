"""K-means on the code of a denoising autoencoder."""

from functools import partial

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from kingdra_repro.errors import InputError
from kingdra_repro.evaluation import clustering_accuracy
from kingdra_repro.methods import DAEKMeans
from kingdra_repro.networks.autoencoder import Autoencoder, BoundedAutoencoder, mask
from tests.methods.conftest import KillAt, Killed

TINY = {"hidden": (8,), "epochs": 2, "batch_size": 16, "n_init": 1, "device": "cpu"}


def make(**settings) -> DAEKMeans:
    defaults = {"hidden": (64, 64), "epochs": 30, "batch_size": 64, "random_state": 0, "device": "cpu"}
    return DAEKMeans(10, **{**defaults, **settings})


def test_digits(digits) -> None:
    X, y = digits
    model = make().fit(X)
    assert clustering_accuracy(y, model.labels_) > 0.6  # .718 .670 .699 with seeds 0 to 2
    assert len(np.unique(model.labels_)) == 10
    assert model.labels_.dtype == model.predict(X).dtype == np.int64
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    loss = model.history_["loss"]
    assert list(model.history_["iteration"]) == list(range(1, 31))
    assert loss.iloc[-1] < 0.3 * loss.iloc[0]  # the mean square is 1; predicting the mean leaves about .6
    assert loss.iloc[-1] < 0.15


def test_the_code_has_k_numbers_and_reconstructs(digits) -> None:
    """Compare the trained network with its definition in float64 NumPy."""
    X = digits[0].astype(np.float64)
    network = make(epochs=3).fit(digits[0])._network
    h = X / np.sqrt((X**2).mean())
    for layers in (network.encoder.layers, network.decoder.layers):
        for i, layer in enumerate(layers):
            h = h @ layer.weight.detach().double().numpy().T + layer.bias.detach().double().numpy()
            h = h if i == len(layers) - 1 else np.maximum(h, 0)
        if layers is network.encoder.layers:
            assert h.shape == (len(X), 10)
            np.testing.assert_allclose(network(torch.from_numpy(digits[0])).detach().numpy(), h, atol=1e-4)
    expected = ((h - X / np.sqrt((X**2).mean())) ** 2).mean()
    loss = network.losses(torch.from_numpy(digits[0]), 0.0, torch.Generator())["loss"]
    assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_masking_sets_its_part_to_0() -> None:
    x = torch.ones(1000, 100)
    masked = mask(x, 0.2, torch.Generator().manual_seed(0))
    assert set(masked.unique().tolist()) == {0.0, 1.0}
    assert float(masked.mean()) == pytest.approx(0.8, abs=0.01)
    assert torch.equal(mask(x, 0.0, torch.Generator()), x)


@pytest.mark.parametrize("network_class", [Autoencoder, BoundedAutoencoder])
def test_what_is_to_be_reconstructed_is_not_masked(network_class: type[Autoencoder]) -> None:
    network = network_class(6, 2, [4], 2.0, torch.Generator().manual_seed(0))
    x = torch.rand(50, 6, generator=torch.Generator().manual_seed(1))
    loss = network.losses(x, 0.5, torch.Generator().manual_seed(2))["loss"]
    masked = mask(x, 0.5, torch.Generator().manual_seed(2))
    torch.testing.assert_close(loss, (network.decoder(network(masked)) - 2 * x).square().mean())


def test_each_epoch_is_masked_anew(digits, monkeypatch: pytest.MonkeyPatch) -> None:
    masks, losses = [], Autoencoder.losses

    def watched(self, x, masking, generator):
        masks.append(generator.get_state().numpy().tobytes())
        return losses(self, x, masking, generator)

    monkeypatch.setattr(Autoencoder, "losses", watched)
    make(hidden=(8,), epochs=3, masking=0.2).fit(digits[0][:128])
    assert len(set(masks)) == 6  # two batches an epoch


def test_units_of_the_data_do_not_matter(digits) -> None:
    X, _ = digits
    np.testing.assert_array_equal(make(epochs=2).fit(X).labels_, make(epochs=2).fit(1024 * X).labels_)


def test_weights_come_from_the_generator_alone() -> None:
    torch.manual_seed(1)
    first = Autoencoder(5, 2, [4], 1.0, torch.Generator().manual_seed(0))
    torch.manual_seed(2)
    second = Autoencoder(5, 2, [4], 1.0, torch.Generator().manual_seed(0))
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


def test_sparse_and_dense_give_the_same(digits) -> None:
    X, _ = digits
    dense, sparse = make(epochs=2).fit(X), make(epochs=2).fit(sp.csr_matrix(X))
    np.testing.assert_array_equal(dense.labels_, sparse.labels_)
    np.testing.assert_array_equal(sparse.predict(sp.csr_matrix(X)), sparse.labels_)


def test_a_damaged_checkpoint_costs_no_more_than_the_last_state(
    digits, tmp_path, monkeypatch, caplog
) -> None:
    monkeypatch.setattr("kingdra_repro.methods.network_fit.SHARE_WITHIN_PHASES", float("inf"))
    X, small = digits[0][:320], partial(make, hidden=(16,), epochs=4)
    with pytest.raises(Killed):
        small(checkpoint_dir=tmp_path, monitor=KillAt(13)).fit(X)
    path = tmp_path / "autoencoder.pt"
    path.write_bytes(path.read_bytes()[:-1])
    resumed = small(checkpoint_dir=tmp_path).fit(X)
    assert "autoencoder.pt is damaged or lost: going on from the state before" in caplog.text
    np.testing.assert_array_equal(resumed.labels_, small().fit(X).labels_)


def test_a_killed_fit_ends_as_one_never_killed(digits, assert_resumes) -> None:
    def small(**settings) -> DAEKMeans:
        return make(hidden=(16,), epochs=4, **settings)

    assert_resumes(small, digits[0][:320], steps=(3, 8, 20))  # five steps an epoch


def test_a_seed_decides_the_result(digits, assert_seeded) -> None:
    assert_seeded(lambda **settings: make(**{"epochs": 2, **settings}), digits[0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": ()}, r"hidden must be the widths of .*; got \(\)"),
        ({"hidden": 5}, "hidden must be the widths of .*; got 5"),
        ({"hidden": [8, 0]}, r"hidden must be the widths of .*; got \[8, 0\]"),
        ({"epochs": 0}, "epochs must be an integer of at least 1; got 0"),
        ({"batch_size": 1}, "batch_size must be an integer of at least 2; got 1"),
        ({"n_init": True}, "n_init must be an integer of at least 1; got True"),
        ({"learning_rate": "fast"}, "learning_rate must be a positive number; got 'fast'"),
        ({"masking": 1.0}, "masking must be a number of at least 0 and below 1; got 1.0"),
        ({"device": "cuda:77"}, "device=cuda:77 is not available on this machine"),
        ({"device": "hpu"}, "device=hpu is not available on this machine"),  # its module is missing
    ],
)
def test_user_errors(settings: dict, message: str, digits) -> None:
    with pytest.raises(InputError, match=message):
        DAEKMeans(**{"n_clusters": 3, **TINY, **settings}).fit(digits[0][:30])


def test_rows_that_pass_through_in_pieces(digits, monkeypatch: pytest.MonkeyPatch) -> None:
    X = digits[0][:400]
    whole = make(epochs=2).fit(X)
    monkeypatch.setattr("kingdra_repro.methods.network_clusterer.CHUNK", 70)
    monkeypatch.setattr("kingdra_repro.methods.autoencoder.CHUNK", 70)
    np.testing.assert_array_equal(make(epochs=2).fit(X).labels_, whole.labels_)
    np.testing.assert_array_equal(whole.predict(X), whole.labels_)
