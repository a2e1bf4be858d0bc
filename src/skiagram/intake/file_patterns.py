"""A row for each image, by patterns of names that a user writes: image, mask, patient, label."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from unicodedata import normalize

import pandas as pd

from skiagram.datasets.folder.name_patterns import LAYOUTS, Cut, NamePattern
from skiagram.datasets.folder.roles import PATIENT, part_of
from skiagram.datasets.folder.table import join_masks
from skiagram.errors import refusal
from skiagram.readers.file_trees import is_hidden

# Words with which names of a patient's files end, or folders that may be of classes or sites.
_FEW = 8
# Patient, modality, region, empty where the pattern does not tell; the path of an image of its own.
Key = tuple[str, ...]
_COLUMNS = ["file", "mask", "modality", "region", "label", "split", PATIENT]


class FoundImages(NamedTuple):
    """The images of a folder whose names fit a pattern.

    Attributes:
        frame: A row for each: image, mask, modality, region, label, part of the data and patient;
            cells are empty where no pattern tells. Names are relative to the folder.
        note: Sentence on images whose mask another pattern tells.
        masks_alone: Masks whose image is not there.
        fitting: All paths that fit a pattern.
    """

    frame: pd.DataFrame
    note: str
    masks_alone: list[str]
    fitting: set[str]


def find_images(
    folder: Path, written: Sequence[str], masks: Sequence[str] = (), cut: Cut | None = None
) -> FoundImages:
    """Look for images and masks; of several patterns the first that gives both is taken.

    Where names tell labels and no masks, each file is an image, and a patient may have several.

    Args:
        written: Patterns with {patient} and others of the fields, the preferred one first.
        masks: Patterns of masks, where they are not told by {kind}; a mask is that of all images
            whose {modality} or {region} it does not tell apart.
        cut: Where a name is cut that fits in several ways: a field ends at the first place that
            fits, or at the last one; None refuses such names.

    Raises:
        OptionError: A pattern has neither patient nor label, or a field that is not known.
        DataError: Something has two labels, or two files by one pattern; or a name fits a pattern
            in two ways, and nothing says which is meant.
    """
    # masks that patterns of their own find, by what these tell
    drawn_apart: dict[Key, list[str]] = {}
    for _, told, path in _fit_names(folder, masks, cut, with_labels=not masks):
        drawn_apart.setdefault(_key(told), []).append(path)
    apart = {path for paths in drawn_apart.values() for path in paths}
    fitting = {*apart}
    # images and masks by number of the pattern, and labels and parts of the data
    files: dict[Key, dict[tuple[str, int], str]] = {}
    labels: dict[Key, dict[str, str]] = {}
    for number, told, path in _fit_names(folder, written, cut, with_labels=not masks):
        if path in apart:
            continue
        fitting.add(path)
        key = _key(told)
        # each file is an image of its own where names tell labels and no masks
        if "label" in told and "kind" not in told and not masks:
            key = (*key, path)
        of_names = labels.setdefault(key[:3] if key[0] else key, {})
        for part in told.keys() & {"label", "split"}:
            first = of_names.setdefault(part, told[part])
            if told[part] != first:
                raise refusal("intake.pattern_contradicts", path, word=told[part], first=first)
        first = files.setdefault(key, {}).setdefault((told.get("kind", "image"), number), path)
        if first != path:
            raise refusal("intake.second_file", path, patient=key[0], first=first)
    # a row for each image, with its mask
    rows, mixed, alone = list[list[str]](), list[str](), list[str]()
    for key, found in sorted(files.items()):
        numbers = sorted({number for _, number in found})
        both = [at for at in numbers if {("image", at), ("mask", at)} <= found.keys()]
        image, mask = (
            next((found[kind, at] for at in both or numbers if (kind, at) in found), "")
            for kind in ("image", "mask")
        )
        patient, modality, region, *_ = key
        coarser = (key, (patient, "", region), (patient, modality, ""), (patient, "", ""))
        drawn = next(filter(None, map(drawn_apart.get, coarser)), [])
        if image and mask and not both:
            mixed.append(f"{image} with {mask}")
        mask = _only_file(folder, mask) if mask else join_masks(drawn)
        if not image:
            alone.append(mask)
            continue
        of_names = labels[key[:3] if patient else key]
        part = part_of(of_names.get("split", "")) or ""
        rows.append([image, mask, modality, region, of_names.get("label", ""), part, patient])
    note = ""
    if mixed:
        note = (
            f"Images of one pattern with masks of another: {len(mixed)}, first {mixed[0]}. "
            "Look whether they belong together."
        )
    return FoundImages(pd.DataFrame(rows, columns=_COLUMNS, dtype="str"), note, alone, fitting)


def _fit_names(
    folder: Path, patterns: Sequence[str], cut: Cut | None, *, with_labels: bool
) -> Iterator[tuple[int, dict[str, str], str]]:
    """Yield number of the pattern, what it tells, and path of what fits one.

    Args:
        with_labels: Whether a pattern may tell a label alone.
    """
    for number, written in enumerate(patterns):
        pattern = NamePattern(written)
        fields = {*pattern.fields}
        # A label alone tells no patient, whose images and masks could belong together.
        of_images = "label" in fields and "kind" not in fields and with_labels
        if not ("patient" in fields or of_images) or fields.difference(LAYOUTS["fields_of_users"]):
            raise refusal(
                "intake.pattern_fields", written=written, others=LAYOUTS["fields_of_users"][1:]
            )
        for path in sorted(folder.glob("/".join(["*"] * (written.count("/") + 1)))):
            name = path.relative_to(folder).as_posix()
            readings = pattern.readings(name)
            if not readings or any(map(is_hidden, name.split("/"))):
                continue
            if len(readings) > 1 and cut is None:
                ways = (
                    ", ".join(f"{part} `{text}`" for part, text in told.items())
                    for told in readings
                )
                raise refusal("intake.two_readings", name, pattern=written, ways=ways)
            told = readings[0 if cut == "first" else -1]
            yield number, {part: normalize("NFC", text) for part, text in told.items()}, name


def _only_file(folder: Path, mask: str) -> str:
    """Return a mask; a folder stands for the only file in it."""
    if not (folder / mask).is_dir():
        return mask
    inside = [item.name for item in (folder / mask).iterdir() if not is_hidden(item.name)]
    if len(inside) != 1:
        raise refusal("intake.folder_as_mask", mask, n_files=len(inside))
    return f"{mask}/{inside[0]}"


def _key(told: Mapping[str, str]) -> Key:
    return told.get("patient", ""), told.get("modality", ""), told.get("region", "")


def propose_patients(files: Sequence[str], labels: Sequence[str]) -> str:
    """Return the first usual layout by which several files share a patient; empty without any.

    Such as `10_left.png`, `10_right.png`. Most of enough patients must have several files, and the
    pattern must tell all of these apart: by a few words, or by folders besides those of classes.

    Args:
        files: Relative to the folder.
        labels: Of each; a level of folders that has them is that of the classes.
    """
    endings = {"".join(PurePosixPath(name).suffixes) for name in files}
    ending = endings.pop() if len(endings) == 1 else ""
    for layout in LAYOUTS["patients"]:
        written = layout.replace("{ending}", ending)
        readings = [*map(NamePattern(written).readings, files)]
        if not all(readings):
            continue
        # the shortest ids: `P1` of `P1_L_CC` has both breasts, and `P1_L` has one
        told = pd.DataFrame([found[0] for found in readings])
        of_classes = "label" not in told or told["label"].tolist() == [*labels]
        of_classes &= told["patient"].tolist() != [*labels]
        if told[["patient", "region"]].duplicated().any() or not of_classes:
            continue
        several = told["patient"].value_counts() > 1
        regions = told["region"].nunique()
        few = regions <= _FEW and regions < len(several)
        if several.mean() > 0.5 and (few or ("{patient}/" in written and len(several) > _FEW)):
            further = " --cut first" if any(len(found) > 1 for found in readings) else ""
            return shlex.join(["--pattern", written]) + further
    return ""
