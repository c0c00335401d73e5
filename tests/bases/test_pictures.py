"""IMSAT for pictures: distortions and loss compared with known ones, and accuracy on simple shapes."""

import numpy as np
import pytest
import torch
from scipy.special import softmax

from kingdra_repro import Kingdra
from kingdra_repro.bases import Batch, IMSATAffine
from kingdra_repro.bases.perturbations import affine_distortion
from kingdra_repro.errors import InputError
from kingdra_repro.evaluation import clustering_accuracy
from kingdra_repro.methods import Ensemble

LARGE = 100.0  # a normal sample so large that it gives the largest distortion
SHAPE = (6, 6, 2)
D = 72


def distorted(pictures: np.ndarray, numbers: list[float], **largest: float) -> np.ndarray:
    x = torch.from_numpy(pictures).reshape(1, len(pictures), -1)
    noise = torch.tensor(numbers).expand(1, len(pictures), 6)
    sizes = {"rotation": 0.0, "scaling": 0.0, "shear": 0.0, "shift": 0.0, **largest}
    return affine_distortion(x, noise, SHAPE, **sizes).numpy().reshape(pictures.shape)


@pytest.fixture
def pictures() -> np.ndarray:
    return np.random.default_rng(0).random((4, *SHAPE), dtype=np.float32)


def test_distortions_that_are_known(pictures: np.ndarray) -> None:
    same = distorted(pictures, [0.0] * 6, rotation=1.0, scaling=0.5, shear=1.0, shift=0.5)
    np.testing.assert_allclose(same, pictures, atol=1e-5)
    right = distorted(pictures, [0, 0, 0, 0, -LARGE, 0], shift=1 / 3)
    np.testing.assert_allclose(right[:, :, 2:], pictures[:, :, :-2], atol=1e-5)
    np.testing.assert_allclose(right[:, :, :2], 0, atol=1e-5)
    up = distorted(pictures, [0, 0, 0, 0, 0, LARGE], shift=1 / 6)
    np.testing.assert_allclose(up[:, :-1], pictures[:, 1:], atol=1e-5)
    turned = distorted(pictures, [LARGE, 0, 0, 0, 0, 0], rotation=np.pi / 2)
    np.testing.assert_allclose(turned, np.rot90(pictures, 1, axes=(1, 2)), atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(24, 24), (24, 48), (48, 24)])
@pytest.mark.parametrize(("x", "y"), [(6, 0), (0, 6), (4, -4)])
def test_a_spot_goes_where_the_angle_takes_it_in_pictures_of_any_shape(height, width, x, y) -> None:
    rows, columns = np.mgrid[:height, :width] - np.array([height - 1, width - 1]).reshape(2, 1, 1) / 2
    spot = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 4).astype(np.float32)

    def place(number: int, **largest: float) -> list[float]:
        numbers = LARGE * torch.eye(6)[number].view(1, 1, 6)
        sizes = {"rotation": 0.0, "scaling": 0.0, "shear": 0.0, "shift": 0.0, **largest}
        pixels = torch.from_numpy(spot).view(1, 1, -1)
        found = affine_distortion(pixels, numbers, (height, width, 1), **sizes).numpy().reshape(height, width)
        return [float((found * axis).sum() / found.sum()) for axis in (columns, rows)]

    cos, sin = np.cos(0.4), np.sin(0.4)
    np.testing.assert_allclose(place(0, rotation=0.4), [cos * x + sin * y, cos * y - sin * x], atol=0.05)
    np.testing.assert_allclose(place(3, shear=0.4), [x - 0.4 * y, y], atol=0.05)


def test_each_picture_is_distorted_by_its_own_numbers() -> None:
    base = IMSATAffine(image_shape=(6, 6, 2))
    network = base.build(D, 3, [torch.Generator().manual_seed(s) for s in (0, 1)], "float32")
    streams = [torch.Generator().manual_seed(s) for s in (2, 3)]
    noise = base.sample_noise(network, 50, 2, streams)
    assert [tuple(one.shape) for one in noise] == [(2, 50, 6)] * 3
    x = torch.rand(1, 1, D).expand(2, 50, D)
    found = base.distort(x, noise[0], network.image_shape)
    assert len(torch.unique(found.flatten(0, 1), dim=0)) == 100
    assert 0 <= found.min() <= found.max() <= 1


