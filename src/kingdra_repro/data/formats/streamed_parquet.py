"""Parquet of more rows than memory holds: a file, or a folder of them, made one file of numbers once."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
from pandas.api import types

from kingdra_repro.data.formats.kept_copy import kept_copy
from kingdra_repro.data.formats.stored_rows import StoredRows, stored_npy
from kingdra_repro.errors import InputError, first_line

log = logging.getLogger(__name__)

ROWS_AT_ONCE = 2**14
ENDING = ".parquet"


class StreamedParquet:
    """The columns of Parquet, of which blocks of rows are read.

    Parameters
    ----------
    path : Path
        A file, or a folder whose files are read in the order of their names.

    Raises
    ------
    InputError
        Where pyarrow is missing, or the file is not readable.
    """

    def __init__(self, path: Path) -> None:
        try:
            import pyarrow.dataset
        except ImportError as error:
            raise InputError(f"{path} needs pyarrow to read: pip install 'kingdra-repro[parquet]'") from error
        self.path = path
        self.files = [path] if path.is_file() else parquet_files(path)
        with _reading(path):
            schemas = [pyarrow.dataset.dataset(str(file), format="parquet").schema for file in self.files]
            schema = _common_schema(self.files, schemas)
            self._data = pyarrow.dataset.dataset([str(file) for file in self.files], schema, format="parquet")
            self.n = self._data.count_rows()
            names, about = schema.names, schema.pandas_metadata
        inside = [part for file in self.files for part in file.relative_to(path).parts[:-1]]
        if named := sorted(part for part in inside if "=" in part):
            log.warning("%s: names of folders such as %s are not read as columns", path, named[0])
        # A data frame's index is no column: of one that rows were left out of, it has their old numbers.
        index = about.get("index_columns") if isinstance(about, dict) else None
        self._index = [name for name in names if isinstance(index, list) and name in index]
        self.names: list[str] = [name for name in names if name not in self._index]
        if not self.n:
            raise InputError(f"{path} has no rows: give a table with rows")

    @property
    def into_memory(self) -> str:
        """What the user can do to have it read into memory, for a message."""
        return "save it as one file" if self.path.is_dir() else "give dataset.stream=false"

    def type_of(self, name: str) -> Any:
        """Return pyarrow's DataType of a column."""
        return self._data.schema.field(name).type

    def column(self, name: str) -> pd.Series:
        """Read one column, of all rows."""
        with _reading(self.path):
            return self._data.to_table(columns=[name]).column(0).to_pandas()

    def frames(self, names: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Read some columns as data frames, so many rows at once; their index has the rows' names, if any."""
        for batch in self._batches([*names, *self._index]):
            # Whole numbers stay whole beside missing ones, whichever block these are in.
            frame = batch.to_pandas(integer_object_nulls=True, ignore_metadata=True)
            index = [frame.pop(name) for name in self._index]
            if len(index) == 1 and not types.is_numeric_dtype(index[0]):
                frame.index = pd.Index(index[0].astype(str), name=None)
            if len(frame):
                yield frame

    def matrix(self, names: Sequence[str], data_dir: Any = None) -> StoredRows:
        """Return some columns as rows [n, d] of one file, made in the data folder unless it is there.

        It has float16 where all columns have, float32 where none needs more, else float64.

        Raises
        ------
        InputError
            For a missing value, or a disk without room.
        """
        import pyarrow as pa

        dtypes = {self.type_of(name) for name in names}
        small = {pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.bool_(), pa.float16(), pa.float32()}
        dtype = np.dtype("<f2" if dtypes == {pa.float16()} else "<f4" if dtypes <= small else "<f8")
        kept = kept_copy(
            self.path,
            ".npy",
            self.n * len(names) * dtype.itemsize,
            lambda file: self._write(file, names, dtype),
            data_dir,
            files=self.files,
            about=list(names),
        )
        found = stored_npy(kept)
        if found is None:
            raise InputError(f"{kept} is damaged: remove it")
        return found[0]

    def _batches(self, names: Sequence[str]) -> Iterator[Any]:
        """Read some columns, so many rows at once."""
        with _reading(self.path):
            read = self._data.to_batches(
                columns=list(names),
                batch_size=ROWS_AT_ONCE,
                batch_readahead=1,
                fragment_readahead=1,
                use_threads=False,
            )
        while True:
            with _reading(self.path):  # not around the yield: the errors of who uses it are his own
                batch = next(read, None)
            if batch is None:
                return
            yield batch

    def _write(self, file: BinaryIO, names: Sequence[str], dtype: np.dtype) -> None:
        header = {"descr": dtype.str, "fortran_order": False, "shape": (self.n, len(names))}
        np.lib.format.write_array_header_1_0(file, header)
        start = 0
        for batch in self._batches(names):
            if not batch.num_rows:  # of an empty file, as Spark writes some
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
    """Return the columns of all files, numbers of a type that holds those of each file.

    pyarrow would take the first file's types, and bring the numbers of the others to them.
    """
    import pyarrow as pa

    def plain(schema: Any) -> Any:
        """Words of a dictionary as words: another file may have them so."""
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
    """Tell of a file that pyarrow cannot read; its errors are of these kinds."""
    try:
        yield
    except InputError:
        raise
    except (OSError, ValueError, NotImplementedError) as error:
        raise InputError(
            f"{path} is not a readable .parquet table ({first_line(error)}): correct it, or save it again"
        ) from error


def is_parquet(path: Path) -> bool:
    """Whether it is a Parquet file, or a folder of nothing else."""
    if path.is_file():
        return path.suffix.lower() == ENDING
    files = parquet_files(path)
    return bool(files) and all(file.suffix.lower() == ENDING for file in files)


def parquet_files(folder: Path) -> list[Path]:
    """List the files below a folder by name, without hidden ones and those such as _SUCCESS."""
    found = [file for file in folder.rglob("*") if file.is_file()]
    return sorted(f for f in found if not any(p.startswith((".", "_")) for p in f.relative_to(folder).parts))
