"""Turn a table, and later other tables with the same columns, into features."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder

from kingdra_repro.data.features.column_kinds import (
    DATE_PARTS,
    dates_of,
    day_first,
    kind_of,
    numbers_of,
    uninformative_reason,
    unit_of,
    words_of,
)
from kingdra_repro.data.features.table_settings import TableSettings
from kingdra_repro.data.scaling import Scaler, fit_scaler, scaler_from_state, scaler_state
from kingdra_repro.errors import InputError, format_names

log = logging.getLogger(__name__)

MAX_WORDS = 50  # distinct words in a column of categories; a column with more holds names or texts
FITTED = ("numbers", "units", "dates", "day_first", "words", "left_out", "fill")


@dataclass
class BlockPosition:
    """Position of a block of rows in a table, for messages.

    Attributes
    ----------
    first_row : int
    reported_columns : set of str, columns whose new words have been reported
    """

    first_row: int = 0
    reported_columns: set[str] = field(default_factory=set)


class TableVectorizer:
    """A vectorizer that is fitted on one table and transforms other tables with the same columns.

    Attributes
    ----------
    numbers : list of str, columns that are used as numbers
    dates : dict from each column of dates to the parts that are used, such as month
    units : dict from each column of numbers to the unit of its cells, "" if they have none; columns that were
        empty are not included
    day_first : dict from each column of dates to whether its dates have the day before the month
    words : dict from each one-hot encoded column to its words
    left_out : dict from each column that was left out, other than those of ``drop``, to the reason
    feature_names : list of str [d]
    fill : list of float
        Value that replaces a missing number, for each feature that is not a word (these come first); empty
        unless ``missing`` is "mean" or "median".
    scaler : scikit-learn scaler fitted by `fit_scale`, or None
    """

    def __init__(self, settings: TableSettings) -> None:
        self.settings = settings
        self.numbers: list[str] = []
        self.dates: dict[str, list[str]] = {}
        self.units: dict[str, str] = {}
        self.day_first: dict[str, bool] = {}
        self.words: dict[str, list[str]] = {}
        self.left_out: dict[str, str] = {}
        self.fill: list[float] = []
        self.scaler: Scaler | None = None

    @property
    def feature_names(self) -> list[str]:
        """Names of the features: ``column``, ``column month`` or ``column=word``."""
        parts = [f"{name} {part}" for name, chosen in self.dates.items() for part in chosen]
        return self.numbers + parts + [f"{name}={word}" for name in self.words for word in self.words[name]]

    @property
    def columns(self) -> list[str]:
        """Columns of the table that the features are computed from."""
        return [*self.numbers, *self.dates, *self.words]

    def fit(self, table: pd.DataFrame, source: str = "The table") -> Self:
        """Learn which columns are features, their kinds, and the values that replace missing cells.

        Parameters
        ----------
        table : DataFrame [n, columns]
            Without the column of the labels.
        source : str
            Name of the table, for messages.

        Raises
        ------
        InputError
            If the settings name a column that does not exist, a column cannot be used as a feature, or no
            column is left. With categories="error", the message lists the columns of words.
        """
        self._choose(table, source)
        units = {name: unit_of(table[name]) for name in self.numbers}
        self.units = {name: unit for name, unit in units.items() if unit is not None}
        numbers = self._number_columns(table, source)
        if self.settings.missing in ("mean", "median") and numbers.shape[1]:
            imputer = SimpleImputer(strategy=self.settings.missing, keep_empty_features=True).fit(numbers)
            self.fill = imputer.statistics_.tolist()
        return self

    def check_columns(self, names: Collection[str], source: str) -> None:
        """Raise InputError if a column that the features need is not among `names`."""
        if absent := [name for name in self.columns if name not in names]:
            raise InputError(
                f"{source} does not fit: it has no column {format_names(absent)}; it has "
                f"{format_names(list(names))}"
            )

    def transform(
        self, table: pd.DataFrame, source: str = "The table", position: BlockPosition | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Compute the features of a table; columns that were not used in the fit are ignored.

        Parameters
        ----------
        table : DataFrame [n, columns]
        source : str
        position : BlockPosition or None
            Position of `table` in a larger table that is transformed in blocks, for messages.

        Returns
        -------
        X : float64 array [m, d]
            Not scaled (see `scale`).
        rows : int64 array [m]
            Row index in the table for each row of X: all rows, except with missing="drop" (see
            `check_dropped`).

        Raises
        ------
        InputError
            If a column is missing, a cell is missing and missing="error", a cell is not a number, or numbers
            have another unit.
        """
        position = position or BlockPosition()
        self.check_columns(table.columns, source)
        if twice := [name for name in self.columns if isinstance(table[name], pd.DataFrame)]:
            raise InputError(f"{source} has two columns named {twice[0]!r}: give each a name of its own")
        self._check_units(table, source)
        numbers = self._number_columns(table, source, position.first_row)
        words = [words_of(table[name]) for name in self.words]
        missing = np.isnan(numbers).any(axis=1)
        for column in words:
            missing |= column.isna().to_numpy()
        rows = np.arange(len(table))
        if self.settings.missing == "error" and missing.any():
            self._raise_for_missing(numbers, words, missing, source, position.first_row)
        if self.settings.missing == "drop":
            rows = np.flatnonzero(~missing)
            if not len(rows):
                return np.empty((0, len(self.feature_names))), rows
        elif self.fill:
            numbers = np.where(np.isnan(numbers), self.fill, numbers)
        one_hot = self._one_hot(words, rows, source, position.reported_columns)
        return _side_by_side(numbers[rows], *one_hot), rows

    def fit_scale(self, X: np.ndarray, scale: str) -> np.ndarray:
        """Fit a scaler (see `fit_scaler`) to the features X [m, d] that are not words; return X scaled."""
        n_numbers = self._n_numbers
        if n_numbers:
            self.scaler = fit_scaler(X[:, :n_numbers], scale)
        return self.scale(X)

    def scale(self, X: np.ndarray) -> np.ndarray:
        """Scale features X [m, d] with the fitted scaler; the one-hot columns of words are not scaled."""
        n_numbers = self._n_numbers
        if self.scaler is None:
            return X
        return _side_by_side(self.scaler.transform(X[:, :n_numbers]), X[:, n_numbers:])

    def unscale(self, X: np.ndarray) -> np.ndarray:
        """Return scaled features X [m, d] in the units of the table."""
        n_numbers = self._n_numbers
        if self.scaler is None:
            return X
        return _side_by_side(self.scaler.inverse_transform(X[:, :n_numbers]), X[:, n_numbers:])

    def state(self) -> dict[str, Any]:
        """Return the settings and all fitted values in a form that JSON can store."""
        return {
            "settings": asdict(self.settings),
            **{name: getattr(self, name) for name in FITTED},
            "scaler": None if self.scaler is None else scaler_state(self.scaler),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Return the vectorizer with this `state`."""
        settings = {**state["settings"], "drop": tuple(state["settings"]["drop"])}
        vectorizer = cls(TableSettings(**settings))
        fitted = {"units": {}, **state}  # models saved by earlier versions have no units
        for name in FITTED:
            setattr(vectorizer, name, fitted[name])
        vectorizer.scaler = None if state["scaler"] is None else scaler_from_state(state["scaler"])
        return vectorizer

    @property
    def _n_numbers(self) -> int:
        return len(self.numbers) + sum(map(len, self.dates.values()))

    def _choose(self, table: pd.DataFrame, source: str) -> None:
        chosen = self.settings.columns
        for names in (chosen or [], self.settings.drop):
            if unknown := [name for name in names if name not in table.columns]:
                raise InputError(
                    f"{source} has no column {unknown[0]!r}: it has {format_names(table.columns)}"
                )
        words: list[str] = []
        for name in chosen if chosen is not None else table.columns.drop(list(self.settings.drop)):
            kind = kind_of(table[name])
            if kind == "objects":
                raise InputError(
                    f"{source}'s column {name!r} holds neither numbers nor words: give dataset.drop=[{name}]"
                )
            if chosen is None and (why := uninformative_reason(table[name], kind, source)):
                self.left_out[name] = why
            elif kind == "dates" and self.settings.dates == "ignore":
                if chosen is not None:
                    raise InputError(f"{source}'s column {name!r} holds dates: give dataset.dates=parts")
                self.left_out[name] = "dates (dataset.dates=parts makes numbers of them)"
            elif kind == "dates":
                self.day_first[name] = day_first(table[name], source)
                dates = dates_of(table[name], self.day_first[name], source)
                self.dates[name] = [part for part, of in DATE_PARTS.items() if of(dates).nunique() > 1]
            elif kind == "words":
                words.append(name)
            else:
                self.numbers.append(name)
        self._choose_words(table, words, source)
        if self.left_out:
            told = [f"{name!r} ({why})" for name, why in self.left_out.items()]
            more = f" and {len(told) - 8} more" if len(told) > 8 else ""
            log.warning("Columns of %s that are left out: %s%s", source, ", ".join(told[:8]), more)
        if not self.feature_names:
            raise InputError(
                f"{source} has no column left to cluster by: name those that you want with "
                "dataset.columns=[A,B]"
            )

    def _choose_words(self, table: pd.DataFrame, words: Sequence[str], source: str) -> None:
        if words and self.settings.categories == "error":
            example = words_of(table[words[0]]).dropna().iloc[0]
            raise InputError(
                f"{source} has columns that are not numeric: {format_names(words)} (such as "
                f"{example[:40]!r}). Name the one with the classes with dataset.labels=NAME, or "
                "dataset.given=NAME where some are blank; leave columns out with dataset.drop=[A,B], choose "
                "the features with dataset.columns=[A,B], or give dataset.categories=onehot (or ignore)"
            )
        for name in words:
            distinct = sorted(words_of(table[name]).dropna().unique().tolist())
            if self.settings.categories == "ignore":
                self.left_out[name] = "words"
            elif len(distinct) > MAX_WORDS:
                raise InputError(
                    f"{source}'s column {name!r} has {len(distinct)} different words, too many for "
                    f"categories: give dataset.drop=[{name}], dataset.id={name} or dataset.text={name}"
                )
            else:
                self.words[name] = distinct

    def _check_units(self, table: pd.DataFrame, source: str) -> None:
        for name, before in self.units.items():
            if (now := unit_of(table[name])) not in (None, before):
                raise InputError(
                    f"{source}'s column {name!r} has numbers {_with(now)}, where those that were fitted are "
                    f"{_with(before)}: write them alike"
                )

    def _number_columns(self, table: pd.DataFrame, source: str, first_row: int = 0) -> np.ndarray:
        """Return the numbers and date parts as a float64 array [n, columns], with NaN for missing cells."""
        columns = [numbers_of(table[name], source, first_row) for name in self.numbers]
        for name, parts in self.dates.items():
            dates = dates_of(table[name], self.day_first[name], source)
            columns += [DATE_PARTS[part](dates).to_numpy(np.float64, na_value=np.nan) for part in parts]
        return _side_by_side(*columns) if columns else np.empty((len(table), 0))

    def _one_hot(
        self, words: list[pd.Series], rows: np.ndarray, source: str, reported_columns: set[str]
    ) -> list[np.ndarray]:
        encoded = []
        for column, (name, known) in zip(words, self.words.items(), strict=True):
            encoder = OneHotEncoder(categories=[known], handle_unknown="ignore", sparse_output=False)
            given = column.iloc[rows].to_numpy(object)[:, None]
            new = sorted(set(column.dropna()) - set(known))
            if new and name not in reported_columns:
                reported_columns.add(name)
                log.warning("%s's column %r has words that are new: %s", source, name, format_names(new))
            encoded.append(encoder.fit(np.array(known, dtype=object)[:, None]).transform(given))
        return encoded

    def _raise_for_missing(
        self, numbers: np.ndarray, words: list[pd.Series], missing: np.ndarray, source: str, first_row: int
    ) -> None:
        row = int(np.flatnonzero(missing)[0])
        absent = np.flatnonzero(np.isnan(numbers[row]))
        names = [name for name, column in zip(self.words, words, strict=True) if column.isna().iloc[row]]
        name = self.feature_names[absent[0]] if len(absent) else names[0]
        what = "NaN (a missing value)" if len(absent) else "a missing value"
        raise InputError(
            f"{source} has {what} in row {first_row + row}, column {name!r} (counted from 0), and "
            f"missing cells in {missing.sum()} of the {len(missing)} rows that were looked at: fill them in, "
            "or give kingdra-run dataset.missing=drop, mean or median"
        )


def check_dropped(n_left: int, n: int, source: str) -> None:
    """Warn if missing="drop" has left out some of the n rows; raise InputError if it has left out all."""
    if not n_left:
        raise InputError(
            f"{source} has missing cells in every row: give kingdra-run dataset.missing=mean or median"
        )
    if n_left < n:
        log.warning("%d of %d rows of %s have missing cells and are left out", n - n_left, n, source)


def _with(unit: str | None) -> str:
    return f"with {unit}" if unit else "without a unit"


def _side_by_side(*columns: np.ndarray) -> np.ndarray:
    """Join columns into a Fortran-ordered array, as in pandas: the order affects the rounding of sums."""
    return np.asfortranarray(np.column_stack(columns))
