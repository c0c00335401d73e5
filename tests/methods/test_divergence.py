"""A diverging fit raises within an epoch; the error names iteration or phase, model, epoch and term."""

import pytest

from kingdra_repro.bases import Ladder
from kingdra_repro.errors import InputError
from tests.methods.estimators import BASES, NAMES, make, points

X, GIVEN = points()
NUMBER = r"= (-?[0-9.e+]+|nan|-?inf), weights up to ([0-9.e+]+|nan|inf)\): give a smaller"
REMEDY = rf"{NUMBER} learning_rate, .*StandardScaler"
TRAINED = [name for name in NAMES if hasattr(make(name), "learning_rate")]
OF_ENSEMBLES = {"Ensemble", "Kingdra", "KingdraPlus", "SemiSupervised", "Single"}


@pytest.mark.parametrize("base", [*BASES, Ladder(hidden=(8,), denoising_costs=(10.0, 1.0, 0.1))], ids=repr)
def test_every_base_that_diverges_in_the_first_epoch(base) -> None:
    name = "SemiSupervised" if isinstance(base, Ladder) and type(base) is Ladder else "Single"
    with pytest.raises(InputError, match=rf"diverged \(iteration 0, model 0, epoch 1: \w+ {REMEDY}"):
        make(name, base=base, learning_rate=1e6).fit(X, GIVEN)


@pytest.mark.parametrize("name", TRAINED)
def test_every_estimator_that_trains(name: str) -> None:
    rates = {"learning_rate": 1e6, "first_learning_rate": 1e6}
    where = "iteration 0, model [0-4]" if name in OF_ENSEMBLES else rf"the \w+, {name}"
    rate = "first_learning_rate" if name == "KingdraPlus" else "learning_rate"
    with pytest.raises(InputError, match=rf"diverged \({where}, epoch 1: \w+ {NUMBER} {rate}, "):
        make(name, **rates).fit(X, GIVEN)


@pytest.mark.parametrize(
    ("name", "settings", "where"),
    [
        ("DEC", {"clustering_learning_rate": 1e6, "tol": 0}, "the clustering, DEC"),
        ("KingdraPlus", {"learning_rate": 1e6}, "iteration 1, model [0-4]"),
    ],
)
def test_the_rate_to_lower_is_that_of_the_phase(name: str, settings: dict, where: str) -> None:
    rate = next(iter(settings))
    with pytest.raises(InputError, match=rf"diverged \({where}, epoch 1: \w+ {NUMBER} {rate}, "):
        make(name, **settings).fit(X)


def test_in_other_processes() -> None:
    model = make("Kingdra", base="deep_rim", n_models=2, n_jobs=2, learning_rate=1e6)
    with pytest.raises(InputError, match=rf"diverged \(iteration 0, model [01], epoch 1: \w+ {REMEDY}"):
        model.fit(X)
