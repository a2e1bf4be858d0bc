"""Labels that folders tell: `yes/1.png`, and with parts of the data `train/yes/1.png`."""

import re
import shlex
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from skiagram.datasets.folder.csv_rows import WHERE, CsvRow
from skiagram.datasets.folder.mask_names import split_name, without_image_folders, without_modality
from skiagram.datasets.folder.table import SPLITS
from skiagram.errors import DataError, listed

KINDS = "PNG, JPEG, TIFF, PGM, PPM, BMP, DICOM, NIfTI, NRRD and MetaImage (.mha) files"


def rows_of_classes(names: Sequence[str], classes: Collection[str], where: str) -> list[CsvRow]:
    """Return a row for each image, whose label is the name of a folder.

    Args:
        names: Of the images, relative to their folder. Outer folders that all share tell nothing.
        classes: That the user names; they say which of two levels of folders is meant.
        where: Their folder.

    Raises:
        DataError: There are no images, one lies in no folder of a class, two levels of folders may
            be the classes, a class holds folders of the others, or images are modalities of one
            patient by their names.
    """
    if not names:
        raise DataError(
            "no image that can be read",
            where=where,
            allowed=KINDS,
            remedy="convert the images, for example to PNG",
        )
    _refuse_modalities(names, where)
    # outer folders that all share, as an archive unpacks them, tell nothing
    spelled = [unicodedata.normalize("NFC", name).split("/")[:-1] for name in names]
    folders = without_image_folders([[part.strip() for part in parts] for parts in spelled])
    while all(len(parts) > 1 for parts in folders) and len({parts[0] for parts in folders}) == 1:
        if folders[0][0].lower() in SPLITS:
            break
        folders = [parts[1:] for parts in folders]
    split = _split_level(folders, where)
    label = _label_level(folders, classes, where) if split is None else 1 - split
    astray = next(
        (name for name, parts in zip(names, folders, strict=True) if len(parts) <= label), None
    )
    labels = sorted({parts[label] for parts in folders if len(parts) > label})
    if astray is not None or len(labels) < 2:
        example = f", such as `{astray}`" if astray is not None else f", but in `{labels[0]}` alone"
        raise DataError(
            f"no table was given, and images do not lie in a folder for each class{example}",
            where=where,
            allowed="a CSV after the folder; or `yes/1.png`, `no/2.png`; or `train/yes/1.png`; or "
            "`yes/train/1.png`",
            remedy="move what is no image of a class elsewhere, or name a table; where names tell "
            "the class, say how, as in `--pattern '{patient}_{label}.png'`",
        )
    if len(classes) < 2:  # a line that names all classes has settled it
        _refuse_nested([parts[label:] for parts in folders], labels, where)
    # without a test set, as where its labels are kept back, parts are of no use: folds make them
    if split is not None and "test" not in {SPLITS[parts[split].lower()] for parts in folders}:
        split = None
    rows = []
    for line, (name, parts) in enumerate(zip(names, folders, strict=True), start=2):
        cells = {"file": name, "label": parts[label]}
        if split is not None:
            cells["split"] = SPLITS[parts[split].lower()]
        rows.append(CsvRow(line, cells))
    return rows


def describe_depths(rows: Sequence[CsvRow]) -> str:
    """Return a sentence where images of one class lie at several depths; else nothing."""
    depths: dict[str, set[int]] = {}
    folders: dict[int, Counter[str]] = {}
    for row in rows:
        folder = row.cells["file"].rpartition("/")[0]
        depth = folder.count("/")
        depths.setdefault(row.cells["label"], set()).add(depth)
        folders.setdefault(depth, Counter())[folder] += 1
    several = sum(len(found) > 1 for found in depths.values())
    if not several:
        return ""
    counted = " and ".join(
        f"{sum(found.values())} in folders such as `{min(found)}`"
        for _, found in sorted(folders.items())
    )
    return (
        f"Warning: images of {several} of {len(depths)} classes lie at several depths: {counted}. "
        "They may be of several kinds, such as slides and what was cut out of them, which then "
        "counts twice. Take one kind alone: give a `--pattern` that fits its names, or name a "
        "folder that holds nothing else."
    )


