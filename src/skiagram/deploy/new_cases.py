"""New cases: found in files, folders, archives and tables, as ingest finds them.

A case knows which files hold its images, its row of a table, and the same patient at the visit
before. One that cannot be read keeps the reason.
"""

import glob
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from skiagram.case_features.earlier import previous_cases
from skiagram.datasets.folder.columns import (
    Columns,
    refuse_thousands,
    require_columns,
    settle_numbers,
)
from skiagram.datasets.folder.mask_names import find_masks
from skiagram.datasets.folder.patients import number_visits
from skiagram.datasets.folder.roles import ROLES, usual_column
from skiagram.datasets.folder.table import find_image_problems, read_features, references_of
from skiagram.errors import DataError, refusal
from skiagram.finding.inputs import find_partners
from skiagram.readers.case_images import (
    ImageReference,
    called_images,
    find_regions_alone,
    is_image_file,
)
from skiagram.readers.file_trees import HEAD_BYTES, FileTree, FolderTree
from skiagram.sealing.archive import ARCHIVE, open_tree
from skiagram.tables.frames import read_csv, rows_of
from skiagram.tasks.cases import SEALED, Cases

FILE = "file"
_DICOM = slice(128, 132)
_OF_IMAGE = ("mask", "region", "label_value", "frame")  # what a table says of its image
_IDS = ("id", "case", "image", "file", "filename", "name")  # what else names the row of a table
_OF_SEVERAL = ("modality", "patient_id")  # needed where a case has several images


@dataclass(frozen=True)
class MemoryTree(FileTree):
    """Files that came as bytes: name → content."""

    content: Mapping[str, bytes]

    def files(self) -> Iterator[str]:
        return iter(self.content)

    def images(self, beside: Collection[str]) -> Iterator[str]:
        return (
            name
            for name, content in self.content.items()
            if name not in beside and is_image_file(content[:HEAD_BYTES])
        )

    def size(self, name: str) -> int:
        return len(self.content.get(name, b""))

    def read(self, name: str) -> bytes:
        if name not in self.content:
            raise refusal("deploy.not_sent", name)
        return self.content[name]


@dataclass(frozen=True)
class NewCase:
    """A case to score.

    Attributes:
        images: Modality → what is read of it; one under an empty name where a case has one image,
            none of a row of a table of features.
        cells: Column → cell of its row in a table; empty without one.
        other: The other image of a patient of two, such as the other side.
        measured: Features that came with it, by name; NaN is missing. Empty for images alone.
    """

    name: str
    tree: FileTree
    images: Mapping[str, ImageReference]
    cells: Mapping[str, str] = field(default_factory=dict)
    problem: DataError | None = None
    earlier: tuple["NewCase", ...] = ()
    other: "NewCase | None" = None
    measured: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of_file(cls, file: Path) -> "NewCase":
        """Return the case of one image file."""
        return cls(str(file), FolderTree(Path(), is_image_file), {"": ImageReference(str(file))})


def cases_of_features(
    path: Path, columns: Sequence[str], missing: Collection[str] = (), patient: str = ""
) -> list[NewCase]:
    """Read the rows of a table of features as cases, named by their patients, else by their line.

    Args:
        columns: Features that are read; other columns may be covariates.
        patient: Column of the patients in the table that the model learned from; empty for none.

    Raises:
        DataError: A feature is not there, is no number, or has points that may separate thousands.
    """
    # Cells are read as those of a run's table.
    frame = read_csv(path, missing, ())
    require_columns(frame, columns)
    header = frame.columns
    frame, _ = settle_numbers(frame, header)  # of covariates too, as a run reads them
    refuse_thousands(frame, columns)
    values, wrong = read_features(frame, columns)
    for _, problem in sorted(wrong.items()):
        raise problem
    # Names of the rows: the patient's, or another column that tells them apart.
    usual = ROLES["patient"].usual
    named = [patient, usual_column(header, usual), usual_column(header, _IDS)]
    column = next((name for name in named if name in header and name not in columns), None)
    rows = rows_of(frame)
    row_names = ["" if column is None else row.cells[column] for row in rows]
    counts = Counter(row_names)
    names = [
        name if name and counts[name] == 1 else f"{name}, {row.where}" if name else row.where
        for name, row in zip(row_names, rows, strict=True)
    ]
    measured = (dict(zip(columns, read, strict=True)) for read in values.tolist())
    return [
        NewCase(name, MemoryTree({}), {}, row.cells, measured=features)
        for row, name, features in zip(rows, names, measured, strict=True)
    ]


def find_cases(words: Sequence[str], *, volumes: bool) -> list[NewCase]:
    """List the cases in files, folders, encrypted archives and patterns of names, each once."""
    cases: dict[str, NewCase] = {}
    for word in words:
        # A word is a name, or a pattern of names; a link to nowhere is named when it is read.
        names, path = [word], Path(word)
        if glob.has_magic(word) and not path.exists() and not path.is_symlink():
            names = sorted(glob.glob(word, recursive=True))  # noqa: PTH207 - of any place
            if not names:
                raise refusal("deploy.no_such_file", word)
        # A folder or an archive has several cases, else a file is one.
        for name in names:
            path = Path(name)
            found = [NewCase.of_file(path)]
            if path.is_dir() or (name.endswith(ARCHIVE) and path.is_file()):
                empty = refusal("deploy.no_image")
                nothing = NewCase(name, FolderTree(path, is_image_file), {}, {}, empty)
                found = _cases_in(path, volumes=volumes) or [nothing]
            for case in found:
                cases.setdefault(case.name, case)
    return list(cases.values())