@pytest.mark.parametrize("mu_later", [None, 0.0, 0.5])
def test_the_loss_is_that_of_the_formula(mu_later: float | None) -> None:
    """Without distortion both outputs are equal, so only mutual information and labels contribute."""
    alike = {"rotation": 0, "scaling": 0, "shear": 0, "shift": 0}
    still = IMSATAffine(image_shape=SHAPE, w_mi=0.3, mu=2.0, mu_later=mu_later, **alike)
    network = still.build(D, 4, [torch.Generator().manual_seed(0)], "float32")
    with torch.no_grad():
        network.perceptron.weights[-1].mul_(1000)
    x = torch.rand(1, 40, D, generator=torch.Generator().manual_seed(1))
    y = torch.arange(40).view(1, -1) % 4
    noise = still.sample_noise(network, 40, 1, [torch.Generator().manual_seed(2)])
    without = still.losses(network, Batch(x, noise[:1]))
    losses = still.losses(network, Batch(x, noise, x_sup=x.flip(1), y_sup=y))
    p = softmax(network.encode([x])[0][0].detach().double().numpy(), axis=1)
    entropy, mean = -(p * np.log(p)).sum(1).mean(), p.mean(0)
    negentropy = (mean * np.log(mean)).sum()
    mi = entropy + (2.0 if mu_later is None else mu_later) * negentropy
    supervised = -np.log(p[::-1][np.arange(40), y[0]]).mean()
    assert losses["sat"].item() == pytest.approx(0, abs=1e-5)
    assert without["mi"].item() == pytest.approx(entropy + 2.0 * negentropy, rel=1e-4)
    assert losses["mi"].item() == pytest.approx(mi, rel=1e-4)
    assert losses["supervised"].item() == pytest.approx(supervised, rel=1e-4)
    assert losses["loss"].item() == pytest.approx(supervised + 0.3 * mi, rel=1e-4)
    moved = IMSATAffine(image_shape=SHAPE).losses(network, Batch(x, noise[:1]))
    assert moved["sat"].item() > 1e-3


def crosses() -> tuple[np.ndarray, np.ndarray]:
    """Return 240 pictures of 12 x 12 with a horizontal bar, a vertical bar or a cross, and their classes."""
    random, y = np.random.default_rng(0), np.arange(240) % 3
    pictures = 0.1 * random.random((240, 12, 12), dtype=np.float32)
    for picture, kind in zip(pictures, y, strict=True):
        row, column = random.integers(3, 7, 2)
        if kind != 1:
            picture[row : row + 2, 1:11] = 1
        if kind != 0:
            picture[1:11, column : column + 2] = 1
    return pictures.reshape(240, -1), y


def test_kingdra_finds_shapes_wherever_they_are() -> None:
    X, y = crosses()
    base = IMSATAffine(image_shape=(12, 12), channels=(8, 16), hidden=(32,), rotation=5, shift=0.2)
    settings = {"n_models": 3, "n_iter": 2, "first_epochs": 15, "epochs": 3, "batch_size": 48}
    found = Kingdra(3, base=base, learning_rate=0.003, random_state=0, device="cpu", **settings).fit(X)
    assert clustering_accuracy(y, found.labels_) > 0.9
    assert clustering_accuracy(y, found.predict(X)) > 0.9


@pytest.mark.parametrize(
    ("base", "message"),
    [
        (IMSATAffine(), "imsat_affine is for pictures, and these rows are not known to be any: give"),
        (IMSATAffine(image_shape=(5, 5)), "image_shape must be a shape of 72 numbers, as the rows have; got"),
    ],
)
def test_rows_that_are_no_such_pictures(base: IMSATAffine, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Ensemble(2, base=base, n_models=1, epochs=1).fit(np.random.default_rng(0).random((30, D)))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"image_shape": 5}, "image_shape must be a list of numbers; got 5"),
        ({"image_shape": (5,)}, r"image_shape must be \(height, width\) or"),
        ({"channels": ()}, "channels must be the widths of one layer or more"),
        ({"rotation": -1.0}, "rotation must be a finite number of at least 0; got -1.0"),
    ],
)
def test_settings_that_are_none(given: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        IMSATAffine(**given)