def find_split_column(rows: list[CsvRow], names: Iterable[str]) -> tuple[str | None, str]:
    """Return the first of some columns that tells the parts of the data, and a sentence.

    It holds names of parts alone, among them those of training and of test.
    """
    for name in names:
        parts = {SPLITS.get(row.cells[name].casefold()) for row in rows}
        if None not in parts and {"train", "test"} <= parts:
            note = f"The column `{name}` tells the parts of the data; another is named by --split."
            return name, note
    return None, ""


def add_split(rows: list[CsvRow], column: str, split: str | None) -> tuple[list[CsvRow], str]:
    """Return a table with the column `split` that folders of file names tell, and a sentence.

    Args:
        column: Of the names of files.
        split: Column of the parts of the data; the table stays as it is where there is one.

    Raises:
        DataError: Some names have such a folder and some have none.
    """
    if split is not None:
        return rows, ""
    names = [row.cells[column] for row in rows]
    folders = [[part.lower() for part in re.split(r"[/\\]", name)[:-1]] for name in names]
    levels = zip(*folders, strict=False)
    shared = next((at for at, level in enumerate(levels) if len({*level}) > 1), 0)
    found = [[SPLITS[part] for part in parts[shared:] if part in SPLITS] for parts in folders]
    splits = {part for parts in found for part in parts}
    if len(splits) < 2:  # one folder for all, such as `test`, tells no parts
        return rows, ""
    without = [name for name, parts in zip(names, found, strict=True) if len({*parts}) != 1]
    if without:
        raise DataError(
            f"{len(names) - len(without)} names of files have a folder for a part of the data "
            f"({', '.join(sorted(splits))}), and {len(without)} have none or several, such as "
            f"`{without[0]}`",
            where=WHERE,
            allowed="a part of the data for every row, or for none",
            remedy="add a column `split` with train, validation and test",
        )
    if "test" not in splits:
        return rows, ""
    counts = Counter(parts[0] for parts in found)
    counted = ", ".join(f"{name} {number}" for name, number in sorted(counts.items()))
    note = f"Folders in the names of files (`{column}`) tell the parts of the data: {counted}. "
    note += "A column `split` would count instead."
    return [
        replace(row, cells=row.cells | {"split": parts[0]})
        for row, parts in zip(rows, found, strict=True)
    ], note


def unite_development(
    rows: list[CsvRow], split: str | None, patient: str | None
) -> tuple[list[CsvRow], str]:
    """Return a table without a validation set where it shares patients with training alone.

    Folds then make validation sets of whole patients. A patient in the test set too is a fault.

    Args:
        split: Column of the parts of the data; None where there are none.
        patient: Column of the patients; None where nobody knows them.
    """
    if split is None or patient is None:
        return rows, ""
    parts: dict[str, set[str | None]] = {}
    for row in rows:
        parts.setdefault(row.cells[patient], set()).add(SPLITS.get(row.cells[split].casefold()))
    crossing = sum({"train", "validation"} <= found for found in parts.values())
    if not crossing or any("test" in found and len(found) > 1 for found in parts.values()):
        return rows, ""
    united = [
        replace(row, cells=row.cells | {split: "train"})
        if SPLITS.get(row.cells[split].casefold()) == "validation"
        else row
        for row in rows
    ]
    return united, (
        f"{crossing} patients have images in training and in validation: both are one development "
        "set here, and validation sets are made of whole patients."
    )


