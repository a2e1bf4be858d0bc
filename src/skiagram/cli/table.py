"""`skiagram table` and `skiagram features`: CSV files before a run and after it.

The one is made of the names of a folder's files and a table of labels, the other holds the features
of a run.
"""

import argparse
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING

from skiagram.errors import DataError, OptionError

if TYPE_CHECKING:
    from skiagram.datasets.folder.csv_rows import Row

NAME = "table"
SUMMARY = "make the CSV of a folder from the names of its files and a table of labels"
EXAMPLES = """\
  skiagram table scans labels.csv scans.csv --pattern '{patient}/{modality}_{kind}.nii.gz'
      one row per patient and modality: the file whose {kind} is `image`, the mask whose {kind} is
      `mask`, and the columns of labels.csv for the patient (its column `patient_id`)
  skiagram table scans labels.csv scans.csv --pattern 'nifti/{patient}/{modality}_{kind}.nii.gz' \\
      'dicom/{patient}/{modality}/{kind}'
      several patterns, the first that fits is taken; a folder with DICOM files is a series, and
      one with a single file stands for that file"""

_FIELD = re.compile(r"\{(\w+)\}")
_FIELDS = ("patient", "modality", "region", "kind")
_PATIENT = "patient_id"
Key = tuple[str, str, str]  # patient, modality, region


@dataclass(frozen=True)
class FoundFile:
    """A file or folder whose name fits a pattern.

    Attributes:
        key: Patient, modality and region; empty where the pattern does not tell.
        kind: What the pattern's `{kind}` says; `image` without it.
        path: Relative to the folder.
    """

    key: Key
    kind: str
    path: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="folder of images and masks")
    parser.add_argument(
        "labels", metavar="LABELS", type=Path, help=f"CSV with `{_PATIENT}` and the label"
    )
    parser.add_argument("output", metavar="CSV", type=Path, help="table to write; must be new")
    parser.add_argument(
        "--pattern",
        nargs="+",
        required=True,
        help="names relative to FOLDER, with {patient} and, where there are some, {modality}, "
        "{region} and {kind}",
    )
    parser.add_argument("--image-kind", default="image", help="{kind} of images (default: image)")
    parser.add_argument(
        "--frames",
        choices=("cases", "volume"),
        help="what the frames of a DICOM file, or the pages of a TIFF, are: a case each, or one "
        "volume",
    )
    parser.add_argument("--mask-kind", default="mask", help="{kind} of masks (default: mask)")


def run(arguments: argparse.Namespace) -> int:
    """Write the table and say what it holds and lacks; return 0."""
    from skiagram.datasets.files import read_file, write_files
    from skiagram.datasets.folder.csv_rows import WHERE, read_rows, require_columns

    if arguments.output.exists():
        raise OptionError(
            f"{arguments.output} exists", where="CSV", remedy="name a new file, or remove it"
        )
    if not arguments.folder.is_dir():
        raise DataError(
            "no such folder", where=str(arguments.folder), remedy="give the folder of the images"
        )
    where = str(arguments.labels)
    try:
        labels = read_rows(read_file(arguments.labels, where))
        require_columns(labels, (_PATIENT,))
    except DataError as error:  # there are two tables on this command line
        raise DataError(
            error.found,
            where=error.where.replace(WHERE, where),
            allowed=error.allowed,
            remedy=error.remedy,
        ) from error
    _check_labels(labels, where)
    kinds = (arguments.image_kind, arguments.mask_kind)
    images, masks = (
        find_files(arguments.folder, arguments.pattern, kind, series=kind == kinds[0])
        for kind in kinds
    )
    if not images:
        raise DataError(
            f"no file with the kind `{kinds[0]}` fits",
            where=str(arguments.folder),
            allowed=", ".join(arguments.pattern),
            remedy="correct --pattern or --image-kind",
        )
    frames = frames_of(arguments.folder, images) if arguments.frames else {}
    text, notes = compose_table(labels, images, masks, frames, volume=arguments.frames == "volume")
    if text.count("\n") == 1:
        raise DataError(
            f"no image has a row in {where}" + (" and a mask" if masks else ""),
            where=str(arguments.folder),
            allowed=f"patients as in its column `{_PATIENT}`, such as `{labels[0].cells[_PATIENT]}`"
            f"; the files give `{min(images)[0]}`",
            remedy="correct --pattern or the table of labels",
        )
    others = _other_images(arguments.folder, arguments.pattern)
    if others:
        notes.append(f"Image files that fit no pattern: {len(others)}, first {others[0]}")
    write_files({arguments.output: text.encode()})
    print(f"Wrote {arguments.output}, {text.count(chr(10)) - 1} rows.")
    for note in notes:
        print(note)
    print(f"Next: skiagram check {arguments.folder} {arguments.output} --label COLUMN")
    return 0


