"""Tables in files: the first line as it stands, then the rows. Text is read by pandas, parquet by pyarrow: a file, or a
folder of files that are one table, as Spark, Dask and Polars write it.
"""

from __future__ import annotations

import json
import warnings
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparsetune.base.errors import BadInput, shown
from sparsetune.data.tables.columns import refuse_twice
from sparsetune.data.tables.config import PARQUET, SEPARATORS, TabularConfig, ending

if TYPE_CHECKING:
    from pandas import DataFrame


_OTHERS = (";", "\t", "|", ",", " ")


@dataclass(frozen=True)
class Raw:
    """A table as it stands in its file.

    Attributes:
        header: names of the columns; "" where there is none.
        frame: the rows; its columns are called 0, 1, ...
    """

    header: tuple[str, ...]
    frame: DataFrame


def read_table(path: Path, config: TabularConfig) -> Raw:
    """A file, or a folder of parquet files, whose name has one of ``ENDINGS``; a text file names its columns first.

    Raises:
        BadInput: not readable, or not such a table.
    """
    import pandas

    kind = ending(path)
    assert kind is not None
    try:
        if kind == PARQUET:
            frame = read_parquet(path)
            raw = Raw(tuple(map(str, frame.columns)), frame)
        else:
            raw = _read_text(path, config, config.separator or SEPARATORS[kind])
    except BadInput:  # is a ValueError too
        raise
    except pandas.errors.EmptyDataError:
        raise BadInput("empty", source=path, code="damaged") from None
    except pandas.errors.ParserWarning:
        raise BadInput(
            "rows have more values than the first line has names of columns", source=path, code="damaged"
        ) from None
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror or error}", source=path, code="unavailable") from None
    except ImportError:
        raise BadInput("parquet files need pyarrow: pip install pyarrow", source=path, code="missing") from None
    except (ValueError, EOFError, zlib.error) as error:  # pandas's and pyarrow's own errors are ValueErrors
        raise BadInput(f"cannot be read as {kind}: {error}", source=path, code="damaged") from None
    if raw.frame.empty:
        raise BadInput("no rows", source=path, code="missing")
    raw.frame.columns = range(len(raw.header))  # type: ignore[assignment]
    return raw


def _read_text(path: Path, config: TabularConfig, separator: str) -> Raw:
    import pandas

    def read(**how: Any) -> DataFrame:
        frame: DataFrame = pandas.read_csv(
            path,
            sep=separator,
            index_col=False,
            low_memory=False,  # one type for a whole column
            skipinitialspace=True,
            encoding="utf-8-sig",
            keep_default_na=False,  # NA and None may be names of something
            decimal=config.decimal,
            **how,
        )
        return frame

    with warnings.catch_warnings():
        warnings.simplefilter("error", pandas.errors.ParserWarning)
        first = read(header=None, nrows=1, dtype=str, na_filter=False)  # else names that stand there twice are changed
        header = tuple(map(str, first.iloc[0]))
        _refuse_separator(header, separator, config.targets, path)
        text = {number: str for number, name in enumerate(header) if name in (*config.dates, *config.categories)}
        words = [word for word in config.missing if isinstance(word, str)]
        frame = read(header=0, names=range(len(header)), dtype=text, na_values=["", *words])
    return Raw(header, frame)


def _refuse_separator(header: Sequence[str], separator: str, wanted: Iterable[str], path: Path) -> None:
    """Nothing is learned from one column, or without the wanted ones: a separator that gives more is the one."""
    line = separator.join(header)
    if len(header) == 1:
        likely = max(_OTHERS, key=line.count)
        fits, problem = likely in line, f"found one column, {shown(line)}"
    else:
        names = dict.fromkeys(wanted)  # in their order
        lacking = [name for name in names if name not in header]
        likely = next((each for each in _OTHERS if names.keys() <= {name.strip(' "') for name in line.split(each)}), "")
        fits, problem = bool(lacking and likely), f"found no column {shown(lacking[0] if lacking else '')}"
    if fits:
        raise BadInput(f"{problem}; set data.separator to {json.dumps(likely)}", source=path, key="data.separator")


def read_parquet(path: Path) -> DataFrame:
    """All rows; of a folder file after file by name, with a column for each ``name=value`` in the names of folders.

    Raises:
        BadInput: a folder without such files, or with files of other columns.
    """
    if path.is_dir():
        return _read_folder(path)
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:  # which takes names that stand there twice, and no names of folders
        frame: DataFrame = file.read().to_pandas()
    return frame


def parts(folder: Path) -> list[Path]:
    """Its parquet files in order, without those whose name or folder says that they are hidden or put aside.

    Raises:
        BadInput: there are none.
    """
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.name.lower().endswith(".parquet")
        and path.is_file()
        and not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    )
    if not files:
        raise BadInput("a folder without a parquet file in it", source=folder, key="data.path", code="missing")
    return files


def _read_folder(folder: Path) -> DataFrame:
    from pyarrow import dataset, parquet

    files = parts(folder)
    names = parquet.read_schema(files[0]).names
    refuse_twice(names, (), folder)
    for file in files[1:]:
        other = parquet.read_schema(file).names
        if strange := sorted({*names} ^ {*other}):
            where = files[0] if strange[0] in names else file
            alone = f"{where.name} alone has a column {shown(strange[0])}"
            raise BadInput(alone, source=file, key="data.path", code="conflict")
    whole = dataset.dataset(
        [str(file) for file in files],
        format="parquet",
        partitioning=dataset.partitioning(flavor="hive"),
        partition_base_dir=str(folder),
    )
    try:
        frame: DataFrame = whole.to_table().to_pandas()
    except (TypeError, NotImplementedError) as error:
        problem = f"its files have other types in one column: {error}"
        raise BadInput(problem, source=folder, key="data.path", code="conflict") from None
    return frame
