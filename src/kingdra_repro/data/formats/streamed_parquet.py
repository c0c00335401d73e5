"""Parquet tables larger than memory (a file or a folder of files), copied once to one file of numbers."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
from pandas.api import types

from kingdra_repro.data.formats.cached_copy import cached_copy
from kingdra_repro.data.formats.stored_rows import StoredRows, open_npy
from kingdra_repro.errors import InputError, first_line

log = logging.getLogger(__name__)

ROWS_AT_ONCE = 2**14
ENDING = ".parquet"


class StreamedParquet:
    """A Parquet table that is read in blocks of rows.

    Parameters
    ----------
    path : Path
        A file, or a folder whose files are read in the order of their paths.

    Raises
    ------
    InputError
        If pyarrow is missing, a file is not readable, the files do not fit together, or there are no rows.
    """

    def __init__(self, path: Path) -> None:
        try:
            import pyarrow.dataset
        except ImportError as error:
            raise InputError(f"{path} needs pyarrow to read: pip install 'kingdra-repro[parquet]'") from error
        self.path = path
        self.files = [path] if path.is_file() else visible_files(path)
        with _reading(path):
            schemas = [pyarrow.dataset.dataset(str(file), format="parquet").schema for file in self.files]
            schema = _common_schema(self.files, schemas)
            self._data = pyarrow.dataset.dataset([str(file) for file in self.files], schema, format="parquet")
            self.n = self._data.count_rows()
            names, about = schema.names, schema.pandas_metadata
        inside = [part for file in self.files for part in file.relative_to(path).parts[:-1]]
        if named := sorted(part for part in inside if "=" in part):
            log.warning("%s: names of folders such as %s are not read as columns", path, named[0])
        # A saved DataFrame index is no column: if rows had been dropped, it still has the old row numbers.
        index = about.get("index_columns") if isinstance(about, dict) else None
        self._index = [name for name in names if isinstance(index, list) and name in index]
        self.names: list[str] = [name for name in names if name not in self._index]
        if not self.n:
            raise InputError(f"{path} has no rows: give a table with rows")

    @property
    def in_memory_hint(self) -> str:
        """How the user can have the table read into memory, for messages."""
        return "save it as one file" if self.path.is_dir() else "give dataset.stream=false"

    def type_of(self, name: str) -> Any:
        """Return the pyarrow DataType of a column."""
        return self._data.schema.field(name).type

    def column(self, name: str) -> pd.Series:
        """Read all rows of one column."""
        with _reading(self.path):
            return self._data.to_table(columns=[name]).column(0).to_pandas()

    def frames(self, names: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Yield the columns `names` in DataFrames of up to `ROWS_AT_ONCE` rows, indexed by any row names."""
        for batch in self._batches([*names, *self._index]):
            # Integers stay integers in a column with missing values, whether or not this block has some.
            frame = batch.to_pandas(integer_object_nulls=True, ignore_metadata=True)
            index = [frame.pop(name) for name in self._index]
            if len(index) == 1 and not types.is_numeric_dtype(index[0]):
                frame.index = pd.Index(index[0].astype(str), name=None)
            if len(frame):
                yield frame

    def matrix(self, names: Sequence[str], data_dir: Any = None) -> StoredRows:
        """Return the columns `names` as a matrix [n, d] in one file in the data folder, written if necessary.

        The dtype is float16 if all columns are float16, float32 if no column needs more, else float64.

        Raises
        ------
        InputError
            If a value is missing, or the disk is full.
        """
        import pyarrow as pa

        dtypes = {self.type_of(name) for name in names}
        small = {pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.bool_(), pa.float16(), pa.float32()}
        dtype = np.dtype("<f2" if dtypes == {pa.float16()} else "<f4" if dtypes <= small else "<f8")
        copy = cached_copy(
            self.path,
            ".npy",
            self.n * len(names) * dtype.itemsize,
            lambda file: self._write(file, names, dtype),
            data_dir,
            files=self.files,
            about=list(names),
        )
        found = open_npy(copy)
        if found is None:
            raise InputError(f"{copy} is damaged: remove it")
        return found[0]

    def _batches(self, names: Sequence[str]) -> Iterator[Any]:
        """Yield the columns `names` as pyarrow record batches of up to `ROWS_AT_ONCE` rows."""
        with _reading(self.path):
            read = self._data.to_batches(
                columns=list(names),
                batch_size=ROWS_AT_ONCE,
                batch_readahead=1,
                fragment_readahead=1,
                use_threads=False,
            )
        while True:
            with _reading(self.path):  # not around the yield: the caller's errors must pass
                batch = next(read, None)
            if batch is None:
                return
            yield batch

    def _write(self, file: BinaryIO, names: Sequence[str], dtype: np.dtype) -> None:
        header = {"descr": dtype.str, "fortran_order": False, "shape": (self.n, len(names))}
        np.lib.format.write_array_header_1_0(file, header)
        start = 0
        for batch in self._batches(names):
            if not batch.num_rows:  # from an empty file, such as Spark writes
                continue
            block = np.empty((batch.num_rows, len(names)), dtype)
            for i, name in enumerate(names):
                column = batch.column(i)
                if column.null_count:
                    row = start + int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
                    raise InputError(
                        f"{self.path} has a missing value in row {row}, column {name!r} (counted from 0): "
                        "fill it in, or leave the column out (dataset.drop)"
                    )
                block[:, i] = column.to_numpy(zero_copy_only=False)
            file.write(memoryview(block.data).cast("B"))
            start += len(block)


