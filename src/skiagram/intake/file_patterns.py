"""What names of files tell, by patterns that a user writes: images, masks, labels."""

import re
import shlex
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from skiagram.datasets.folder.mask_names import MaskNames, find_masks
from skiagram.datasets.folder.table import join_masks
from skiagram.errors import DataError, OptionError
from skiagram.readers.case_images import is_image_file
from skiagram.readers.file_trees import FolderTree, is_hidden
from skiagram.readers.files import read_file
from skiagram.readers.image_files import count_frames

_FIELD = re.compile(r"\{(\w+)\}")
FIELDS = ("patient", "modality", "region", "kind", "label", "any")  # `any` tells nothing
Files = tuple[dict[int, str], dict[int, str]]  # images and masks by number of the pattern
_TRIED = 8  # ids and files of which a pattern may be made
Key = tuple[str, str, str]  # patient, modality, region; empty where the pattern does not tell


@dataclass(frozen=True)
class Patterns:
    """Names of files as a user writes them.

    Attributes:
        written: With {patient} and others of the fields, the preferred one first.
        kinds: What {kind} says of images and of masks.
        masks: Names of masks, where they are not told by {kind}; a mask is that of all images whose
            {modality} or {region} it does not tell apart.
        label_value: Value of the region's voxels in masks of several, `all` for all of them; empty
            where masks have one.
        cut: Where a name is cut that fits in several ways: a field ends at the first place that
            fits, or at the last one; None refuses such names.
    """

    written: Sequence[str]
    kinds: tuple[str, str] = ("image", "mask")
    masks: Sequence[str] = ()
    label_value: str = ""
    cut: Literal["first", "last"] | None = None


@dataclass(frozen=True)
class FoundImages:
    """The images and masks of a folder whose names fit a pattern.

    Attributes:
        images: Patient, modality, region → image, relative to the folder.
        masks: The same of masks; empty where images are taken whole.
        frames: Image → how many frames it has; those that are missing have one.
        volume: Whether several frames are one volume, else a case each.
        lesions: Image → its cell of lesions; None where nobody knows.
        label_value: As of `Patterns`.
        mixed: Images that have a mask of another pattern alone, though theirs gives masks too.
        paired: Images whose pattern gives no mask, with the mask of another pattern.
        labels: Label by patient, modality, region; empty where the patterns do not tell.
    """

    images: Mapping[Key, str]
    masks: Mapping[Key, str]
    frames: Mapping[Key, int]
    volume: bool
    mixed: Sequence[str]
    paired: Sequence[str] = ()
    labels: Mapping[Key, str] = field(default_factory=dict)
    lesions: Mapping[str, str] | None = None
    label_value: str = ""

    @classmethod
    def of(
        cls,
        folder: Path,
        patterns: Patterns,
        frames: str | None = None,
    ) -> "FoundImages":
        """Look for images and masks; the first pattern that gives a key both is taken.

        Args:
            frames: `cases` or `volume` for files of several frames; None where there are none.
        """
        # masks that patterns of their own find, by what these tell
        drawn_apart: dict[Key, list[str]] = {}
        for _, key, _, path, _ in _fitting(folder, replace(patterns, written=patterns.masks)):
            drawn_apart.setdefault(key, []).append(path)
        files, labels = _find_files(folder, patterns, drawn_apart.values())
        images: dict[Key, str] = {}
        masks: dict[Key, str] = {}
        mixed: list[str] = []
        paired: list[str] = []
        with_masks = {number for _, mask_files in files.values() for number in mask_files}
        for key, (image_files, mask_files) in files.items():
            both = min(image_files.keys() & mask_files.keys(), default=None)
            if image_files:
                images[key] = image_files[min(image_files) if both is None else both]
            if mask_files:
                mask = mask_files[min(mask_files) if both is None else both]
                if (folder / mask).is_dir():  # it stands for the only file in it
                    names = [item.name for item in (folder / mask).iterdir()]
                    inside = [name for name in names if not is_hidden(name)]
                    if len(inside) != 1:
                        raise DataError(
                            f"a folder of {len(inside)} files",
                            where=mask,
                            allowed="one file, the mask",
                            remedy="name the file in --pattern",
                        )
                    mask = f"{mask}/{inside[0]}"
                masks[key] = mask
            if image_files and mask_files and both is None:
                pairs = mixed if min(image_files) in with_masks else paired
                pairs.append(f"{images[key]} with {masks[key]}")
        for key in images.keys() - masks.keys():
            patient, modality, region = key
            coarser = [key, (patient, "", region), (patient, modality, ""), (patient, "", "")]
            if whose := next(filter(drawn_apart.get, coarser), None):
                masks[key] = join_masks(drawn_apart[whose])
        counted = images if frames else {}
        numbers = {
            key: count_frames(read_file(folder / path, path))
            for key, path in counted.items()
            if (folder / path).is_file()  # not a folder of a series
        }
        volume, value = frames == "volume", patterns.label_value
        return cls(images, masks, numbers, volume, mixed, paired, labels, label_value=value)

    def with_masks(self, masks: MaskNames, *, as_regions: bool) -> "FoundImages":
        """Return the images without those that are masks by their names, or with these as masks."""
        mask_files = masks.names
        images = {key: name for key, name in self.images.items() if name not in mask_files}
        drawn = dict(self.masks)
        for key, name in images.items() if as_regions else ():
            if drawn_on := masks.of_image.get(name):
                drawn[key] = join_masks(drawn_on)
        return replace(self, images=images, masks=drawn)

    @property
    def columns(self) -> list[str]:
        """The columns of `rows` that hold anything."""
        several = any(count > 1 for count in self.frames.values())
        filled = {
            "file": True,
            "mask": bool(self.masks) and self.lesions is None,
            "label_value": bool(self.masks and self.label_value) and self.lesions is None,
            "frame": several,
            "modality": any(key[1] for key in self.images),
            "region": any(key[2] for key in self.images),
            "label": bool(self.labels),
            "marks": self.lesions is not None,
            "lesion": self.lesions is not None,
        }
        return [name for name, is_filled in filled.items() if is_filled]

    def rows(self) -> Iterator[tuple[Key, dict[str, str]]]:
        """Yield the cells of each image, or of each of its frames, by key.

        A case is abnormal where any of its modalities has a lesion.
        """
        lesions = self.lesions or {}
        abnormal = {(key[0], key[2]) for key, image in self.images.items() if lesions.get(image)}
        for key in sorted(self.images):
            cells = {"file": self.images[key], "modality": key[1], "region": key[2]}
            cells["mask"] = self.masks.get(key, "")
            cells["label_value"] = self.label_value
            cells["label"] = self.labels.get(key, "")
            cells["marks"] = lesions.get(self.images[key], "")
            cells["lesion"] = "present" if (key[0], key[2]) in abnormal else "absent"
            count = self.frames.get(key, 1)
            numbers = [str(number) for number in range(1, count + 1)] if count > 1 else [""]
            for number in ["all"] if count > 1 and self.volume else numbers:
                yield key, {**cells, "frame": number}


