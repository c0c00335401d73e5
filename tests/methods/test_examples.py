"""The doctest examples of the methods run and give the documented output."""

import doctest
import sys

import pytest

from kingdra_repro import methods
from kingdra_repro.methods.clusterer import Clusterer

ESTIMATORS = [
    one
    for name in methods.__all__
    if isinstance(one := getattr(methods, name), type) and issubclass(one, Clusterer)
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: estimator.__name__)
def test_the_example_of_a_method_runs(estimator: type) -> None:
    name = estimator.__name__
    (example,) = doctest.DocTestFinder(recurse=False).find(estimator, name, sys.modules[estimator.__module__])
    assert example.examples, f"{name} has no example"
    assert "See Also" in (estimator.__doc__ or "")
    assert doctest.DocTestRunner().run(example).failed == 0
