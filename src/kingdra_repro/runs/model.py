"""model.safetensors and model.json: the fitted estimator of a run, stored without pickle."""

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import torch
from safetensors import SafetensorError
from sklearn.pipeline import Pipeline, make_pipeline

from kingdra_repro import bases, methods, pseudo_labels
from kingdra_repro.checks import check_parameters
from kingdra_repro.data.features.table_vectorizer import TableVectorizer
from kingdra_repro.data.sources.preprocessing import Features, Preprocessing, span_of
from kingdra_repro.data.streamed import Matrix
from kingdra_repro.errors import InputError
from kingdra_repro.files import atomic_write, checksum, write_text
from kingdra_repro.library_state import default_library_state
from kingdra_repro.methods.clusterer import Clusterer
from kingdra_repro.runs.reading import DAMAGE
from kingdra_repro.training.options import WITHOUT_EFFECT
from kingdra_repro.version import package_version

log = logging.getLogger(__name__)

NUMBERS, DESCRIPTION = "model.safetensors", "model.json"
SMALL = 200_000_000  # bytes; the largest model that keep_model=auto keeps
LARGEST_DESCRIPTION = 100_000_000  # bytes; vocabularies may be long, but not this long
KEEP = ("auto", True, False)
NO_MORE = {"labels_per_class", "labels_fraction"}  # parameters that estimators of older runs had


def _named(kind: type | tuple[type, ...], module: Any) -> dict[str, type]:
    found = {name: getattr(module, name) for name in module.__all__}
    return {name: one for name, one in found.items() if isinstance(one, type) and issubclass(one, kind)}


# The classes that a model may consist of; a file that names any other class is refused.
ESTIMATORS = _named(Clusterer, methods)
PARTS = {
    name: one
    for name, one in (_named(object, bases) | _named(object, pseudo_labels)).items()
    if is_dataclass(one)
}


@dataclass(frozen=True)
class KeptModel:
    """The fitted estimator of a run, with what is needed to apply it to new points.

    Attributes
    ----------
    preprocessing : how a user's own data became the fitted features; None for other data sets
    classes : names of its k clusters, or None
    span : (lowest, highest) fitted value, see `Preprocessing.span`
    """

    estimator: Clusterer
    preprocessing: Preprocessing | None
    classes: list[str] | None
    span: tuple[float, float] | None

    @property
    def for_new_points(self) -> Preprocessing:
        """The preprocessing of new points; if there was none, it only checks them."""
        return replace(self.preprocessing or Preprocessing(), span=self.span)


def keep_model(
    folder: Path,
    method: Clusterer,
    preprocessing: Preprocessing | None,
    keep: bool | str = "auto",
    classes: list[str] | None = None,
    X: Matrix | None = None,
) -> None:
    """Write the model of a run into its folder, or log why it cannot be kept.

    Parameters
    ----------
    preprocessing : how a file becomes the fitted features; None: the model can predict from features only
    keep : "auto" (if the model takes at most 200 MB), True or False
    classes : names of the clusters, see `kingdra_repro.runs.clusters.names_of_clusters`
    X : the fitted features; if they are not scaled, new arrays on another scale are refused
    """
    if not keep:  # 0, too, which equals False
        return
    try:
        described = _described_model(method, preprocessing) | {"classes": classes}
        described |= {"range": _range(preprocessing, X)}
    except InputError as error:
        log.warning("The model is not kept: %s", error)
        return
    state = {name: np.ascontiguousarray(value) for name, value in method.state_dict().items()}
    size = sum(value.nbytes for value in state.values())
    if keep == "auto" and size > SMALL:
        log.warning("The model of %.0f MB is not kept; keep_model=true keeps one of any size", size / 1e6)
        return
    atomic_write(folder / NUMBERS, lambda file: file.write(safetensors.numpy.save(state)))
    described |= {"sha256": checksum(folder / NUMBERS)}
    described |= {"sha256_of_this": _digest(described)}
    write_text(folder / DESCRIPTION, json.dumps(described, indent=1) + "\n")


def load(folder: str | os.PathLike) -> Clusterer | Pipeline:
    """Load the fitted model of a run.

    Nothing is unpickled, and the files cannot create objects of classes outside this package.

    Parameters
    ----------
    folder : path
        A run's folder, as kingdra-run left it (see the setting ``keep_model``). It may have been moved.

    Returns
    -------
    estimator or scikit-learn Pipeline
        The estimator, such as `Kingdra`, on ``device="auto"``. If the run was of a user's own data, a
        pipeline that ends with the estimator, which is ``load(folder)[-1]``. Its `predict` takes a DataFrame
        with the columns of that table (or an array like that array) as they are in the file, a list of texts,
        or a list of paths of pictures, and scales and encodes them as the run did.

    Raises
    ------
    InputError
        If the folder has no model, or the model is damaged.
    """
    model = load_model(Path(folder).expanduser())
    if model.preprocessing is None:
        return model.estimator
    return make_pipeline(Features(model.for_new_points, model.estimator.n_features_in_), model.estimator)


