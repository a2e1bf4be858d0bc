"""What a line says of files and columns: each option once, with what it takes.

The commands declare their options from here and `file_options.yaml`, which has the words of their
help; a call from Python takes them by the same names.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from skiagram.datasets.choices import CopyChoice, MaskChoice, SimilarPatients, Unlisted
from skiagram.datasets.folder.roles import ROLES, NamedColumns, Role
from skiagram.declared import read_declared
from skiagram.errors import refusal
from skiagram.readers.formats import FORMATS

if TYPE_CHECKING:
    from skiagram.readers.case_images import CaseReading
    from skiagram.readers.file_trees import FileTree

_OF_FILES = FORMATS["endings"]
# Tables of other programs are taken for such, and their reader says how each becomes CSV.
_TABLES = (*_OF_FILES["tables"], *_OF_FILES["tables_of_others"])
_ENDINGS = (".tar.age", *_TABLES)  # of one file in place of a folder
_NAME = re.compile(r"[a-z][a-z0-9_]*")
FILES, TASK, NAMES = "files", "task", "names of files, with --pattern"  # groups of options
FEATURES = "table of features, in place of FOLDER"


# option → what the help says; those that name columns are roles
OPTIONS = ROLES | {
    name: Role(**row) for name, row in read_declared("skiagram.intake", "file_options.yaml").items()
}


@dataclass(frozen=True)
class FileOptions(NamedColumns):
    """Options of the command line by their names there; `skiagram run --help-all` shows them.

    Those that name columns are roles.

    Attributes:
        folder: Folder of images, an encrypted archive or a table of features.
        csv: Table of the images; with a pattern, labels by patients.
        outcome: Options of what is predicted where it is no class, by name; None for nothing.
        cohort: Whether finished models score the files: nothing is split, and no marks or scores of
            readers are read.
    """

    folder: Path
    csv: Path | None = None
    outcome: Mapping[str, Any] = field(default_factory=dict)
    cohort: bool = False
    name: str | None = None
    ignore_unlisted: bool = False
    unmatched: Literal["refuse", "leave-out"] = "refuse"
    most_pixels: int = 2**26
    gray: Literal["all", "refuse"] | None = None
    unstated_spacing: Sequence[float] | None = None
    copies: CopyChoice | None = None
    empty_label: str | None = None
    columns: Sequence[str] | None = None
    missing: Sequence[str] = ()
    similar_patients: SimilarPatients = "refuse"
    images: Sequence[str] = ()
    masks: MaskChoice | None = None
    mask_grid: Literal["same", "resample"] = "same"
    classes: Sequence[str] = ()
    test_sites: Sequence[str] = ()
    positive: str | None = None
    sealed_labels: Path | None = None
    pattern: Sequence[str] | None = None
    cut: Literal["first", "last"] | None = None
    mark_class: Sequence[str] = ()
    similar_marks: bool = False
    mask_pattern: Sequence[str] = ()
    join: Sequence[Path] = ()
    not_features: Sequence[str] = ()
    force_features: Sequence[str] = ()

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
    def paths(self) -> list[Path]:
        """The files and folders that are read."""
        marks = Path(self.marks) if self.pattern and self.marks else None
        named = (self.folder, self.csv, *self.join, self.sealed_labels, marks)
        return [path for path in named if path is not None]

    @property
    def is_table(self) -> bool:
        """Whether the folder is a table of features, by its name; gzip may have packed it."""
        return self.folder.name.lower().endswith(_TABLES) and self.folder.is_file()

    @property
    def label_name(self) -> str:
        """The column of labels, as the line names it or as it is usually called."""
        return self.label or ROLES["label"].usual[0]

    @property
    def reading(self) -> "CaseReading":
        """What is said of files that can be read in several ways."""
        from skiagram.readers.case_images import read_as_stated  # takes a while to import

        return read_as_stated(self.unstated_spacing, self.mask_grid)

    @cached_property
    def tree(self) -> "FileTree":
        """The files of the folder or archive."""
        from skiagram.readers.case_images import is_image_file  # takes a while to import
        from skiagram.sealing.archive import open_tree

        return open_tree(self.folder, str(self.folder), is_image_file)

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
            raise refusal("intake.short_name", name=name)
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
