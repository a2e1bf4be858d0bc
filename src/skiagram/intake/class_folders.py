"""Labels that folders tell: `yes/1.png`, and with parts of the data `train/yes/1.png`.

A row of `layouts.yaml` is a usual layout; the first one that all images fit is taken.
"""

import os
import re
from collections.abc import Collection, Sequence
from itertools import chain, takewhile, zip_longest
from unicodedata import normalize

import pandas as pd

from skiagram.datasets.folder.identifiers import says, words_of
from skiagram.datasets.folder.mask_names import without_ending, without_modality
from skiagram.datasets.folder.name_patterns import LAYOUTS, NamePattern
from skiagram.datasets.folder.roles import call_parts, part_of
from skiagram.errors import listed, refusal
from skiagram.tables.frames import WHERE, replace_columns

_LAYOUTS = [*map(NamePattern, LAYOUTS["classes"])]
_NUMBERED = re.compile(r"(\D*)(\d+)")
_DOUBLED = re.compile(r"(?<![^/])([^/]+/)\1+")  # folders, as archives unpack them: `yes/yes/1.png`
_MOST_NUMBERED = 10  # classes, such as grades or digits


def rows_of_classes(
    names: Sequence[str], classes: Collection[str], where: str
) -> tuple[pd.DataFrame, str]:
    """Return a row for each image, whose label is the name of a folder, and a sentence on others.

    Args:
        names: Of the images, relative to their folder. Outer folders that all share tell nothing.
        classes: That the user names; they say which of two levels of folders is meant.
        where: Their folder.

    Raises:
        DataError: An image lies in no folder of a class, two levels of folders may be the classes,
            a class holds folders of the others, folders are numbered as patients are, or images are
            modalities of one patient by their names.
    """
    # images whose names differ in a modality alone: each would become a patient
    by_patient: dict[str, dict[str, str]] = {}
    for name in sorted(names):
        stem = without_ending(name)
        by_patient.setdefault(without_modality(stem), {}).setdefault(stem, name)
    for patient_images in by_patient.values():
        if len(patient_images) > 1:
            raise refusal(
                "intake.modalities_in_names",
                where,
                n_images=len(patient_images),
                names=[*patient_images.values()][:3],
            )
    # what each layout tells; outer folders that all share, as an archive unpacks them, tell nothing
    common = os.path.commonpath(["/".join(name.split("/")[:-2]) for name in names])
    shared = [*takewhile(lambda folder: not part_of(folder), filter(None, common.split("/")))]
    plain = ("/".join(map(str.strip, normalize("NFC", name).split("/"))) for name in names)
    inner = [name.split("/", len(shared))[-1] for name in plain]
    called = [
        "/".join([*folders, name.rpartition("/")[2]])
        for folders, name in zip(call_parts(inner), inner, strict=True)
    ]
    single = [_DOUBLED.sub(r"\1", name) for name in called]
    told = [
        pd.DataFrame(
            [next(iter(layout.readings(name)), {}) for name in single],
            pd.Index(names),
            layout.fields,
        )
        for layout in _LAYOUTS
    ]
    chosen = _choose_layout(told, classes, where)
    note = ""
    if len(classes) < 2:  # a line that names all classes has settled it
        _refuse_nested(chosen, where)
        _refuse_numbered(sorted({*chosen["label"]}), where)
        note = _describe_inner_folders(chosen)
    cells = {"file": [*names], "label": chosen["label"].tolist()}
    # without a test set, as where its labels are kept back, parts are of no use: folds make them
    parts = [part_of(word) for word in chosen["split"]] if "split" in chosen else []
    if "test" in parts:
        cells["split"] = [*map(str, parts)]
    return pd.DataFrame(cells, index=range(2, len(names) + 2)), note


def _choose_layout(
    told: Sequence[pd.DataFrame], classes: Collection[str], where: str
) -> pd.DataFrame:
    """Return what that layout tells which all images fit: with parts of the data, else of classes.

    Without parts it is the level of folders that has the classes which the user names, else the
    outer one. Where every outer folder holds the same inner ones, either may be the class.

    Args:
        told: Of each layout, a row an image; one that does not fit has no label.
    """
    labels = [sorted({*each["label"].dropna()}) for each in told]
    unfit = [each.index[each["label"].isna()].tolist() for each in told]
    is_whole = [not left and len(found) > 1 for left, found in zip(unfit, labels, strict=True)]
    is_named = [bool(classes) and {*classes} <= {*found} for found in labels]
    *with_parts, outer, inner = told
    fitting = [at for at in range(len(with_parts)) if is_whole[at]]
    if fitting:
        at = max(fitting, key=is_named.__getitem__)
        chosen = told[at]
        if not classes:
            below = chosen["inner"].map(lambda folders: folders.partition("/")[0])
            _refuse_two_levels(below, [chosen["label"], chosen["split"]], labels[at], where)
        return chosen
    # parts of the data that only some images have, or that lie where classes are looked for
    words = {*filter(part_of, labels[-2])}.union(*(each["split"].dropna() for each in with_parts))
    if len(words) > 1 or with_parts[0]["split"].notna().any():
        # as they are called on the disk
        own_words = dict[str, str]()
        for name, folders in zip(outer.index, call_parts([*outer.index]), strict=True):
            own_words |= zip(folders, name.split("/")[:-1], strict=True)
        first = min(sorted(words), key=lambda word: part_of(word) != "train")
        first = own_words.get(first, first)
        path = next(name.split("/") for name in outer.index if first in name.split("/"))
        raise refusal(
            "intake.folders_of_parts",
            where,
            parts=sorted(own_words.get(word, word) for word in words),
            astray=[*min(unfit[:-2], key=len), outer.index[0]][0],
            part="/".join([where, *path[: path.index(first) + 1]]),
        )
    if not is_whole[-2]:
        example = (
            f", such as `{unfit[-2][0]}`" if unfit[-2] else f", but in `{labels[-2][0]}` alone"
        )
        raise refusal("intake.no_class_folders", where, example=example)
    if not is_whole[-1] or is_named[-2] > is_named[-1]:
        return outer
    if is_named[-2] == is_named[-1]:
        _refuse_two_levels(inner["label"], [inner["folder"]], labels[-2], where)
        return outer
    return inner


