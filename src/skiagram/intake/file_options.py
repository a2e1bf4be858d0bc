"""What a line says of files and columns: each option once, with its help and what it takes.

The commands declare their options from here, and a call from Python takes them by the same names.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from skiagram.datasets.choices import CopyChoice, MaskChoice, SimilarPatients, Unlisted
from skiagram.datasets.folder.roles import COLUMNS, REGIONS, ROLES, NamedColumns
from skiagram.errors import OptionError, refusal

if TYPE_CHECKING:
    from skiagram.readers.case_images import CaseReading

ARRAYS = ".npz"
_TABLES = (".csv", ".tsv", ".txt")
# of one file in place of a folder
_ENDINGS = (".tar.age", ARRAYS, *(table + packed for table in _TABLES for packed in ("", ".gz")))
_NAME = re.compile(r"[a-z][a-z0-9_]*")
FILES, TASK, NAMES = "files", "task", "names of files, with --pattern"  # groups of options
FEATURES = "table of features, in place of FOLDER"


class Declared(NamedTuple):
    """How an option of the command line is declared; the type of its field says what it takes.

    Attributes:
        words: Of its help.
        group: Under which title the help has it.
        taken: What argparse takes besides.
        of_cohort: Whether it has a say where finished models score a table.
    """

    words: str
    group: str
    taken: Mapping[str, Any]
    of_cohort: bool


def _option(
    words: str, group: str, default: Any = None, *, of_cohort: bool = True, **taken: Any
) -> Any:
    declared = Declared(words, group, taken, of_cohort)
    return field(default=default, metadata={"option": declared})


@dataclass(frozen=True)
class FileOptions(NamedColumns):
    """Options of the command line by their names there; `skiagram run --help-all` shows them.

    Those that name columns are roles, each declared there.

    Attributes:
        folder: Folder of images, an encrypted archive, a file of arrays or a table of features.
        csv: Table of the images; with a pattern, labels by patients.
        outcome: Options of what is predicted where it is no class, by name; None for nothing.
        cohort: Whether finished models score the files: nothing is split, and no marks or scores of
            readers are read.
    """

    folder: Path
    csv: Path | None = None
    outcome: Mapping[str, Any] = field(default_factory=dict)
    cohort: bool = False
    name: str | None = _option("short name of the data set (default: name of the folder)", FILES)
    ignore_unlisted: bool = _option(
        "ignore image files that have no row in the CSV", FILES, default=False
    )
    unmatched: Literal["refuse", "leave-out"] = _option(
        "patients or images that only one of two tables has, or the table and not the folder, are "
        "refused, or left out (default: refuse)",
        FILES,
        "refuse",
    )
    most_pixels: int = _option(
        "rows times columns that an image may have (default: 67108864, as 8192 x 8192)",
        FILES,
        2**26,
        metavar="N",
    )
    gray: Literal["all", "refuse"] | None = _option(
        "turn colour images gray (luma of ITU-R BT.601), transparent pixels on black: all of them, "
        "or none, which refuses them among gray images (default: a few among gray images)",
        FILES,
        nargs="?",
        const="all",
    )
    unstated_spacing: Sequence[float] | None = _option(
        "distance of slices, rows and columns in mm, of images whose file says none",
        FILES,
        metavar="MM",
    )
    copies: CopyChoice | None = _option(
        "copies on both sides of the split, or of different patients: stop the run, leave all but "
        "one out (of those in the test set the test image stays), move the test copies into "
        "training, or make one patient of those who share an image (default: refuse)",
        FILES,
        of_cohort=False,
    )
    empty_label: str | None = _option(
        "rows without a label: leave them out, or the class that they are of",
        COLUMNS,
        metavar="leave-out|CLASS",
    )
    columns: Sequence[str] | None = _option(
        "names of all columns, in order, of a table without a header", COLUMNS, metavar="COLUMN"
    )
    missing: Sequence[str] = _option(
        "cells that stand for an empty one, for example `NA` or -9999, which is also -9999.0",
        COLUMNS,
        (),
        metavar="CELL",
    )
    similar_patients: SimilarPatients = _option(
        "ids of patients that differ in case, zeros, blanks or hyphens alone are refused, the same "
        "patient, or different ones (default: refuse)",
        COLUMNS,
        "refuse",
    )
    images: Sequence[str] = _option(
        "which modalities to read; several are several images per case",
        REGIONS,
        (),
        metavar="MODALITY",
    )
    masks: MaskChoice | None = _option(
        "files that are masks of others by their names, such as `a_mask.png` of `a.png`: the "
        "images' regions, left out, or images after all (default: refuse)",
        REGIONS,
    )
    mask_grid: Literal["same", "resample"] = _option(
        "a mask on other voxels than its image's: refuse it, or resample it (default: same)",
        REGIONS,
        "same",
    )
    classes: Sequence[str] = _option(
        "class names in label order; others are left out (default: all, sorted)", TASK, ()
    )
    test_sites: Sequence[str] = _option(
        "sites of the test set; the other sites are for training", TASK, (), of_cohort=False
    )
    positive: str | None = _option(  # a shell may leave a carriage return behind it
        "the positive class, where there are two classes", TASK, of_cohort=False, type=str.strip
    )
    sealed_labels: Path | None = _option(
        "labels of test cases as `skiagram seal` encrypted them, none of them in the CSV",
        TASK,
        of_cohort=False,
        metavar="FILE",
    )
    pattern: Sequence[str] | None = _option(
        "names relative to FOLDER, with {patient} or {label} and, where there are some, "
        "{modality}, {region}, {kind} and {split}; {any} stands for parts without a meaning",
        NAMES,
    )
    cut: Literal["first", "last"] | None = _option(
        "where a name fits --pattern in several ways: each field ends at the first place that "
        "fits, or at the last (default: refuse)",
        NAMES,
    )
    image_kind: str = _option("{kind} of images (default: image)", NAMES, "image")
    mask_kind: str = _option("{kind} of masks (default: mask)", NAMES, "mask")
    frames: Literal["cases", "volume"] | None = _option(
        "whether frames of a DICOM file, or pages of a TIFF, are a case each or one volume",
        NAMES,
    )
    mark_class: Sequence[str] = _option(
        "classes of lesions in --marks that count, COLUMN=CLASS for those of a further column; "
        "`all` for every one",
        NAMES,
        (),
        metavar="CLASS",
    )
    similar_marks: Literal["join", "apart"] | None = _option(
        "lesions of --marks that nearly coincide, as of several readers: one, or several",
        NAMES,
    )
    mark_unit: Literal["pixels", "shares"] = _option(
        "unit of boxes in a CSV of --marks: pixels, or shares of the image's sides",
        NAMES,
        "pixels",
    )
    mask_pattern: Sequence[str] = _option(
        "names of masks that --pattern does not tell by {kind}; a mask is that of all images whose "
        "{modality} or {region} it does not tell",
        NAMES,
        (),
        metavar="PATTERN",
    )
    join: Sequence[Path] = _option(
        "further tables, joined by patients, such as one of clinical columns",
        COLUMNS,
        (),
        metavar="CSV",
    )
    per_patient: Literal["rows", "combined"] | None = _option(
        "several rows of a patient, such as lesions: each row a case, or one case of them all "
        "(default: one case where they have one outcome that is no class)",
        FEATURES,
    )
    not_features: Sequence[str] = _option(
        "columns of numbers that are no features; `'clinical_*'` names several (default: none)",
        FEATURES,
        (),
        of_cohort=False,
        metavar="COLUMN",
    )
    force_features: Sequence[str] = _option(
        "columns that are features although they look like a number of the row, an outcome or a "
        "copy of the label",
        FEATURES,
        (),
        of_cohort=False,
        metavar="COLUMN",
    )

    def resolved(self) -> "FileOptions":
        """Return the same options with whole paths, which hold in every folder."""
        marks = self.marks
        if self.pattern and marks is not None and marks != "masks":
            marks = str(Path(marks).resolve())
        return replace(
            self,
            folder=self.folder.resolve(),
            csv=self.csv and self.csv.resolve(),
            sealed_labels=self.sealed_labels and self.sealed_labels.resolve(),
            join=[path.resolve() for path in self.join],
            marks=marks,
        )

    @property
    def is_table(self) -> bool:
        """Whether the folder is a table of features, by its name; gzip may have packed it."""
        folder = self.folder
        plain = folder.with_suffix("") if folder.suffix.lower() == ".gz" else folder
        return plain.suffix.lower() in _TABLES and folder.is_file()

    @property
    def is_arrays(self) -> bool:
        """Whether the folder is a file of arrays, as MedMNIST's, by its name."""
        return self.folder.suffix == ARRAYS

    @property
    def label_name(self) -> str:
        """The column of labels, as the line names it or as it is usually called."""
        return self.label or ROLES["label"].usual[0]

    @property
    def reading(self) -> "CaseReading":
        """What is said of files that can be read in several ways."""
        from skiagram.readers.case_images import read_as_stated  # takes a while to import

        return read_as_stated(self.unstated_spacing, self.mask_grid)

    @property
    def unlisted(self) -> Unlisted:
        """What becomes of image files that no row names."""
        if self.ignore_unlisted or self.images or self.empty_label == "leave-out":
            return "ignore"
        return "ignore_masks" if self.masks in ("regions", "leave-out") else "refuse"

    @property
    def short_name(self) -> str:
        """The short name of the data set, as the line gives it or made of the folder's.

        Raises:
            OptionError: It is no such name.
        """
        plain = unicodedata.normalize("NFKD", self._stem.casefold())
        letters = "".join(each for each in plain if not unicodedata.combining(each))
        name = re.sub(r"[^a-z0-9]+", "_", letters).strip("_")
        name = self.name or (name if name[:1].isalpha() else f"images_{name}".rstrip("_"))
        if not _NAME.fullmatch(name):
            raise refusal("intake.short_name", kind=OptionError, name=name)
        return name

    @property
    def title(self) -> str:
        """The name of the data set for people: as its folder is called."""
        title = self.name or unicodedata.normalize("NFC", self._stem)
        return re.sub(r"[\s_]+", " ", title).strip()

    @property
    def _stem(self) -> str:
        name = self.folder.resolve().name
        ending = next((end for end in _ENDINGS if name.endswith(end)), "")
        return name.removesuffix(ending)
