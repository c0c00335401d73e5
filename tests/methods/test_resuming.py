"""How fits are identified, so that a killed fit is resumed and another fit is refused."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from kingdra_repro import Kingdra
from kingdra_repro.bases import IMSATRPT, IMSATVAT, RIM, IMSATAffine, LadderDot, LadderIM
from kingdra_repro.errors import InputError
from kingdra_repro.methods import Ensemble, KingdraPlus
from kingdra_repro.methods.fit_setup import seed_and_checkpoint
from tests.methods.conftest import assert_same_history

X = np.zeros((4, 2), np.float32)


class Labeller:
    """An object with the default ``repr``, which contains its memory address."""

    def __init__(self, least: int) -> None:
        self.least = least


@dataclass(frozen=True)
class Holder:
    """A dataclass, such as a base model, whose ``repr`` contains that of what it holds."""

    held: object

    def __call__(self, *_: object) -> None:
        """Do nothing."""


def labeller(*_: object) -> None:
    """Do nothing; the ``repr`` of a function contains its memory address, too."""


@pytest.mark.parametrize(
    ("given", "again", "other"),
    [
        ({"pseudo_labels": Labeller(3)}, {"pseudo_labels": Labeller(3)}, {"pseudo_labels": Labeller(4)}),
        ({"learning_rate": np.float64(0.01)}, {"learning_rate": 0.01}, {"learning_rate": 0.02}),
        ({"base": ["deep_rim"]}, {"base": ("deep_rim",)}, {"base": ["linear_rim"]}),
        ({"pseudo_labels": labeller}, {"pseudo_labels": labeller}, {"pseudo_labels": Labeller(3)}),
        (
            {"pseudo_labels": partial(labeller, Labeller(3))},
            {"pseudo_labels": partial(labeller, Labeller(3))},
            {"pseudo_labels": partial(labeller, Labeller(4))},
        ),
        (
            {"pseudo_labels": partial(labeller, how=Labeller(3))},
            {"pseudo_labels": partial(labeller, how=Labeller(3))},
            {"pseudo_labels": partial(labeller, how=Labeller(4))},
        ),
        *(
            tuple({"pseudo_labels": kind(one)} for one in (Labeller(3), Labeller(3), Labeller(4)))
            for kind in (Holder, lambda one: Holder([one]), lambda one: Labeller({"one": one}))  # type: ignore[arg-type]
        ),
        # NumPy shows only the ends of an array.
        tuple({"pseudo_labels": Labeller(np.arange(2000) == i)} for i in (1000, 1000, 1001)),  # type: ignore[arg-type]
    ],
)
def test_a_fit_with_equal_parameters_goes_on(tmp_path: Path, given: dict, again: dict, other: dict) -> None:
    settings = {"random_state": 0, "checkpoint_dir": tmp_path}
    checkpoint = seed_and_checkpoint(Kingdra(2, **given, **settings), X)[1]
    assert checkpoint is not None
    checkpoint.save("iteration", {})
    assert seed_and_checkpoint(Kingdra(2, **again, **settings), X)[0] == 0
    with pytest.raises(InputError, match="belongs to other settings"):
        seed_and_checkpoint(Kingdra(2, **other, **settings), X)


def test_a_random_state_goes_on_with_the_seed_that_it_gives_and_no_other(tmp_path: Path) -> None:
    def seeded(number: int) -> Kingdra:
        return Kingdra(2, random_state=np.random.RandomState(number), checkpoint_dir=tmp_path)

    seed, checkpoint = seed_and_checkpoint(seeded(1), X)
    assert checkpoint is not None
    checkpoint.save("iteration", {})
    assert seed_and_checkpoint(seeded(1), X)[0] == seed
    with pytest.raises(InputError, match="belongs to other settings"):
        seed_and_checkpoint(seeded(2), X)


def test_a_fit_without_a_seed_goes_on_with_the_one_that_was_drawn(tmp_path: Path) -> None:
    unseeded = Kingdra(2, random_state=None, checkpoint_dir=tmp_path)
    seed, checkpoint = seed_and_checkpoint(unseeded, X)
    assert checkpoint is not None
    checkpoint.save("iteration", {})
    assert seed_and_checkpoint(unseeded, X)[0] == seed


class FitsAgain:
    """A monitor that starts another fit during a fit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def progress(self, event) -> None:
        Kingdra(2, n_models=1, checkpoint_dir=self.folder, device="cpu").fit(X)

    def iteration(self, it) -> None: ...