def _refuse_two_levels(
    below: "pd.Series[str]", above: "Sequence[pd.Series[str]]", outer: Sequence[str], where: str
) -> None:
    """Refuse folders that all hold the same folders, of which either may be the classes.

    Args:
        below: Of each image, the folder that may be its class; empty for none.
        above: Of each image, the folders that hold it.
        outer: Names of those that may be the classes instead.
    """
    held = below.groupby([*above]).agg(set).tolist()
    if len(held[0]) > 1 and all(folders == held[0] for folders in held):
        raise refusal("intake.two_levels", where, outer=outer[:4], inner=sorted(held[0])[:4])


def _describe_inner_folders(chosen: pd.DataFrame) -> str:
    """Return a sentence on folders below those of the classes that may be classes, or hold parts.

    They are few, and tell images apart; empty where there are none.

    Args:
        chosen: What the layout tells, a row an image.
    """
    inner = [
        [folder for folder in below.split("/")[:-1] if not part_of(folder)]
        for below in chosen["inner"]
    ]
    for level in zip_longest(*inner):
        names = {*level} - {None}
        # folders that a number alone tells apart are patients, or series of these
        numbered = {match[1] for match in map(_NUMBERED.fullmatch, names) if match}
        if len({*level}) > 1 and len(names) <= _MOST_NUMBERED and len(numbered) != 1:
            return (
                f"Folders below those of the classes tell nothing: {listed(sorted(names), '`')}. "
                "Where they are the classes, name these with --classes; where they hold parts or "
                "copies of the other images, move them elsewhere."
            )
    return ""


def add_split(frame: pd.DataFrame, column: str) -> tuple[pd.DataFrame, str]:
    """Return a table with the column `split` that folders of file names tell, and a sentence.

    Args:
        column: Of the names of files.

    Raises:
        DataError: Some names have such a folder and some have none.
    """
    names = frame[column].tolist()
    folders = call_parts(names)
    levels = zip(*folders, strict=False)
    shared = len([*takewhile(lambda level: len({*level}) == 1, levels)])  # which tell nothing
    split = [" ".join({*filter(None, map(part_of, inner[shared:]))}) for inner in folders]
    splits = {*" ".join(split).split()}
    if len(splits) < 2:  # one folder for all, such as `test`, tells no parts
        return frame, ""
    without = [name for name, part in zip(names, split, strict=True) if part not in splits]
    if without:
        raise refusal(
            "intake.parts_of_some",
            WHERE,
            n_with=len(names) - len(without),
            parts=sorted(splits),
            n_without=len(without),
            example=without[0],
        )
    if "test" not in splits:
        return frame, ""
    counted = ", ".join(f"{name} {split.count(name)}" for name in sorted(splits))
    note = (
        f"Folders in the names of files (`{column}`) tell the parts of the data: {counted}. "
        "A column `split` would count instead."
    )
    return frame.assign(split=split), note


def unite_development(
    frame: pd.DataFrame, split: str | None, patient: str | None
) -> tuple[pd.DataFrame, str]:
    """Return a table without a validation set where it shares patients with training alone.

    Folds then make validation sets of whole patients. A patient in the test set too is a fault.

    Args:
        split: Column of the parts of the data; None where there are none.
        patient: Column of the patients; None where nobody knows them.
    """
    if split is None or patient is None:
        return frame, ""
    part = frame[split].map(part_of)
    parts = part.groupby(frame[patient]).agg(set)
    crossing = sum({"train", "validation"} <= found for found in parts)
    if not crossing or any("test" in found and len(found) > 1 for found in parts):
        return frame, ""
    return replace_columns(frame, {split: frame[split].mask(part == "validation", "train")}), (
        f"{crossing} patients have images in training and in validation: both are one development "
        "set here, and validation sets are made of whole patients."
    )


def _refuse_nested(chosen: pd.DataFrame, where: str) -> None:
    """Refuse a class whose folder holds those of all the others, as a copy of the whole does."""
    within = {
        str(label): {*"".join(inner).split("/")}
        for label, inner in chosen.groupby("label")["inner"]
    }
    for label, inner in within.items():
        others = [name for name in within if name != label]
        if inner.issuperset(others):
            raise refusal("intake.nested_class", where, label=label, others=others)


def _refuse_numbered(labels: Sequence[str], where: str) -> None:
    """Refuse folders that numbers alone tell apart, as patients or parts of a download are.

    Without their numbers they have one name, or two, such as those of both sides.
    """
    names = {re.sub(r"\d+", "", label) for label in labels}
    numbers = [re.findall(r"\d+", label) for label in labels]
    if len(names) > 2 or len(names) == len(labels) or not all(numbers):
        return
    words = words_of(" ".join(labels))
    called = any(says(words, kind) for kind in ("patient", "case", "numbered_part"))
    longest = max(map(len, chain(*numbers)))
    if called or len(labels) > _MOST_NUMBERED or longest > 2:
        raise refusal(
            "intake.numbered_folders",
            where,
            n_folders=len(labels),
            folders=labels,
            first=labels[:3],
        )