def _fitting(folder: Path, patterns: Patterns) -> Iterator[tuple[int, Key, str, str, str]]:
    """Yield number of the pattern, key, kind, relative path and label of what fits a pattern.

    Raises:
        OptionError: A pattern has no patient, or a field that is not known.
        DataError: A name fits a pattern in two ways, and nothing says which is meant.
    """
    kinds = "|".join(map(_escaped, patterns.kinds))
    content = dict.fromkeys(FIELDS, "[^/]+{0}") | {"kind": kinds}
    for number, pattern in enumerate(patterns.written):
        fields = _FIELD.findall(pattern)
        if set(fields) - set(FIELDS) or "patient" not in fields:
            allowed = f"names with {{patient}} and others of {', '.join(FIELDS[1:])}"
            raise OptionError(f"`{pattern}` was given", where="--pattern", allowed=allowed)
        # a regular expression, in which `{0}` stands for `?` where fields are to be short
        literal, *others = _FIELD.split(pattern)
        expression, earlier_fields = _escaped(literal), set[str]()
        for field_name, literal in zip(others[::2], others[1::2], strict=True):
            if field_name == "any":
                expression += content[field_name]
            elif field_name in earlier_fields:
                expression += f"(?P={field_name})"
            else:
                expression += f"(?P<{field_name}>{content[field_name]})"
            expression += _escaped(literal)
            earlier_fields.add(field_name)
        # names that fit it
        longest = re.compile(expression.format("")).fullmatch
        shortest = re.compile(expression.format("?")).fullmatch
        for path in sorted(folder.glob("/".join(["*"] * (pattern.count("/") + 1)))):
            name = path.relative_to(folder).as_posix()
            last, first = longest(name), shortest(name)
            if last is None or first is None or any(map(is_hidden, name.split("/"))):
                continue
            if patterns.cut is None and last.groupdict() != first.groupdict():
                raise DataError(
                    f"fits `{pattern}` in two ways: {_told(first)}; or {_told(last)}",
                    where=name,
                    allowed="a pattern that fits each name in one way",
                    remedy="say with `--cut first` or `--cut last` which of the two is meant, or "
                    "write more of the names in --pattern",
                )
            match = first if patterns.cut == "first" else last
            parts = {
                part: unicodedata.normalize("NFC", text) for part, text in match.groupdict().items()
            }
            key = (parts["patient"], parts.get("modality", ""), parts.get("region", ""))
            yield number, key, parts.get("kind", patterns.kinds[0]), name, parts.get("label", "")


