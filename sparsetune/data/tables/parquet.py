"""Parquet: a file, or a folder of files that are one table, as Spark, Dask and Polars write it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sparsetune.base.errors import BadInput, shown
from sparsetune.data.tables.names import refuse_twice

if TYPE_CHECKING:
    from pandas import DataFrame


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
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.name.lower().endswith(".parquet")
        and path.is_file()
        and not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    )
    if not found:
        raise BadInput("a folder without a parquet file in it", source=folder, key="data.path")
    return found


def _read_folder(folder: Path) -> DataFrame:
    from pyarrow import dataset, parquet

    files = parts(folder)
    names = parquet.read_schema(files[0]).names
    refuse_twice(names, (), folder)
    for file in files[1:]:
        other = parquet.read_schema(file).names
        if strange := sorted({*names} ^ {*other}):
            where = files[0] if strange[0] in names else file
            raise BadInput(f"{where.name} alone has a column {shown(strange[0])}", source=file, key="data.path")
    whole = dataset.dataset(
        [str(file) for file in files],
        format="parquet",
        partitioning=dataset.partitioning(flavor="hive"),
        partition_base_dir=str(folder),
    )
    try:
        frame: DataFrame = whole.to_table().to_pandas()
    except (TypeError, NotImplementedError) as error:
        raise BadInput(f"its files have other types in one column: {error}", source=folder, key="data.path") from None
    return frame
