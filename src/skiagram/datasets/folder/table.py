"""What the table that lists a data set's cases says: the entries its rows give, or what is wrong.

A column goes on only if it is named; one that could tell who a patient is only if that is forced.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from skiagram.arrays import Floats
from skiagram.datasets.contract import OpenSource, tabulate_entries
from skiagram.datasets.folder.columns import (
    Columns,
    find_cell_problems,
    find_covariate_problems,
    find_thousands_problem,
    require_columns,
)
from skiagram.datasets.folder.roles import ALL, ROLES, SINGLE, WHOLE, Check, NamedColumns, part_of
from skiagram.errors import DataError, listed, refusal, suggest
from skiagram.readers.case_images import ImageReference, find_regions_alone
from skiagram.readers.spaced_image import SpacedImage
from skiagram.tables.cells import BETWEEN
from skiagram.tables.frames import (
    are_numbers,
    find_texts,
    numbers_of,
    replace_columns,
    row_at,
    rows_of,
)
from skiagram.tasks.cases import SEALED, Split

_LARGEST = float(np.finfo(np.float32).max)
_HIDDEN = {  # what a test case must not say where its label is encrypted
    "label": (Check("datasets.label_of_hidden", lambda cell: not cell),),
    "marks": (Check("datasets.lesions_of_hidden", lambda cell: not cell),),
}


@dataclass(frozen=True, kw_only=True)
class ListedCases(OpenSource):
    """The cases that a table lists, of an entry a usable row, in row order.

    Attributes:
        references: What is read for each; none of cases without images.
        lesions: The cell of each; empty where the table tells none.
    """

    entries: pd.DataFrame
    known: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    problems: Sequence[DataError] = ()
    references: Sequence[ImageReference] = ()
    lesions: Sequence[str] = ()

    def image(self, position: int) -> SpacedImage | None:
        """Return none: a row without images has values alone."""
        return None


def list_entries(
    frame: pd.DataFrame,
    columns: Columns,
    classes: Sequence[str],
    test_sites: Sequence[str],
    *,
    sealed: bool = False,
) -> ListedCases:
    """Return the entries of a table and all that is wrong with it.

    Args:
        test_sites: Sites whose images are the test set; the rest is for training.
        sealed: Whether the labels of test cases are encrypted; their cells are empty then.
    """
    problems = _find_column_problems(frame, columns, test_sites)
    splits = splits_of(frame, columns, test_sites)
    hidden = np.array([sealed and split == "test" for split in splits], dtype=np.bool_)
    # what is wrong with each row
    where = names_of(frame, columns)
    measured, wrong = read_features(frame, columns.features)
    for is_hidden in (False, True):
        places = np.flatnonzero(hidden == is_hidden).tolist()
        checks = _checks_of_rows(columns, classes, hidden=is_hidden)
        found = find_cell_problems(frame.iloc[places], checks, [where[at] for at in places])
        wrong |= {places[at]: problem for at, problem in found.items()}
    problems += [wrong[at] for at in sorted(wrong)]
    # the site goes on where it says what the test set is; numbers that name sites are texts
    site = (columns.site,) if test_sites and columns.site else ()
    numeric = {
        name: name != columns.site and are_numbers(frame[name])
        for name in dict.fromkeys((*columns.covariates, *site))
    }
    # the rows that are right, each name once
    names = pd.Series(where, range(len(frame)), dtype=object)
    names = names.drop([*wrong]).drop_duplicates()
    rows = names.index.tolist()
    frame = frame.iloc[rows]
    entries = tabulate_entries(
        names.tolist(),
        None if columns.patient is None else frame[columns.patient].tolist(),
        [classes.index(label) if label else SEALED for label in frame[columns.label]],
        [splits[at] for at in rows],
        math.nan if columns.value is None else values_of(frame[columns.value]),
    )
    known: dict[str, dict[str, Any]] = {
        "covariates": {
            name: numbers_of(frame[name]) if is_numeric else [cell or None for cell in frame[name]]
            for name, is_numeric in numeric.items()
        },
        "reader_scores": {name: numbers_of(frame[name]) for name in columns.scores},
        "visits": {},
    }
    if columns.visit is not None:
        region = "" if columns.region is None else frame[columns.region].array
        visit = numbers_of(frame[columns.visit]).astype(np.int64)
        known["visits"] = {"visit": visit, "region": region}
    tables = {name: pd.DataFrame(cells, entries.index) for name, cells in known.items()}
    tables["measured"] = pd.DataFrame(measured[rows], columns=[*columns.features])
    references = [] if columns.file is None else references_of(frame, columns)
    lesions = [] if columns.marks is None else frame[columns.marks].tolist()
    return ListedCases(
        entries=entries,
        known=tables,
        columns={role: name for role in SINGLE for name in columns.of(role)},
        problems=problems,
        references=find_regions_alone(references),
        lesions=lesions,
    )


def _find_column_problems(
    frame: pd.DataFrame, columns: Columns, test_sites: Sequence[str]
) -> list[DataError]:
    """Return what is wrong with the covariates, the files and the masks of a table.

    Raises:
        OptionError: The test sites are none of the table, or beside another split.
        DataError: A column is not there.
    """
    require_columns(frame, columns.used())
    # test sites are those of a column, where no other one tells the split
    where = "dataset.test_sites"
    if test_sites and (columns.site is None or columns.split is not None):
        raise refusal("datasets.sites_and_split", where, sites=list(test_sites))
    sites = sorted(frame[columns.site].unique()) if columns.site else []
    if unknown := sorted(set(test_sites) - set(sites)):
        remedy = suggest(unknown[0], sites, "name sites of the table")
        raise refusal(
            "datasets.unknown_site",
            where,
            site=unknown[0],
            sites=sites,
            remedy=remedy,
        )
    # files and masks: each once, or each once with a frame, or with a region that a mask shows
    region_columns = () if columns.mask is None else (columns.region, columns.label_value)
    apart = tuple(name for name in (*region_columns, columns.frame) if name is not None)
    problems = [*find_covariate_problems(frame, columns)]
    problems += filter(None, (find_thousands_problem(frame, name) for name in columns.scores))
    if columns.file is not None:
        problems += _find_twice(frame, columns.file, apart)
    if columns.mask is not None:
        # a row for each of an image's masks; a row without one is named elsewhere
        drawn = frame[frame[columns.mask] != ""]
        each = {columns.mask: drawn[columns.mask].str.split(";")}
        masks = replace_columns(drawn, each).explode(columns.mask)
        problems += _find_twice(masks, columns.mask, (columns.image_file, *apart))
    return problems


def _find_twice(frame: pd.DataFrame, column: str, region_columns: Sequence[str]) -> list[DataError]:
    """Return which names of files several rows have."""
    frame = replace_columns(frame, {column: frame[column].map(normalise_name)})
    told = [column, *region_columns]
    twice = frame[frame.duplicated(told, keep=False) & (frame[column] != "")]
    return [
        refusal(
            "datasets.file_twice",
            str(name),
            n_rows=len(rows),
            lines=rows.index,
            allowed="one row per region" if region_columns else "one row per file",
        )
        for (name, *_), rows in twice.groupby(told, sort=False)
    ]


def find_image_problems(frame: pd.DataFrame, columns: Columns) -> dict[int, DataError]:
    """Return place of a row → why its image cannot be read, whatever its label.

    Whether an image needs a mask is not known here.
    """
    image_roles = ("file", "mask", "label_value", "frame")
    checks = _checks_of(columns, {role: ROLES[role].checks for role in image_roles})
    return find_cell_problems(frame, [each for each in checks if each[1].key != "datasets.no_mask"])


def read_features(
    frame: pd.DataFrame, features: Sequence[str]
) -> tuple[Floats, dict[int, DataError]]:
    """Return (n, k) features, NaN where one is missing, and place of a row → what is wrong there.

    Numbers that were read before stay as they are; other cells are texts.
    """
    values = np.full((len(frame), len(features)), np.nan)
    wrong: dict[int, DataError] = {}
    for place, name in enumerate(features):
        cells = frame[name]
        values[:, place] = numbers_of(cells)
        odd = (np.abs(values[:, place]) > _LARGEST) | find_texts(cells, values[:, place])
        for at in np.flatnonzero(odd).tolist():
            problem = refusal(
                "datasets.wrong_feature",
                row_at(frame[[]], at).where,
                cell=cells.iloc[at],
                name=name,
            )
            wrong.setdefault(at, problem)
    if features:
        for at in np.flatnonzero(np.isnan(values).all(axis=1)).tolist():
            problem = refusal("datasets.empty_features", row_at(frame[[]], at).where)
            wrong.setdefault(at, problem)
    return values, wrong


def values_of(cells: "pd.Series[str]") -> Floats:
    """Return (n,) the values of an outcome, or (n, findings) where a cell says several."""
    if cells.empty:
        return np.empty(0)
    parts = cells.str.split(BETWEEN, expand=True)
    values = np.array([numbers_of(parts[part].fillna("")) for part in parts]).T
    return values[:, 0] if values.shape[1] == 1 else values


def _checks_of_rows(
    columns: Columns, classes: Sequence[str], *, hidden: bool
) -> list[tuple[str, Check]]:
    """Return columns, each with a check of its cells; a hidden label must be empty."""
    of_label = (
        Check("datasets.no_label", bool),
        Check("datasets.other_label", lambda cell: cell in classes, listed(classes)),
    )
    of_role = {name: role.checks for name, role in ROLES.items()}
    return _checks_of(columns, of_role | (_HIDDEN if hidden else {"label": of_label}))


def _checks_of(columns: Columns, of_role: Mapping[str, Sequence[Check]]) -> list[tuple[str, Check]]:
    """Return columns, each with a check of its cells, by the checks of each role."""
    return [
        (name, check) for role in of_role for name in columns.of(role) for check in of_role[role]
    ]


def normalise_name(name: str) -> str:
    """Return the one spelling of a relative file name: `./a//b.png` is `a/b.png`."""
    if not name or name.startswith("/"):
        return PurePosixPath(name).as_posix() if name else ""
    return "/".join(part for part in name.split("/") if part not in {"", "."}) or "."


def split_masks(cell: str) -> tuple[str, ...]:
    """Return the files of a cell of masks; those of one image are separated by semicolons."""
    return tuple(normalise_name(name.strip()) for name in cell.split(";") if name.strip())


def join_masks(names: Iterable[str]) -> str:
    """Return the cell that names the masks of one image, or what is said of each."""
    return BETWEEN.join(names)


def references_of(frame: pd.DataFrame, columns: Columns) -> list[ImageReference]:
    """Return what is read for each row; a number that is none is left out, as `all` is of masks."""
    named = (columns.file, columns.mask, columns.region, columns.label_value, columns.frame)

    def number_in(cell: str) -> int | None:  # 0 for `all`
        cell = cell.replace(ALL, "0")
        return int(float(cell)) if WHOLE.fullmatch(cell) else None

    # the cells of each, empty where no column is named
    cells = ([""] * len(frame) if column is None else frame[column] for column in named)
    return [
        ImageReference(
            normalise_name(file),
            split_masks(masks),
            region or None,
            number_in(label_value),
            number_in(number),
        )
        for file, masks, region, label_value, number in zip(*cells, strict=True)
    ]


def names_of(frame: pd.DataFrame, columns: Columns) -> list[str]:
    """Return what names each row: its image, or its line where it has none."""
    lines = [row.where for row in rows_of(frame, ())]
    if columns.file is None:
        return lines
    references = references_of(frame, columns)
    return [each.name or line for each, line in zip(references, lines, strict=True)]


def split_modalities(
    frame: pd.DataFrame, columns: Columns, modalities: Sequence[str]
) -> dict[str, pd.DataFrame]:
    """Return modality → its rows, those of one case at the same place in each.

    A case is told by its patient, its region and its visit, as far as there are such columns.

    Args:
        modalities: Which to read, in this order; empty where the table holds one or does not tell.
    """
    where = "dataset.modalities"
    if columns.modality is None:
        if modalities:
            raise refusal(
                "datasets.modalities_without_column",
                where,
                modality=modalities[0],
            )
        return {"": frame}
    table_modalities = sorted(frame[columns.modality].unique())
    chosen = list(modalities) or (table_modalities if len(table_modalities) == 1 else [])
    unknown = [name for name in chosen if name not in table_modalities]
    if unknown or not chosen:
        fault = f"no image of `{unknown[0]}`" if unknown else f"{len(table_modalities)} modalities"
        raise refusal(
            "datasets.unknown_modality",
            where,
            found=fault,
            modalities=table_modalities,
        )
    parts = {name: frame[frame[columns.modality] == name] for name in chosen}
    if len(chosen) == 1:
        return parts
    # what tells a case, of each modality: patient, region and visit, or its file where nothing does
    case_columns = filter(None, (columns.patient, columns.region, columns.visit))
    key_columns = [*case_columns] or [columns.image_file]
    keys = {name: pd.MultiIndex.from_frame(part[key_columns]) for name, part in parts.items()}
    for name, key in keys.items():
        if key.has_duplicates:
            second = row_at(parts[name], int(key.duplicated().argmax()))
            raise refusal("datasets.second_image", second.where, name=name)
    first = parts[chosen[0]]
    for name in chosen[1:]:
        places = keys[name].get_indexer(keys[chosen[0]])
        if (places < 0).any():
            raise refusal(
                "datasets.missing_modality",
                row_at(first, int((places < 0).argmax())).where,
                name=name,
                modalities=chosen,
            )
        parts[name] = parts[name].iloc[places]
        _check_modality(first, parts[name], columns, chosen[0])
    return parts


def _check_modality(
    first: pd.DataFrame, further: pd.DataFrame, columns: Columns, name: str
) -> None:
    """Refuse what a further image of a case says and the first one does not: it would be left out.

    Args:
        name: Modality of the first images.
    """
    read = [columns.label, *filter(None, [columns.marks])]
    for row, other in zip(rows_of(first, read), rows_of(further, read), strict=True):
        labels = [each.cells[columns.label] for each in (row, other)]
        if labels[0] != labels[1]:
            raise refusal(
                "datasets.labels_of_one_case",
                other.where,
                further=labels[1],
                label=labels[0],
                place=row.place,
            )
        if columns.marks and other.cells[columns.marks] and not row.cells[columns.marks]:
            raise refusal("datasets.lesions_on_further", other.where, name=name, place=row.place)


def splits_of(
    frame: pd.DataFrame, columns: NamedColumns, test_sites: Sequence[str]
) -> list[Split | None]:
    """Return the split of each row; None where nothing tells it."""
    if test_sites and columns.site:
        return ["test" if site in test_sites else "train" for site in frame[columns.site]]
    if columns.split is None:
        return [None] * len(frame)
    return [*map(part_of, frame[columns.split])]