def _refuse_modalities(names: Sequence[str], where: str) -> None:
    """Refuse images whose names differ in a modality alone: each would become a patient."""
    by_patient: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for name in sorted(names):
        folders, stem = split_name(name)
        by_patient.setdefault((folders, without_modality(stem)), []).append(name)
    for patient_images in by_patient.values():
        stems = {split_name(name)[1] for name in patient_images}
        if len(stems) > 1:
            raise DataError(
                f"{len(stems)} images of one patient by their names: "
                + ", ".join(f"`{name}`" for name in patient_images[:3]),
                where=where,
                allowed="one image of each patient, or a pattern of names with {modality}",
                remedy="for example `--pattern '{label}/{patient}_{modality}.nii.gz'` with "
                "`--images` for the modalities, and --mask-pattern for masks; or name each image "
                "in a table",
            )


def _refuse_nested(folders: Sequence[Sequence[str]], labels: Sequence[str], where: str) -> None:
    """Refuse a class whose folder holds those of all the others, as a copy of the whole does.

    Args:
        folders: Of each image, from that of its class on.
    """
    within: dict[str, set[str]] = {}
    for label, *inner in folders:
        within.setdefault(label, set()).update(inner)
    for label in labels:
        others = [name for name in labels if name != label]
        if within[label].issuperset(others):
            remedy = "move the inner folders elsewhere, or name all classes with --classes"
            if len(others) > 1:
                named = " ".join(map(shlex.quote, others))
                remedy = f"leave it out: `--classes {named}`; or name it alone, as the data set"
            raise DataError(
                f"the folder `{label}`, beside {listed(others, '`')}, holds folders of the same "
                "names as these",
                where=where,
                allowed="each class in one folder",
                remedy=remedy,
            )


def _split_level(folders: Sequence[Sequence[str]], where: str) -> int | None:
    """Return which level of folders tells the parts of the data: 0, 1 or none."""
    for level in (0, 1):
        if any(len(parts) <= level for parts in folders):
            return None
        names = {parts[level] for parts in folders}
        named = {name for name in names if name.lower() in SPLITS}
        if named == names and all(len(parts) > 1 for parts in folders):
            return level
        divided = {parts[level] for parts in folders if len(parts) > level + 1} & named
        if len(named) > 1 or (divided and level == 0):
            parts = " and ".join(f"`{name}`" for name in sorted(named))
            others = listed(sorted(names - named), "`")
            training = next((name for name in named if SPLITS[name.lower()] == "train"), None)
            remedy = "rename or move the folders, or write a table with a column `split`"
            if training is not None and not others and level == 0:
                remedy += f"; where the other parts have no labels, name `{where}/{training}` alone"
            raise DataError(
                f"folders called {parts}, which are parts of the data, "
                + (f"beside {others}" if others else "without folders of classes in them"),
                where=where,
                allowed="parts of the data that are called train, val and test (or training, "
                "validation, valid, testing), each with a folder for each class",
                remedy=remedy,
            )
    return None


def _label_level(folders: Sequence[Sequence[str]], classes: Collection[str], where: str) -> int:
    """Return which level of folders tells the class, where none tells parts of the data.

    It is the level that has the classes which the user names, else the outer one. Where every outer
    folder holds the same inner ones, either may be the class.
    """
    levels = [{*names} for names in zip(*folders, strict=False)]  # that all images have
    named = [level for level, names in enumerate(levels) if classes and {*classes} <= names]
    if len(named) == 1:
        return named[0]
    if len(levels) < 2:
        return 0
    within: dict[str, set[str]] = {}
    for outer, inner, *_ in folders:
        within.setdefault(outer, set()).add(inner)
    alike = all(names == levels[1] for names in within.values())
    if not alike or min(map(len, levels[:2])) < 2:
        return 0
    outer_names, inner_names = (", ".join(sorted(level)[:4]) for level in levels[:2])
    raise DataError(
        f"every folder holds the same folders: the classes may be {outer_names}, or {inner_names}",
        where=where,
        allowed="one level of folders, or the names of the classes",
        remedy="name the classes with --positive or --classes, or write a table: `skiagram table` "
        "with --pattern",
    )
