"""Tables as Parquet files (https://parquet.apache.org), where pyarrow is installed."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from physadv.victims.extra import extra

INSTALL = "pip install 'physadv[parquet]'"


def parquet_there() -> bool:
    """Tell whether Parquet files can be written."""
    return find_spec("pyarrow") is not None


def write_parquet(path: Path, table: list[dict[str, Any]]) -> None:
    """Write rows of the same columns. Raises `UserError` where pyarrow is not installed."""
    with extra("parquet", "parquet"):
        from pyarrow import Table, parquet

    parquet.write_table(Table.from_pylist(table), path)