def _find_files(
    folder: Path, patterns: Patterns, others: Iterable[Sequence[str]]
) -> tuple[dict[Key, Files], dict[Key, str]]:
    """Return images and masks, and labels, of what the patterns tell apart.

    Args:
        others: Files that are neither.

    Raises:
        DataError: Something has two labels, or two files by one pattern.
    """
    apart = {path for paths in others for path in paths}
    files: dict[Key, Files] = {}
    labels: dict[Key, str] = {}
    for number, key, kind, path, label in _fitting(folder, patterns):
        if path in apart:
            continue
        if label and labels.setdefault(key, label) != label:
            both_labels = f"`{label}`, and `{labels[key]}` elsewhere"
            remedy = "name what tells them apart in --pattern, such as {region}"
            raise DataError(both_labels, where=path, remedy=remedy)
        kind_files = files.setdefault(key, ({}, {}))[patterns.kinds.index(kind)]
        if kind_files.setdefault(number, path) != path:
            raise DataError(
                f"a second file of patient `{key[0]}`, beside {kind_files[number]}",
                where=path,
                allowed="one image, and one mask, for what --pattern tells apart",
                remedy="tell them apart by {modality} or {region} in --pattern",
            )
    return files, labels


def propose_pattern(folder: Path, columns: Mapping[str, Sequence[str]]) -> str:
    """Return options by which a table with a row a patient meets its files; empty without any.

    Patterns are made of files whose path has an id of the table, and tried on all files; the one
    that fits most patients is taken.

    Args:
        columns: Column → its cells.
    """
    # images, those with masks first; or folders of DICOM files, which are series
    files = sorted(FolderTree(folder, is_image_file).images(()))
    masks = find_masks(files)
    folders = Counter(PurePosixPath(name).parent.as_posix() for name in files)
    series = {name for name, number in folders.items() if number > 1 and name != "."}
    slices = [name for name in files if name.lower().endswith(".dcm")]
    paths = sorted(series & {PurePosixPath(name).parent.as_posix() for name in slices})
    if not paths:
        paths = sorted({*files} - masks.names, key=lambda name: (name not in masks.of_image, name))
    # the pattern that fits most patients of a column, and of equal ones that which says most
    best, options = (1, 0), ""
    for column, cells in columns.items():
        ids = {*cells}
        if len(ids) < len(cells) or "" in ids:
            continue
        for pattern in _patterns_of_ids(cells[:_TRIED], paths):
            for cut in (None, "first", "last"):
                with suppress(DataError, OptionError):
                    found = FoundImages.of(folder, Patterns([pattern], cut=cut))
                    told = {key[0] for key in found.images}
                    rank = len(told & ids), -pattern.count("{any}")
                    if rank > best:
                        further = f" --cut {cut}" if cut else ""
                        further += "" if told == ids else " --unmatched leave-out"
                        line = shlex.join(["--patient", column, "--pattern", pattern])
                        best, options = rank, line + further
                    break
    return options


def _patterns_of_ids(ids: Iterable[str], paths: Iterable[str]) -> dict[str, None]:
    """Return patterns that fit the paths of the first id that some have, the closest first.

    Names stay as they are but for the id; then other folders may be any, and other words, too.
    """
    for patient in ids:
        word = re.compile(rf"(?<![^\W_]){re.escape(patient)}(?![^\W_])")
        named = [path for path in paths if word.search(path)] if patient else []
        patterns: dict[str, None] = {}
        for path in named[:_TRIED]:
            *folders, name = word.sub("{patient}", path).split("/")
            any_folders = [part if "{patient}" in part else "{any}" for part in folders]
            ending = "".join(re.findall(r"(?:\.nii)?\.[^\W\d_]\w*$", name))
            any_name = "{any}" if "{patient}" in "/".join(folders) else "{patient}_{any}"
            for parts in (
                (*folders, name),
                (*any_folders, name),
                (*any_folders, any_name + ending),
            ):
                patterns["/".join(parts)] = None
        if patterns:
            return patterns
    return {}


def _escaped(text: str) -> str:
    return re.escape(text).replace("{", "{{").replace("}", "}}")


def _told(match: re.Match[str]) -> str:
    return ", ".join(f"{part} `{text}`" for part, text in match.groupdict().items())


def other_images(folder: Path, patterns: Patterns) -> list[str]:
    """Return the image files that fit no pattern, nor lie in a folder that fits one."""
    every = replace(patterns, written=[*patterns.written, *patterns.masks])
    fit = {path for _, _, _, path, _ in _fitting(folder, every)}
    return sorted(
        name
        for name in FolderTree(folder, is_image_file).images(fit)
        if not any(parent.as_posix() in fit for parent in PurePosixPath(name).parents)
    )