def test_two_fits_at_a_time_do_not_share_a_checkpoint(tmp_path: Path) -> None:
    """This happens if torchrun starts a script several times, or a grid search uses several processes."""
    kept = Kingdra(
        2, n_models=1, checkpoint_dir=tmp_path / "a", device="cpu", monitor=FitsAgain(tmp_path / "a")
    )
    with pytest.raises(
        InputError, match=r"Another fit keeps its checkpoint in .*a checkpoint_dir of its own"
    ):
        kept.fit(X)
    with pytest.raises(InputError, match="n_models"):
        Kingdra(2, n_models=0, checkpoint_dir=tmp_path / "b").fit(X)
    assert not (tmp_path / "b").exists()


def test_a_checkpoint_may_be_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = make_blobs(30, centers=2, random_state=0)[0] / 10
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    model = Ensemble(2, base=RIM(hidden=(4,)), n_models=1, epochs=1, checkpoint_dir="~/kept")
    model.fit(points)
    assert (tmp_path / "home" / "kept" / "run.pt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_a_lambda_cannot_be_distinguished_from_another(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="A lambda cannot be identified"):
        seed_and_checkpoint(Kingdra(2, pseudo_labels=lambda *_: None, checkpoint_dir=tmp_path), X)


def test_what_failed_before_it_trained_is_in_nobody_s_way(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="base"):
        Kingdra(2, base="typo", random_state=None, checkpoint_dir=tmp_path).fit(X + np.eye(4, 2))
    assert seed_and_checkpoint(Kingdra(2, random_state=5, checkpoint_dir=tmp_path), X)[0] == 5


def test_nothing_in_a_checkpoint_says_where_an_object_lay(tmp_path: Path) -> None:
    for given in (Labeller(3), labeller):
        checkpoint = seed_and_checkpoint(
            Kingdra(2, pseudo_labels=given, checkpoint_dir=tmp_path / repr(given)), X
        )[1]
        assert checkpoint is not None
        assert " at 0x" not in checkpoint.run


BASES = {
    "ladder_im": LadderIM(hidden=(8,)),
    "ladder_dot": LadderDot(hidden=(8,)),
    "imsat_vat": IMSATVAT(hidden=(8,)),
    "imsat_rpt": IMSATRPT(hidden=(8,)),
    "deep_rim": RIM(hidden=(8,)),
    "imsat_affine": IMSATAffine(image_shape=(4, 4), channels=(3, 4), hidden=(8,)),
}


@pytest.mark.parametrize("scheme", [Kingdra, KingdraPlus])
@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_a_checkpoint_changes_no_bit(
    scheme: type, base: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a checkpoint, stacks that take turns on a CPU are offloaded after each phase."""
    monkeypatch.setattr("kingdra_repro.training.worker.WEIGHTS_PER_CPU_STACK", 1)
    points, _ = make_blobs(120, n_features=16, centers=3, random_state=0)
    points = ((points - points.min(0)) / np.ptp(points, axis=0)).astype(np.float32)

    def fitted(**more):
        settings = {"n_models": 2, "n_iter": 2, "first_epochs": 2, "epochs": 1, "batch_size": 20}
        return scheme(3, base=base, **settings, random_state=0, device="cpu", **more).fit(points)

    alone, kept = fitted(), fitted(checkpoint_dir=tmp_path)
    np.testing.assert_array_equal(kept.predict_proba(points), alone.predict_proba(points))
    assert_same_history(kept, alone)