def _check_labels(labels: "Sequence[Row]", where: str) -> None:
    """Refuse a table with two rows of a patient."""
    lines: dict[str, list[int]] = {}
    for row in labels:
        lines.setdefault(row.cells[_PATIENT], []).append(row.line)
    for patient, of_patient in lines.items():
        if len(of_patient) > 1:
            raise DataError(
                f"{len(of_patient)} rows of patient `{patient}`, in lines "
                f"{', '.join(map(str, of_patient))}",
                where=where,
                allowed="one row per patient",
                remedy="keep the row with the right label",
            )


def find_files(
    folder: Path, patterns: Sequence[str], kind: str, *, series: bool
) -> dict[Key, FoundFile]:
    """Return the files of one kind; the first pattern that fits a key is taken.

    Args:
        folder: Where to look; hidden names are left out.
        patterns: Names with fields.
        kind: Images or masks, as `{kind}` calls them.
        series: Whether a folder stands for all of its files, else for the only one in it.

    Raises:
        OptionError: A pattern cannot be used.
        DataError: A folder stands for a mask and holds several files.
    """
    files: dict[Key, FoundFile] = {}
    for pattern in patterns:
        for file in _fitting(folder, pattern):
            if file.kind == kind and file.key not in files:
                files[file.key] = file if series else _only_file(folder, file)
    return files


def compose_table(
    labels: "Sequence[Row]",
    images: dict[Key, FoundFile],
    masks: dict[Key, FoundFile],
    frames: Mapping[Key, int] = MappingProxyType({}),
    *,
    volume: bool = False,
) -> tuple[str, list[str]]:
    """Return the table as CSV, and sentences on what is missing.

    Args:
        labels: Table of patients.
        images: Patient, modality, region → image.
        masks: The same of masks; none where images are taken whole.
        frames: How many frames an image has; those of several get a column `frame`.
        volume: Whether these are one volume, else a case each.
    """
    by_patient = {row.cells[_PATIENT]: row.cells for row in labels}
    others = [name for name in labels[0].cells if name != _PATIENT]
    keyed = [
        name for part, name in enumerate(("modality", "region"), 1) if any(k[part] for k in images)
    ]
    numbered = ["frame"] if any(count > 1 for count in frames.values()) else []
    written = ["file", *(["mask"] if masks else []), *numbered, *keyed]
    taken = [name for name in written if name in others]
    if taken:
        raise DataError(
            f"a column `{taken[0]}`, which the names of the files tell",
            where="the table of labels",
            allowed=f"`{_PATIENT}`, the label and what else is known of a patient",
            remedy="rename the column, or remove it",
        )
    columns = [*written, _PATIENT, *others]
    text, notes = StringIO(newline=""), []
    writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for key in sorted(images):
        cells = by_patient.get(key[0])
        if cells is None:
            notes.append(f"Left out, no label: {images[key].path}")
        elif masks and key not in masks:
            notes.append(f"Left out, no mask: {images[key].path}")
        else:
            told = {"file": images[key].path, "modality": key[1], "region": key[2]}
            told["mask"] = masks[key].path if masks else ""
            numbers = frame_cells(frames.get(key, 1), volume=volume)
            writer.writerows({**told, "frame": number, **cells} for number in numbers)
    seen = {key[0] for key in images}
    notes += [f"No image of patient {name}" for name in by_patient if name not in seen]
    return text.getvalue(), notes


def frame_cells(count: int, *, volume: bool) -> list[str]:
    """Return the cells of the column `frame` for an image, one a row.

    Args:
        count: How many frames it has.
        volume: Whether several are one volume, else a case each.
    """
    if count == 1:
        return [""]
    return ["all"] if volume else [str(number) for number in range(1, count + 1)]


def frames_of(folder: Path, images: Mapping[Key, FoundFile]) -> dict[Key, int]:
    """Return how many frames each image has; 1 for a folder of a series.

    Args:
        folder: Where the images are.
        images: Patient, modality, region → image.
    """
    from skiagram.datasets.files import read_file
    from skiagram.datasets.image_files import count_frames

    files = {key: folder / file.path for key, file in images.items()}
    return {
        key: count_frames(read_file(path, str(path))) if path.is_file() else 1
        for key, path in files.items()
    }


