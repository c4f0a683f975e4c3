"""The table of an audit as Parquet, and back."""

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from detcam.audits.old_names import current_columns
from detcam.diagnosis.table import COLUMNS
from detcam.errors import DataError
from detcam.store.files import written_whole

NAME = "audit.parquet"
CHUNK = 250  # rows in memory at a time


def pyarrow() -> Any:
    """The pyarrow module.

    Raises:
        DataError: it is not installed.
    """
    try:
        import pyarrow as arrow
        import pyarrow.parquet
    except ImportError:
        raise DataError("an audit writes its table with pyarrow: pip install 'detcam[audit]', or '.[audit]' in a clone"
                        ) from None
    return arrow


def write_table(rows: Iterable[Sequence[Any]], path: Path, columns: dict[str, str] = COLUMNS) -> int:
    """Write rows as Parquet, some hundred at a time.

    Args:
        rows: each with one value a column, in the order of ``columns``.
        path: the file to write.
        columns: name to type, one of ``"string"``, ``"float64"``, ``"int64"`` and ``"bool"``.

    Returns:
        The number of rows.

    Raises:
        OutputError: the file cannot be written.
        DataError: pyarrow is not installed.
    """
    arrow = pyarrow()
    schema = arrow.schema([(name, getattr(arrow, "bool_" if kind == "bool" else kind)()) for name, kind in
                           columns.items()])
    rows, count = iter(rows), 0
    with written_whole(path) as file, arrow.parquet.ParquetWriter(file, schema) as writer:
        while chunk := list(islice(rows, CHUNK)):
            arrays = [arrow.array(values, type=field.type) for values, field in
                      zip(zip(*chunk, strict=True), schema, strict=True)]
            writer.write_table(arrow.table(arrays, schema=schema))
            count += len(chunk)
    return count


def read_table(path: str | Path) -> pd.DataFrame:
    """The table of an audit: a row a detection and a row a missed object, with every column of ``COLUMNS``.

    A table of an earlier version is read, too; its columns get their present names.

    Args:
        path: the Parquet file, or the folder of an audit.

    Raises:
        DataError: there is no such table, or it is not an audit's.
    """
    path = Path(path)
    path = path / NAME if path.is_dir() else path
    pyarrow()
    try:
        table = pd.read_parquet(path)
    except FileNotFoundError:
        raise DataError(f"{path}: no such table; detcam audit writes one") from None
    except Exception as error:  # pyarrow has many
        raise DataError(f"{path}: not a Parquet table ({' '.join(str(error).split())[:200]})") from None
    table.columns = pd.Index(current_columns(list(table.columns)))
    lacking = [name for name in COLUMNS if name not in table.columns]
    if lacking:
        raise DataError(f"{path}: not the table of an audit: it lacks the columns {', '.join(lacking[:5])}")
    return table