def _common_schema(files: Sequence[Path], schemas: Sequence[Any]) -> Any:
    """Return a schema with the columns of all files and types that can hold the numbers of every file.

    pyarrow would use the types of the first file, and cast the numbers of the other files to them.
    """
    import pyarrow as pa

    def plain(schema: Any) -> Any:
        """Replace dictionary types by their value types, which another file may have."""
        fields = (
            field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
            for field in schema
        )
        return pa.schema(list(fields), schema.metadata)

    if all(schema.equals(schemas[0]) for schema in schemas) and len(set(schemas[0].names)) == len(schemas[0]):
        return schemas[0]
    common = plain(schemas[0])
    for file, schema in zip(files, schemas, strict=True):
        if twice := sorted(name for name, n in Counter(schema.names).items() if n > 1):
            raise InputError(f"{file} has two columns of the name {twice[0]!r}: rename one of them")
        if set(schema.names) != set(common.names):
            raise InputError(f"{file} has other columns than {files[0]}: give all files of a folder the same")
        try:
            common = pa.unify_schemas([common, plain(schema)], promote_options="permissive")
        except pa.ArrowException as error:
            raise InputError(
                f"{file} does not fit the files before it ({first_line(error)}): save all with one type of "
                "each column"
            ) from error
    return common


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn the errors that pyarrow raises for an unreadable file into InputError."""
    try:
        yield
    except InputError:
        raise
    except (OSError, ValueError, NotImplementedError) as error:
        raise InputError(
            f"{path} is not a readable .parquet table ({first_line(error)}): correct it, or save it again"
        ) from error


def is_parquet(path: Path) -> bool:
    """Return whether `path` is a Parquet file, or a folder of Parquet files only."""
    if path.is_file():
        return path.suffix.lower() == ENDING
    files = visible_files(path)
    return bool(files) and all(file.suffix.lower() == ENDING for file in files)


def visible_files(folder: Path) -> list[Path]:
    """List all files below a folder, sorted by path, except hidden files and files such as _SUCCESS."""
    found = [file for file in folder.rglob("*") if file.is_file()]
    return sorted(f for f in found if not any(p.startswith((".", "_")) for p in f.relative_to(folder).parts))