def _fitting(folder: Path, pattern: str) -> Iterator[FoundFile]:
    named = _FIELD.findall(pattern)
    unknown = sorted(set(named) - set(_FIELDS))
    if unknown or "patient" not in named:
        raise OptionError(
            f"`{pattern}` was given",
            where="--pattern",
            allowed=f"names with {{patient}} and others of {', '.join(_FIELDS[1:])}",
        )
    pieces = _FIELD.split(pattern)
    written, seen = "", set()
    for number, piece in enumerate(pieces):
        if number % 2 == 0:
            written += re.escape(piece)
        else:
            written += f"(?P={piece})" if piece in seen else f"(?P<{piece}>[^/]+)"
            seen.add(piece)
    fits, depth = re.compile(written).fullmatch, pattern.count("/") + 1
    for path in sorted(folder.glob("/".join(["*"] * depth))):
        name = path.relative_to(folder).as_posix()
        match = fits(name)
        if match is not None and not any(part.startswith(".") for part in Path(name).parts):
            fields = match.groupdict()
            key = (fields["patient"], fields.get("modality", ""), fields.get("region", ""))
            yield FoundFile(key, fields.get("kind", "image"), name)


def _other_images(folder: Path, patterns: Sequence[str]) -> list[str]:
    """Return the image files that fit no pattern, nor lie in a folder that fits one."""
    from skiagram.datasets.file_trees import FolderTree
    from skiagram.datasets.volumes.case_images import is_image_file

    fit = {file.path for pattern in patterns for file in _fitting(folder, pattern)}
    return sorted(
        name
        for name in FolderTree(folder, is_image_file).images(fit)
        if not any(parent.as_posix() in fit for parent in PurePosixPath(name).parents)
    )


def _only_file(folder: Path, file: FoundFile) -> FoundFile:
    path = folder / file.path
    if not path.is_dir():
        return file
    inside = sorted(item.name for item in path.iterdir() if not item.name.startswith("."))
    if len(inside) != 1:
        raise DataError(
            f"a folder of {len(inside)} files",
            where=file.path,
            allowed="one file, the mask",
            remedy="name the file in --pattern",
        )
    return FoundFile(file.key, file.kind, f"{file.path}/{inside[0]}")


class Features:
    """The command that writes the features of a run."""

    NAME = "features"
    SUMMARY = "write the features of the last run as CSV, also under PyRadiomics' names"
    EXAMPLES = """\
  skiagram features features.csv
      one row per case, a column per feature, under the names of docs/reference/features.md
  skiagram features features.csv --names pyradiomics
      only what PyRadiomics has too, for example original_glcm_JointEnergy; kurtosis is raised by 3
      as there. Bins of a width begin elsewhere, so that values of texture may differ"""

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments."""
        parser.add_argument("output", metavar="CSV", type=Path, help="table to write; must be new")
        parser.add_argument(
            "--names", choices=("own", "pyradiomics"), default="own", help="names of the columns"
        )

    @staticmethod
    def run(arguments: argparse.Namespace) -> int:
        """Write the table; return 0."""
        from skiagram.datasets.files import write_files
        from skiagram.features.family import families_of_images
        from skiagram.features.pyradiomics import pyradiomics_table
        from skiagram.features.table import FeatureTable
        from skiagram.options import build
        from skiagram.preparation import PREPARATION, Preparation
        from skiagram.records import read_record, read_table

        if arguments.output.exists():
            raise OptionError(
                f"{arguments.output} exists", where="CSV", remedy="name a new file, or remove it"
            )
        features, preparation = Path("data/features.parquet"), Path("data/preparation")
        if not features.is_file():
            raise DataError(
                "no features",
                where=str(features),
                remedy="stand in the project's folder and run `dvc repro extract` first",
            )
        described = read_table(features)
        if arguments.names == "pyradiomics":
            recorded = read_record(Preparation, preparation / PREPARATION)
            families = [build(options, "features") for options in recorded.features]
            definitions = [
                definition
                for family in families_of_images(families)
                for definition in family.definitions()
            ]
            table = FeatureTable.read(features)
            described = pyradiomics_table(table, definitions, recorded.modalities)
            if described.shape[1] == 1:
                raise DataError(
                    "no feature that PyRadiomics has",
                    where=str(features),
                    remedy="extract families such as first_order, morphology, glcm",
                )
        text = described.to_csv(index=False, float_format="%.9g", lineterminator="\n")
        write_files({arguments.output: text.encode()})
        print(
            f"Wrote {arguments.output}: {len(described)} cases, {described.shape[1] - 1} features."
        )
        return 0


FEATURES = Features()
