"""The features of every row of a table of images and masks; stopped, it goes on where it was.

The table is PyRadiomics' input table: `Image`, `Mask` and, where it is wanted, `Label`; or that of
`skiagram table`. All other columns are kept. Paths are relative to the table's folder, or another.
"""

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from skiagram.compute.code_digest import code_digest
from skiagram.compute.progress import Progress
from skiagram.compute.workers import Compute
from skiagram.datasets.files import write_files
from skiagram.datasets.folder.csv_rows import inert, read_csv, require_columns
from skiagram.errors import DataError, SkiagramError
from skiagram.image_store.shards import Spacing
from skiagram.radiomics.features import describe_with
from skiagram.radiomics.settings import Plan

_FILES = ("Image", "Mask")
_OF_TABLE = ("file", "mask", "label_value")  # as `skiagram table` calls image, mask and label
REASON = "Reason"  # column of the output: why a row has no features
Row = dict[str, str]


def read_image_table(path: Path) -> list[Row]:
    """Read the rows of a table; without its columns, or with a label that is no number, refuse.

    The columns of `skiagram table` (`file`, `mask`, `label_value`) get PyRadiomics' names.
    """
    rows = read_csv(path, files=(*_FILES, *_OF_TABLE))
    if _FILES[0] not in rows[0].cells and set(_OF_TABLE[:2]) <= rows[0].cells.keys():
        names = dict(zip(_OF_TABLE, (*_FILES, "Label"), strict=True))
        rows = [
            replace(row, cells={names.get(name, name): cell for name, cell in row.cells.items()})
            for row in rows
        ]
    require_columns(rows, _FILES)
    for row in rows:
        label = row.cells.get("Label", "")
        if label and not label.removesuffix(".0").isdigit():
            raise DataError(
                f"label `{label}`",
                where=f"{path}, line {row.line}",
                allowed="the whole number that the region has in its mask, or nothing",
            )
    return [dict(row.cells) for row in rows]


def extract_table(
    rows: Sequence[Row],
    folder: Path,
    plan: Plan,
    output: Path,
    compute: Compute,
    spacing: Spacing | None = None,
) -> pd.DataFrame:
    """Describe every row and write the table; return it. `spacing` is of files that say none.

    What is done lies beside the output until all is done, so that a later call need not do it
    again. A row that fails has its reason, and does not stop the others.
    """
    partial_file = output.with_suffix(f"{output.suffix}.unfinished")
    state = _identity(plan, spacing)
    keys = [_key(row, folder, state) for row in rows]
    finished = dict(_whole_lines(partial_file)) if partial_file.exists() else {}
    missing = [number for number, key in enumerate(keys) if key not in finished]
    work = partial(_describe_row, folder, plan, spacing)
    with (
        Progress("extract", len(rows)) as progress,
        partial_file.open("a", encoding="utf-8") as file,
    ):
        progress.advance(len(rows) - len(missing))
        described = compute.map(work, (rows[number] for number in missing), releases_lock=True)
        for number, features in zip(missing, described, strict=True):
            finished[keys[number]] = features
            file.write(json.dumps([keys[number], features]) + "\n")
            file.flush()
            progress.advance()
    table = pd.DataFrame([{**row, **finished[key]} for row, key in zip(rows, keys, strict=True)])
    first = [*rows[0], *([REASON] if REASON in table.columns else [])]
    table = table[[*first, *(name for name in table.columns if name not in first)]]
    kept = {name: [inert(cell) for cell in table[name]] for name in rows[0]}
    text = table.assign(**kept).to_csv(index=False, float_format="%.12g", lineterminator="\n")
    write_files({output: text.encode()})
    partial_file.unlink()
    return table


def _describe_row(
    folder: Path, plan: Plan, spacing: Spacing | None, row: Row
) -> dict[str, float | str]:
    label = int(float(row["Label"])) if row.get("Label") else None
    mask = folder / row["Mask"] if row["Mask"] else None
    try:
        return {**describe_with(plan, folder / row["Image"], mask, spacing, label)}
    except (SkiagramError, OSError) as error:
        return {REASON: str(error)}


def _identity(plan: Plan, spacing: Spacing | None) -> str:
    """Return what features of equal files depend on: code, parameters, libraries."""
    return repr((code_digest(_describe_row), platform.machine(), plan, spacing))


def _key(row: Row, folder: Path, state: str) -> str:
    """Return what tells a row with these files from any other."""
    files = [folder / row[name] for name in _FILES if row[name]]
    places = [path for each in files for path in (each.iterdir() if each.is_dir() else [each])]
    states = sorted((str(path), *_state(path)) for path in places)
    return hashlib.sha256(repr((row, states, state)).encode()).hexdigest()


def _state(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def _whole_lines(path: Path) -> Iterator[tuple[str, Mapping[str, float | str]]]:
    """Yield what an earlier call did; the last line may be cut short, and failures are redone."""
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            key, features = json.loads(line)
        except ValueError:
            continue
        if REASON not in features:
            yield key, features
