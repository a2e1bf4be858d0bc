"""Tables as Parquet and records as JSON, without time, host or path: equal content, equal bytes."""

import dataclasses
import json
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from pydantic import TypeAdapter

from skiagram.compute.files import write_files
from skiagram.errors import refusal

R = TypeVar("R")


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a data frame as Parquet whose bytes depend on the content alone.

    What pandas notes beside the columns, its version among it, is left out: equal results would
    have other digests after an update.
    """
    import pyarrow as pa  # who compares scores alone needs none
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    arrow = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(arrow, path, compression="zstd")


Table = Path | pd.DataFrame  # a Parquet file, or the same in memory


def read_table(path: Table) -> pd.DataFrame:
    """Read a Parquet table; one in memory is returned as it is.

    Raises:
        DataError: The file is missing, cut short or no Parquet.
    """
    if isinstance(path, pd.DataFrame):
        return path
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table: pd.DataFrame = pq.read_table(path).to_pandas()
    except (OSError, pa.ArrowInvalid) as error:
        raise refusal("records.unreadable_table", str(path), error=error) from error
    pa.default_memory_pool().release_unused()  # what reading took besides
    return table


def write_record(record: Any, path: Path) -> None:
    """Write a dataclass as JSON with sorted keys, so that equal records have equal bytes.

    Raises:
        ValueError: A number is infinite or NaN, which JSON has no word for.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(dataclasses.asdict(record), indent=2, sort_keys=True, allow_nan=False)
    write_files({path: f"{text}\n".encode()})


def read_record(kind: type[R], path: Path) -> R:
    """Read a dataclass, or one of a union of them, written by `write_record`.

    Fields are checked strictly: what another version wrote, or a hand changed, is refused rather
    than guessed.

    Raises:
        DataError: The file is missing, or holds another record.
    """
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes(), strict=True)
    except (OSError, ValueError) as error:
        raise refusal("records.unreadable_record", str(path), error=error) from error
