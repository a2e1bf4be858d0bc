"""The features of every row of a table of images and masks; stopped, it goes on where it was.

The table is PyRadiomics' input table: `Image`, `Mask` and, where it is wanted, `Label`; or that of
`skiagram table`. All other columns are kept. Paths are relative to the table's folder, or another.
"""

import hashlib
import json
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from skiagram.compute.code_digest import code_digest
from skiagram.compute.files import write_files
from skiagram.compute.pieces import DIGITS, PieceStore
from skiagram.compute.progress import Progress
from skiagram.compute.workers import Compute
from skiagram.datasets.folder.columns import Columns, find_cell_problems, require_columns
from skiagram.datasets.folder.roles import ROLES, usual_column
from skiagram.datasets.folder.table import references_of
from skiagram.doors import in_words_of
from skiagram.errors import SkiagramError
from skiagram.images import Spacing
from skiagram.radiomics.extraction import describe
from skiagram.radiomics.images import case_of_files
from skiagram.radiomics.settings import ExtractionPlan
from skiagram.readers.case_images import ImageReference, find_regions_alone
from skiagram.tables.frames import inert_text, of_table, read_csv, replace_columns, rows_of

_FILES = ("Image", "Mask")
_LABEL = "Label"
_NAMES = {"Image": "file", "Mask": "mask", _LABEL: "label_value"}  # as `skiagram table` has them
_WITHOUT_MASK = (
    "no mask, while other rows have one: features of the whole image would be no region's. Name "
    "its mask; images that are meant as a whole go into a table of their own."
)
_FEATURES = "features.json"  # of a row, as it is kept
REASON = "Reason"  # column of the output: why a row has no features
Described = Mapping[str, float | str]  # of a row: its features, or why it has none


class ImageRow(NamedTuple):
    """A row of a table: its cells, and what is read for it, relative to the files' folder."""

    cells: Mapping[str, str]
    reference: ImageReference
    problem: str = ""  # why it has no features, whatever its files hold


def read_image_table(path: Path) -> list[ImageRow]:
    """Read the rows of a table; without its columns, or with a label that is no number, refuse.

    The columns of `skiagram table` (`file`, `mask`, `label_value`) get PyRadiomics' names. Several
    masks in a cell are united, `all` labels are one region, and what is read within the files
    (`region`, `frame`) has its column, in both kinds of table.
    """
    with of_table(str(path)):
        table = read_csv(path, files=(*_FILES, *_NAMES.values()))
        header = [*table.columns]
        called = {name: usual_column(header, (name, _NAMES[name])) for name in _FILES}
        # Classes are called `label`, too: PyRadiomics' value of a mask is `Label` beside `Image`.
        is_value = usual_column(header, [_LABEL]) == _LABEL and usual_column(header, _FILES[:1])
        value = _LABEL if is_value else usual_column(header, [_NAMES[_LABEL]])
        if value and _LABEL not in header:
            called[_LABEL], value = value, _LABEL
        table = table.rename(columns={name: new for new, name in called.items() if name})
        require_columns(table, _FILES)
        of_role = {"label_value": value, "region": "region", "frame": "frame"}
        within: dict[str, Any] = {role: name for role, name in of_role.items() if name in table}
        checks = [(name, check) for role, name in within.items() for check in ROLES[role].checks]
        for problem in find_cell_problems(table, checks).values():
            raise problem
        # folders may be separated as on Windows
        files = {name: table[name].str.replace("\\", "/", regex=False) for name in _FILES}
        columns = Columns(label="", file=_FILES[0], mask=_FILES[1], **within)
        references = find_regions_alone(references_of(replace_columns(table, files), columns))
        pairs = zip(rows_of(table), references, strict=True)
        found = [ImageRow(row.cells, reference) for row, reference in pairs]
    if not any(row.reference.masks for row in found):
        return found  # images as a whole
    return [row if row.reference.masks else row._replace(problem=_WITHOUT_MASK) for row in found]


def extract_table(
    rows: Sequence[ImageRow],
    folder: Path,
    plan: ExtractionPlan,
    output: Path,
    compute: Compute,
    spacing: Spacing | None,
) -> pd.DataFrame:
    """Describe every row and write the table; return it. `spacing` is of files that say none.

    What is done lies beside the output until all is done, so that a later call need not do it
    again. A row that fails has its reason, and does not stop the others.
    """
    store = PieceStore(output.with_suffix(f"{output.suffix}.unfinished"))
    code = code_digest(_describe_row), platform.machine()
    work = partial(_describe_row, store, code, folder, plan, spacing)
    described: list[Described] = []
    with Progress("extract", len(rows)) as progress:
        for features in compute.map(work, rows, releases_lock=True):
            described.append(features)
            progress.advance()
    # the whole table, with the reasons before the features, replaces the rows
    table = pd.DataFrame(
        [{**row.cells, **features} for row, features in zip(rows, described, strict=True)]
    )
    first = [*rows[0].cells, *([REASON] if REASON in table.columns else [])]
    table = table[[*first, *(name for name in table.columns if name not in first)]]
    write_files({output: inert_text(table, float_format="%.12g").encode()})
    shutil.rmtree(store.folder, ignore_errors=True)
    return table


def _describe_row(
    store: PieceStore,
    code: tuple[str, str],
    folder: Path,
    plan: ExtractionPlan,
    spacing: Spacing | None,
    row: ImageRow,
) -> Described:
    """Return the features of a row, also those that an earlier call kept, or why it has none.

    Args:
        code: Digest of the code, and the kind of machine.
    """
    if row.problem:
        return {REASON: row.problem}
    try:
        # what tells the row, with these files and described in this way, from any other
        paths = [folder / name for name in row.reference.files]
        files = [path for each in paths for path in (each.iterdir() if each.is_dir() else [each])]
        states = sorted((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files)
        made_of = repr((row, states, plan, spacing, code)).encode()
        name = f"row-{hashlib.sha256(made_of).hexdigest()[:DIGITS]}"
        if (kept := store.find(name)) is not None:
            features: dict[str, float | str] = json.loads((kept / _FEATURES).read_bytes())
            return features
        reference = row.reference
        if reference.label_value is None and reference.region is None:
            reference = replace(reference, label_value=plan.settings.label)
        features = {**describe(case_of_files(folder, reference, spacing, plan), plan)}
    except (SkiagramError, OSError) as error:
        return {REASON: in_words_of("extract", str(error))}
    content = json.dumps(features).encode()
    store.keep(name, lambda piece: (piece / _FEATURES).write_bytes(content))
    return features