def _cases_in(place: Path, *, volumes: bool) -> list[NewCase]:
    # Files that are images by their content or their name.
    tree = open_tree(place, str(place), is_image_file)
    names = sorted({*tree.images(()), *called_images(tree)})
    if volumes and isinstance(tree, FolderTree):
        # A DICOM file that others stand beside is a slice of the volume of their folder.
        read = set()
        for name in names:
            folder = PurePosixPath(name).parent.as_posix()
            if len(tree.series(folder) or ()) >= 2:
                with (tree.folder / name).open("rb") as file:
                    is_slice = file.read(HEAD_BYTES)[_DICOM] == b"DICM"
                read.add(folder if is_slice else name)
            else:
                read.add(name)
        names = sorted(read)
    # A mask beside its image is no case of its own.
    tree.announce(names)
    masks = find_masks(names).names
    mask = refusal("deploy.mask_as_image")
    return [
        NewCase(
            str(place / name),
            tree,
            {"": ImageReference(name)},
            problem=mask if name in masks else None,
        )
        for name in names
    ]


def list_cases(place: Path, frame: pd.DataFrame, modalities: Sequence[str]) -> list[NewCase]:
    """List the cases of a table; a row that cannot be used is a case with a problem.

    Args:
        place: Folder or encrypted archive that file names are relative to.
        frame: Column `file`, and others as `skiagram table` writes them.
        modalities: Images that the model needs of each case; empty for one.
    """
    # Visits are numbered within each patient.
    header = frame.columns
    if {"visit", "patient_id"} <= {*header}:
        frame = number_visits(frame, "patient_id", "visit")
    # The table's columns must say which image is whose.
    needed = [FILE, *(_OF_SEVERAL if modalities else ())]
    if not {*needed} <= {*header}:
        raise refusal("deploy.columns_missing", columns=header, needed=needed)
    # Rows of one case are put together.
    given: dict[str, Any] = {name: name for name in _OF_IMAGE if name in header}
    columns = Columns(file=FILE, label="", **given)
    tree = open_tree(place, str(place), is_image_file)
    cases: dict[str, NewCase] = {}
    references = find_regions_alone(references_of(frame, columns))
    problems = find_image_problems(frame, columns)
    for at, (row, reference) in enumerate(zip(rows_of(frame), references, strict=True)):
        if not modalities or row.cells["modality"] in modalities:
            modality = row.cells["modality"] if modalities else ""
            name = reference.name
            if modalities:
                parts = (row.cells.get(part, "") for part in ("patient_id", "region", "visit"))
                name = "/".join(filter(None, parts))
            case = NewCase(
                name or row.where, tree, {modality: reference}, row.cells, problems.get(at)
            )
            # Two rows, each with an image of another modality, are one case.
            before = cases.setdefault(case.name, case)
            if before is case:
                continue
            images, problem = {**before.images, **case.images}, before.problem or case.problem
            if "" in case.images or before.images.keys() & case.images.keys():
                images, problem = {**before.images}, refusal("deploy.image_twice", case.name)
            cases[case.name] = replace(before, images=images, problem=problem)
    # All files are announced, so that an archive is read once.
    every = [image for case in cases.values() for image in case.images.values()]
    tree.announce([name for image in every for name in image.files])
    for name, case in cases.items():
        absent = [modality for modality in modalities if modality not in case.images]
        if absent and case.problem is None:
            problem = refusal("deploy.no_modality", modality=absent[0], modalities=modalities)
            cases[name] = replace(case, problem=problem)
    complete = [*cases.values()]
    # Each knows its patient's other images.
    patients = [
        f"patient {case.cells['patient_id']}"
        if case.cells.get("patient_id")
        else f"of case {case.name}"  # an unknown patient belongs to no other
        for case in complete
    ]
    unknown = np.full(len(complete), "test"), np.full(len(complete), SEALED)
    patient_cases = Cases(np.array([case.name for case in complete]), np.array(patients), *unknown)
    visits = [
        (case.name, int(case.cells["visit"]), case.cells.get("region", ""))
        for case in complete
        if case.cells.get("visit") and case.cells.get("patient_id")
    ]
    return link_cases(
        complete, pd.DataFrame(visits, columns=["case_id", "visit", "region"]), patient_cases
    )


def link_cases(cases: Sequence[NewCase], visits: pd.DataFrame, table: Cases) -> list[NewCase]:
    """Link cases to their patient's other images: of the visit before, and the other of two.

    Args:
        visits: As `previous_cases` reads it.
        table: The same cases, by name, with their patients.
    """
    # Cases of the visit before, and the other one of two.
    by_name = {case.name: case for case in cases}
    previous, partner = previous_cases(visits, table), find_partners(table)
    return [
        replace(
            case,
            earlier=tuple(by_name[name] for name in previous.get(case.name, ())),
            other=by_name.get(partner.get(case.name, "")),
        )
        for case in cases
    ]