@default_library_state()
def load_model(folder: Path) -> KeptModel:
    """Load what `keep_model` wrote into a run's folder. Raises the same errors as `load`."""
    for path in (folder / NUMBERS, folder / DESCRIPTION):
        if not path.is_file():
            raise InputError(
                f"{path} is not there: name the folder of a finished run that kept its model (those above "
                "200 MB are kept with keep_model=true alone, those of classes of your own not at all)"
            )
    try:
        if (folder / DESCRIPTION).stat().st_size > LARGEST_DESCRIPTION:
            raise ValueError("too long")
        described = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        if described["sha256_of_this"] != _digest(described):
            raise ValueError("its checksum is another")
    except DAMAGE as error:
        raise _damaged(folder / DESCRIPTION, error) from error
    try:
        if checksum(folder / NUMBERS) != described["sha256"]:
            raise ValueError("its checksum is another")
        state = safetensors.numpy.load_file(folder / NUMBERS)
        method = _made_model(described, {name: _aligned(value) for name, value in state.items()})
        preprocessing = described["preprocessing"]
        classes = described.get("classes")  # older runs have none
        if classes is not None and len(classes) != method.n_clusters:  # type: ignore[attr-defined]
            raise ValueError("there are other numbers of names and clusters")
        span = None
        if described.get("range") is not None:  # older runs have none
            low, high = described["range"]
            span = float(low), float(high)
        made = None if preprocessing is None else Preprocessing.from_state(preprocessing)
        return KeptModel(method, made, classes, span)
    except (*DAMAGE, SafetensorError, RuntimeError) as error:
        raise _damaged(folder / NUMBERS, error) from error


def _range(preprocessing: Preprocessing | None, X: Matrix | None) -> tuple[float, float] | None:
    """Return the lowest and highest fitted value; None if a scaler or the data type determines the scale."""
    made = preprocessing or Preprocessing()
    is_told = isinstance(made.vectorizer, TableVectorizer) or made.scaler is not None or made.pixels
    return None if is_told or X is None else span_of(X)


def _described_model(method: Clusterer, preprocessing: Preprocessing | None) -> dict[str, Any]:
    """Return everything about an estimator except its arrays, in types that JSON can hold."""
    name = type(method).__name__
    if ESTIMATORS.get(name) is not type(method):
        raise InputError(f"{name} is no method of kingdra_repro")
    given = method.get_params(deep=False).items()
    return {
        "class": name,
        "parameters": {key: _described(value) for key, value in given if key not in WITHOUT_EFFECT},
        "n_features": int(method.n_features_in_),
        "version": package_version(),
        "preprocessing": None if preprocessing is None else preprocessing.state(),
    }


def _described(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if (name := type(value).__name__) in PARTS and PARTS[name] is type(value):
        held = {field.name: _described(getattr(value, field.name)) for field in fields(value) if field.init}
        return {"class": name, **held}
    if isinstance(value, Sequence):
        return [_described(one) for one in value]
    raise InputError(f"{type(value).__name__} does not belong to kingdra_repro")


def _made(value: Any) -> Any:
    if isinstance(value, dict):
        return PARTS[value["class"]](**{name: _made(one) for name, one in value.items() if name != "class"})
    return [_made(one) for one in value] if isinstance(value, list) else value


def _made_model(described: dict[str, Any], state: dict[str, np.ndarray]) -> Clusterer:
    given = described["parameters"].items()
    parameters = {name: _made(value) for name, value in given if name not in NO_MORE}
    method = ESTIMATORS[described["class"]](**parameters)
    check_parameters(method, method.checks)
    method.load_state_dict(state, described["n_features"])
    if hasattr(method, "predict"):
        method.predict(np.zeros((1, method.n_features_in_), np.float32))  # fails if sizes do not match
    return method


def _aligned(value: np.ndarray) -> np.ndarray:
    """Copy into memory that torch allocated, with its alignment, so that products round the same way."""
    return torch.from_numpy(value.copy()).clone().numpy()


def _digest(described: dict[str, Any]) -> str:
    content = {name: value for name, value in described.items() if name != "sha256_of_this"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _damaged(path: Path, error: Exception) -> InputError:
    reason = " ".join(str(error).split())[:200]
    return InputError(
        f"{path} is damaged, or not what kingdra-run writes ({type(error).__name__}: {reason}): make the run "
        "again in another folder"
    )
