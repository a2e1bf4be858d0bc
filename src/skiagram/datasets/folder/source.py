"""Image files of one's own, listed in a manifest that `skiagram init` writes."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass as record
from dataclasses import field, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.compute.checkout import ask_git, find_in_project, home
from skiagram.datasets.choices import Unlisted
from skiagram.datasets.contract import Mark, tabulate_entries
from skiagram.datasets.folder.columns import Columns, require_columns
from skiagram.datasets.folder.keyed_names import find_keyed_files
from skiagram.datasets.folder.lesions import parse_lesions
from skiagram.datasets.folder.mask_names import find_masks
from skiagram.datasets.folder.patients import settle_patients
from skiagram.datasets.folder.table import (
    ListedCases,
    list_entries,
    normalise_name,
    split_masks,
    split_modalities,
)
from skiagram.datasets.listed import ListedDataSet
from skiagram.errors import DataError, named, refusal
from skiagram.readers.case_images import (
    CaseReading,
    ImageReference,
    checksum_of_series,
    decode_case,
    is_image_file,
    read_case_files,
    read_volume,
)
from skiagram.readers.dicom_codecs import MAX_PIXELS
from skiagram.readers.file_trees import FileTree
from skiagram.readers.files import read_file, unlike
from skiagram.readers.grid import MaskGrid
from skiagram.readers.spaced_image import SpacedImage
from skiagram.sealing.archive import open_tree
from skiagram.sealing.labels import EncryptedLabels, token_of
from skiagram.strict import STRICT, OneOrMore
from skiagram.tables.frames import read_table
from skiagram.tasks.cases import SEALED, DataCard

_PART_BYTES = 2**20  # of files, packed or not: some tens of milliseconds of work
_PART_IMAGES = 64
Distance = Annotated[float, Field(gt=0, le=1000)]


@dataclass(**STRICT)
class Folder(ListedDataSet):
    """Image files and the table that lists them.

    Attributes:
        folder: Folder, or archive encrypted with age (`.tar.age`), from SKIAGRAM_DATA on.
        manifest: The table with a checksum a file; a relative path starts at the project.
        manifest_sha256: Checksum of the manifest, so that a changed one is noticed.
        channels: 1 for gray images, 3 for colour; never both in one data set.
        gray: Whether colour images are turned gray (luma of ITU-R BT.601) and transparent pixels
            laid on black; else they are refused among gray ones.
        unlisted: What to do with image files that no row names: `refuse`, `ignore`, or
            `ignore_masks`, those that are masks by their names.
        source: Where the images are from, for the report.
        modalities: Images that are read, several per case; the first is audited and shown.
        mask_grid: A mask on other voxels than its image's: `same` refuses, `resample` moves it.
        most_pixels: Rows times columns that an image may have: a small file can hold a huge one.
        unstated_spacing: Distance of slices, rows and columns (of plane images rows and columns) in
            mm where a file says none; null refuses volumes that say none.
        sealed_labels: Labels of test cases, encrypted; null where the manifest holds them.
        sealed_labels_sha256: Checksum of that file.
    """

    folder: str
    manifest: str
    manifest_sha256: str
    channels: Literal[1, 3]
    unlisted: Unlisted
    source: str
    modalities: tuple[str, ...] = ()
    mask_grid: MaskGrid = "same"
    most_pixels: OneOrMore = MAX_PIXELS
    gray: bool = False
    unstated_spacing: Annotated[tuple[Distance, ...], Field(min_length=2, max_length=3)] | None = (
        None
    )
    sealed_labels: str | None = None
    sealed_labels_sha256: str | None = None

    @property
    def origin(self) -> str:
        return self.source

    @property
    def reading(self) -> CaseReading:
        return CaseReading(self.mask_grid, self.most_pixels, self.unstated_spacing, self.gray)

    def card(self) -> DataCard:
        card = super().card()
        if self.unstated_spacing is None:
            return card
        stated = " × ".join(f"{distance:g}" for distance in self.unstated_spacing)
        issue = f"Where a file says no distance of pixels, {stated} mm was stated by the user."
        return replace(card, known_issues=(*card.known_issues, issue))

    def changed_files(
        self, root: Path | None, earlier_checksums: MutableMapping[str, str]
    ) -> dict[str, str]:
        place = (root or Path()) / self.folder
        checksums = {self.manifest: self.manifest_sha256}
        if self.sealed_labels is not None:
            checksums[self.sealed_labels] = self.sealed_labels_sha256 or ""
        paths = {name: find_in_project(name) for name in checksums}
        changed = {
            name: unlike(paths[name], sha256, earlier_checksums)
            for name, sha256 in checksums.items()
        }
        if place.is_file():  # an encrypted archive is one file, which no option tells
            changed[self.folder] = unlike(place, None, earlier_checksums)
        elif place.is_dir() and paths[self.manifest].is_file() and not any(changed.values()):
            try:
                opened = self.open(root)
                kinds = opened.kinds().values()
                references = [each for kind in kinds for each in kind.references]
                for name in dict.fromkeys(name for each in references for name in each.files):
                    if name.endswith(".mhd"):  # the voxels are in another file
                        found = read_case_files(opened.files, ImageReference(name)).checksums[name]
                    elif (parts := opened.files.series(name)) is not None:
                        found = checksum_of_series(
                            {
                                part: unlike(place / name / part, None, earlier_checksums)
                                for part in parts
                            }
                        )
                    else:
                        found = unlike(place / name, None, earlier_checksums)
                    if found != opened.checksums[name]:
                        changed[name] = found or "missing"
            except DataError as error:  # such as an image without a row; ingest says it
                changed[self.folder] = hashlib.sha256(str(error).encode()).hexdigest()
        return {name: digest for name, digest in changed.items() if digest}

    def open(self, root: Path | None) -> "FolderFiles":
        place = f"dataset.folder: {self.folder}"
        tree = open_tree((root or Path()) / self.folder, place, is_image_file)
        content = _read_unchanged(self.manifest, self.manifest_sha256)
        sealed = None
        if self.sealed_labels is not None:
            sealed = _read_unchanged(self.sealed_labels, self.sealed_labels_sha256)
        kinds = checksum_columns(self.columns)
        frame = read_table(content, kinds)
        require_columns(frame, (*kinds, *kinds.values()))
        frame = find_keyed_files(frame, kinds, tree)
        if self.columns.patient in frame:
            frame = settle_patients(frame, self.columns.patient, self.similar_patients)
        names = map(normalise_name, frame[self.columns.image_file])
        checksums = dict(zip(names, frame["sha256"], strict=True))
        if self.columns.mask is not None:
            cells = zip(frame[self.columns.mask], frame["mask_sha256"], strict=True)
            for masks, sums in cells:
                checksums |= zip(split_masks(masks), split_masks(sums), strict=True)
        opened = self.open_rows(tree, frame, checksums, sealed)
        for problem in opened.problems:
            raise problem
        return opened

    def open_rows(
        self,
        tree: FileTree,
        frame: pd.DataFrame,
        checksums: Mapping[str, str],
        sealed: bytes | None = None,
    ) -> "FolderFiles":
        """Return the images that a table lists, with the problems of its rows.

        Args:
            checksums: File name → SHA-256.
            sealed: Labels of test cases, encrypted; None where the table holds them.
        """
        problems: list[DataError] = []
        # image files that no row names, unless they are ignored
        names = [] if self.unlisted == "ignore" else list_unlisted_images(tree, checksums)
        with_masks = self.unlisted == "ignore_masks"
        ignored = find_masks([*checksums, *names]).names if with_masks else set()
        unlisted = [
            refusal("datasets.unlisted_image", name) for name in names if name not in ignored
        ]
        # the cases of each modality
        by_modality: dict[str, FolderFiles] = {}
        parts = split_modalities(frame, self.columns, self.modalities)
        for modality, part in parts.items():
            listing = list_entries(
                part,
                self.columns,
                self.classes,
                self.test_sites,
                sealed=sealed is not None,
            )
            problems += listing.problems
            problems += [] if by_modality else unlisted
            # some images of the negative class have lesions, and others none
            marked = np.array([bool(parse_lesions(cell)) for cell in listing.lesions], np.bool_)
            if self.positive_class is not None and not marked.all():
                negative = 1 - self.classes.index(self.positive_class)
                is_negative = listing.entries["label"] == negative
                for name in listing.entries["name"][is_negative & marked].iloc[:1]:
                    problems.append(
                        refusal(
                            "datasets.lesions_of_negatives",
                            name,
                            n_images=(is_negative & marked).sum(),
                            n_negatives=is_negative.sum(),
                            label=self.classes[negative],
                        )
                    )
            by_modality[modality] = FolderFiles(
                **vars(listing),
                files=tree,
                checksums=checksums,
                source=self,
                in_gray=self.gray,
                in_order=tree.in_order,
                sealed=sealed,
            )
        first, *others = by_modality.values()
        return replace(first, further=by_modality if others else {}, problems=problems)


def checksum_columns(columns: Columns) -> dict[str, str]:
    """Return column of file names → column of their checksums."""
    sums = ((columns.file, "sha256"), (columns.mask, "mask_sha256"))
    return {column: name for column, name in sums if column is not None}


def _read_unchanged(name: str, sha256: str | None) -> bytes:
    path = find_in_project(name)
    # An experiment's folder has what git has and what it leaves out on purpose.
    asked = ("status", "--porcelain", "--", name)
    if os.environ.get("DVC_EXP_NAME") and ask_git(home(Path()), *asked).startswith("??"):
        raise refusal("datasets.not_in_git", name, name=name)
    content = read_file(path, name)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise refusal("datasets.changed_file", name)
    return content


@record(frozen=True, kw_only=True)
class FolderFiles(ListedCases):
    """An opened folder.

    Attributes:
        checksums: File name → SHA-256.
        sealed: Encrypted labels of test cases; None where the table has them.
        further: Modality → its images of the same cases, these first; empty for one image a case.
    """

    files: FileTree
    checksums: Mapping[str, str]
    source: Folder
    in_gray: bool
    in_order: bool
    sealed: bytes | None = None
    further: Mapping[str, "FolderFiles"] = field(default_factory=dict)

    def encrypted_labels(self) -> EncryptedLabels | None:
        if self.sealed is None:
            return None
        tokens = [
            token_of(self.checksums[reference.file], reference.chosen)
            for reference in self.references
        ]
        return EncryptedLabels(self.sealed, tokens)

    def kinds(self) -> Mapping[str, "FolderFiles"]:
        return self.further or {"": self}

    def image(self, position: int) -> SpacedImage:
        """Read and verify one image."""
        reference = self.references[position]
        files = read_case_files(self.files, reference)
        for name, checksum in files.checksums.items():
            if checksum != self.checksums[name]:
                raise refusal("datasets.changed_image", name)
        image = decode_case(files, reference, self.source.reading)
        if self.source.channels == 3:  # gray is a colour too
            return image.in_colour()
        if image.pixels.ndim == 3:
            raise refusal("datasets.colour_image", reference.name, kind=ColourImage)
        return image

    def marks(self, position: int) -> tuple[Mark, ...]:
        """Return the lesions that the table gives an image; the file is read for those in space."""
        cell = self.lesions[position] if self.lesions else ""
        reference = self.references[position]
        lesions = parse_lesions(cell)
        grid = None
        if any(len(lesion.centre) == 3 for lesion in lesions):
            files = read_case_files(self.files, reference)
            spacing = self.source.unstated_spacing
            volume = read_volume(files.image, reference.file, spacing, reference.frame)
            grid = None if volume is None else volume.grid
        with named(reference.name):
            return tuple(lesion.mark(grid) for lesion in lesions)

    def content_key(self, position: int) -> bytes:
        """Return a digest of the checksums of an image's files and of what is chosen in them.

        Names of files play no part.
        """
        reference = self.references[position]
        content = [self.checksums[name] for name in reference.files]
        return hashlib.sha256(repr((content, reference.chosen)).encode()).digest()

    def parts(self, positions: Sequence[int]) -> "Iterator[FolderFiles]":
        """Cut some images into parts, each with its own references and checksums alone."""
        references = [self.references[position] for position in positions]
        self.files.announce([name for reference in references for name in reference.files])
        part: list[ImageReference] = []
        held = 0
        for reference in references:
            size = sum(self.files.size(name) for name in reference.files)
            if part and (held + size > _PART_BYTES or len(part) == _PART_IMAGES):
                yield self._part(part)
                part, held = [], 0
            part.append(reference)
            held += size
        if part:
            yield self._part(part)

    def _part(self, references: list[ImageReference]) -> "FolderFiles":
        names = [name for reference in references for name in reference.files]
        entries = tabulate_entries([each.name for each in references], None, SEALED, None)
        return replace(
            self,
            entries=entries,
            known={},
            references=references,
            lesions=[],
            checksums={name: self.checksums[name] for name in names},
            sealed=None,
            further={},
            problems=(),
        )


class ColourImage(DataError):
    """An image in colour among gray ones."""


def list_unlisted_images(files: FileTree, names: Iterable[str]) -> list[str]:
    """Return the image files that no row names, in order; only such files are looked into."""
    named_files = {normalise_name(name) for name in names if name}
    series = tuple(f"{name}/" for name in named_files)
    return [name for name in sorted(files.images(named_files)) if not name.startswith(series)]
