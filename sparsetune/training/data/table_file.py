"""Tables in files, by pandas."""

from __future__ import annotations

import json
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from sparsetune.config.errors import BadInput, shown

if TYPE_CHECKING:
    from pandas import DataFrame

SEPARATORS = {".csv": ",", ".csv.gz": ",", ".tsv": "\t", ".tsv.gz": "\t"}
PARQUET = ".parquet"
ENDINGS = (*SEPARATORS, PARQUET)
_OTHERS = (";", "\t", "|", ",")


def ending(path: Path) -> str | None:
    """The one of ``ENDINGS`` that a name has."""
    return next((each for each in ENDINGS if path.name.lower().endswith(each)), None)


def read_table(path: Path, separator: str | None = None) -> DataFrame:
    """The rows of a file whose name has one of ``ENDINGS``; text files have names of columns in the first line.

    Args:
        separator: between the values of a text file; else what its ending says.

    Raises:
        BadInput: not readable, or not such a table.
    """
    import pandas

    kind = ending(path)
    assert kind is not None
    try:
        if kind == PARQUET:
            frame = pandas.read_parquet(path, engine="pyarrow")
        else:
            frame = _read_text(path, separator or SEPARATORS[kind])
    except BadInput:  # is a ValueError too
        raise
    except pandas.errors.EmptyDataError:
        raise BadInput("empty", source=path) from None
    except pandas.errors.ParserWarning:
        raise BadInput("rows have more values than the first line has names of columns", source=path) from None
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror or error}", source=path) from None
    except ImportError:
        raise BadInput("parquet files need pyarrow: pip install pyarrow", source=path) from None
    except (ValueError, EOFError, zlib.error) as error:  # pandas's and pyarrow's own errors are ValueErrors
        raise BadInput(f"cannot be read as {kind}: {error}", source=path) from None
    if frame.empty:
        raise BadInput("no rows", source=path)
    return frame.rename(columns=str)


def _read_text(path: Path, separator: str) -> DataFrame:
    import pandas

    def read(rows: int | None) -> DataFrame:
        return pandas.read_csv(
            path,
            sep=separator,
            nrows=rows,
            index_col=False,
            low_memory=False,  # one type for a whole column
            skipinitialspace=True,
            encoding="utf-8-sig",
        )

    with warnings.catch_warnings():
        warnings.simplefilter("error", pandas.errors.ParserWarning)
        _refuse_one_column([str(name) for name in read(rows=0).columns], path)
        return read(rows=None)


def _refuse_one_column(names: list[str], path: Path) -> None:
    """Nothing is learned from one column: where its name holds another separator, that is the one."""
    likely = max(_OTHERS, key=names[0].count)
    if len(names) == 1 and likely in names[0]:
        found = f"found one column, {shown(names[0])}; set data.separator to {json.dumps(likely)}"
        raise BadInput(found, source=path, key="data.separator")
