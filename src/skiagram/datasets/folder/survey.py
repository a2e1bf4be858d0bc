"""What ingest and audit would say of a folder, all at once and before anything runs.

Every file is read once, on all cores: what it is, or why it cannot be used. Whatever else tells the
label of a file (its place, name, format, further columns) is collected for the audit's probes.
"""

import re
import shlex
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import compress
from multiprocessing import Lock
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata
from threadpoolctl import threadpool_limits

from skiagram.audit.composition import count_levels, describe_region
from skiagram.audit.contract import (
    PAIR,
    Appearance,
    Evidence,
    Finding,
    ProbedTraits,
    unite_appearances,
)
from skiagram.audit.run import CHECKS, AuditReport
from skiagram.audit.shortcuts import MIN_PATIENTS
from skiagram.audit.traits import image_traits, probed_traits, sample_cases
from skiagram.compute.progress import Progress
from skiagram.compute.workers import ALL_PROCESSORS
from skiagram.datasets.burnt_in_text import Box, find_text
from skiagram.datasets.checks import check_entries, check_image, check_mark
from skiagram.datasets.contract import Entry, MadeGray, Mark
from skiagram.datasets.copies import settle_copies
from skiagram.datasets.file_trees import FileTree, open_tree
from skiagram.datasets.folder.csv_rows import CsvRow
from skiagram.datasets.folder.lesions import parse_lesions
from skiagram.datasets.folder.source import (
    Folder,
    check_channels,
    content_key,
    find_unlisted_images,
)
from skiagram.datasets.folder.table import (
    Listing,
    list_entries,
    refer,
    split_masks,
    split_modalities,
)
from skiagram.datasets.image_files import TransparentImage
from skiagram.datasets.ingest import settle_outcome, shuffle_cases, tabulate_cases, task_of
from skiagram.datasets.volumes.case_images import (
    AS_STORED,
    CaseReading,
    ImageReference,
    decode_case,
    is_image_file,
    read_case_files,
)
from skiagram.datasets.volumes.grid import VoxelGrid
from skiagram.datasets.volumes.masks import EmptyMask
from skiagram.errors import DataError, named
from skiagram.image_store.shards import Image, Spacing
from skiagram.near_duplicates.descriptors import SIDE, Small, small_picture
from skiagram.near_duplicates.pairs import (
    THUMBNAIL,
    clusters,
    content_digest,
    pairs_among,
    thumbnail,
    unite_pairs,
)
from skiagram.near_duplicates.search import transformed_among
from skiagram.records.cases import Cases
from skiagram.tasks.task import Design, Task

_FEW = 64  # starting processes takes longer than reading so few files
_CHUNK = 16
_SHOWN = 5  # names in a sentence
_LAST_NUMBER = re.compile(r"(\d+)\D*$")


@dataclass(frozen=True)
class ExaminedFile:
    """What one usable file holds.

    Attributes:
        checksums: File name → SHA-256 of the file, of a DICOM series' folder and of its mask.
        region: Voxels of its region, separate parts, voxels outside; None for the whole image.
        thumbnail: (784,) float32, for near duplicates.
        small: (36, 36) float16, for transformed copies.
        traits: What the image is besides what it shows, for the audit's probes.
        text: Where marks that look like text stand in its borders.
        grid: Where a volume's voxels lie.
        modality, made_gray, stored_bits: As of `SpacedImage`.
    """

    reference: ImageReference
    checksums: dict[str, str]
    spacing: Spacing | None
    region: tuple[int, int, int] | None
    shape: tuple[int, ...]
    depth: str
    stored_bytes: int
    thumbnail: NDArray[np.float32]
    small: Small
    digest: bytes
    traits: dict[str, tuple[float, ...]]
    levels: int
    text: tuple[Box, ...] = ()
    text_expected: str = ""
    grid: VoxelGrid | None = None
    modality: str = ""
    made_gray: MadeGray = ""
    stored_bits: int = 0

    @property
    def name(self) -> str:
        return self.reference.name

    @property
    def channels(self) -> int:
        return 3 if len(self.shape) == 3 else 1


class Settling(NamedTuple):
    """What a survey may settle, where it would else be a problem.

    Attributes:
        few_gray: Whether a few images in colour or with transparent pixels become gray.
        without_lesion: Whether images whose mask is empty are left out.
    """

    few_gray: bool = False
    without_lesion: bool = False


AS_TOLD = Settling()


@dataclass(frozen=True)
class Survey:
    """What is in a folder.

    Attributes:
        entries: One a usable row, whether its file can be read or not.
        findings: What the audit would report; `examples` are file names.
        ingested: The case table of the usable files as ingest would write it.
        by_modality: Modality → what was read of it, `examined` first; its name is empty where a
            case has one image.
        file_of: Case id, as ingest will give it → name of its file.
        marks: Name of a file that was read → the lesions that the table gives it, on the image.
        rows: The table without the images that are left out since they have no lesion.
        gray: Whether colour images are turned gray.
        notes: What was settled of images without a lesion, of a few in colour, and of copies.
    """

    files: FileTree
    entries: list[Entry]
    examined: list[ExaminedFile]
    problems: list[DataError]
    findings: list[Finding]
    channels: Literal[1, 3]
    ingested: Cases
    by_modality: dict[str, list[ExaminedFile]]
    file_of: dict[str, str] = field(default_factory=dict)
    marks: dict[str, tuple[Mark, ...]] = field(default_factory=dict)
    rows: list[CsvRow] = field(default_factory=list)
    gray: bool = False
    notes: tuple[str, ...] = ()

    @property
    def further(self) -> list[ExaminedFile]:
        """Return what was read of the cases' other modalities."""
        _, *others = self.by_modality.values()
        return [file for files in others for file in files]

    @property
    def runnable(self) -> bool:
        """Return whether neither ingest nor the audit would stop."""
        return not self.problems and not any(finding.stops for finding in self.findings)

    def explain_stop(self, options: Path) -> str:
        """Return why the audit would stop a run, and what to do; empty where it would not."""
        return AuditReport(tuple(self.findings), ()).explain_stop({}, str(options)).rstrip()


def survey_folder(
    source: Folder,
    folder: Path,
    rows: list[CsvRow],
    design: Design,
    settling: Settling = AS_TOLD,
) -> Survey:
    """Look at every row and every file, and go on past whatever is wrong.

    Args:
        source: How to read the table; `manifest` and `channels` are not looked at.
    """
    tree = open_tree(folder, str(folder), is_image_file)
    read = _read_images(source, tree, rows, settling)
    listing, examined = read.listings[0], next(iter(read.by_modality.values()))
    problems = read.problems
    marks, misplaced = _place_marks(listing, examined)
    problems += misplaced
    # the channels that most images have; gray where as many have colour
    channels: Literal[1, 3] = (
        3 if 2 * sum(file.channels == 3 for file in examined) > len(examined) else 1
    )
    for file in examined:
        try:
            check_channels(file.channels, channels, file.name)
        except DataError as error:
            problems.append(error)
    positive = source.positive_class
    task = Task(source.classes, source.classes.index(positive) if positive else None, design)
    problems += _find_entry_problems(source, task, listing.entries)
    whole = [files for files in read.by_modality.values() if len(files) == len(examined)]
    seen = [_look(tree, files, replace(source.reading, gray=read.gray)) for files in whole]
    readable = {file.name for file in examined}
    usable = [entry for entry in listing.entries if entry.name in readable]
    # Of copies that are settled, the audit sees what is left, as ingest will store it.
    kept, usable, sentence = _settle_copies(source, usable, examined, seen, design)
    if sentence:
        read.notes.append(sentence)
        whole = [[files[at] for at in kept] for files in whole]
        seen = [images.chosen(kept) for images in seen]
        problems += _find_entry_problems(source, task, usable)
    cluster = clusters(seen[0].pairs, len(usable))
    keys = [content_key(file.reference, file.checksums) for file in whole[0]]
    order, ingested = _ingested_cases(usable, keys, cluster, design)
    findings: list[Finding] = []
    file_of = dict(zip(ingested.case_id, [usable[at].name for at in order], strict=True))
    if usable:
        appearance = unite_appearances(seen).moved(np.argsort(order))
        traits = _collect_traits(usable, whole, order, ingested)
        evidence = Evidence(ingested, task, source.card(), appearance, traits)
        findings = [
            replace(finding, examples=_named(finding.examples, file_of))
            for check in CHECKS
            for finding in check(evidence)
            if finding.count
        ]
    return Survey(
        tree,
        listing.entries,
        examined,
        problems,
        findings,
        channels,
        ingested,
        read.by_modality,
        file_of,
        marks,
        read.rows,
        read.gray,
        tuple(read.notes),
    )


@dataclass
class _Read:
    """What was read of the images, with what was settled of some; fields as of `Survey`."""

    rows: list[CsvRow]
    gray: bool
    listings: list[Listing] = field(default_factory=list)
    by_modality: dict[str, list[ExaminedFile]] = field(default_factory=dict)
    problems: list[DataError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def _read_images(source: Folder, tree: FileTree, rows: list[CsvRow], settling: Settling) -> _Read:
    """Read the images of all modalities, and settle what may be settled of single ones."""
    columns, read = source.columns, _Read(rows, source.gray)
    names = [row.cells[columns.file] for row in rows]
    if columns.mask is not None:
        for row in rows:
            names += split_masks(row.cells[columns.mask])
    kinds = split_modalities(rows, columns, source.modalities)
    for modality, rows_of_modality in kinds.items():
        sealed = source.sealed_labels is not None
        listing = list_entries(
            rows_of_modality, columns, source.classes, source.test_sites, sealed=sealed
        )
        results = examine_files(tree, listing.references, source.reading)
        if settling.without_lesion and len(kinds) == 1:
            listing, results = _leave_out_lesionless(source, listing, results, read)
        if settling.few_gray and not source.gray:
            results = _turn_few_gray(tree, source.reading, listing.references, results, read)
        read.problems += listing.problems + source.find_contradicted(listing)
        if not read.listings:
            read.problems += find_unlisted_images(tree, names, source.unlisted)
        read.problems += [file for file in results if isinstance(file, DataError)]
        read.by_modality[modality] = [file for file in results if isinstance(file, ExaminedFile)]
        read.listings.append(listing)
    return read


def _find_entry_problems(source: Folder, task: Task, entries: list[Entry]) -> list[DataError]:
    """Return why labels, values or splits cannot carry an evaluation; empty where they can."""
    try:
        check_entries(entries, task, f"data set {source.name}")
        if source.outcome is not None:
            settle_outcome(task_of(source, task.design), entries)
    except DataError as error:
        return [error]
    return []


def _leave_out_lesionless(
    source: Folder,
    listing: Listing,
    results: list[ExaminedFile | DataError],
    read: _Read,
) -> tuple[Listing, list[ExaminedFile | DataError]]:
    """Return what is left without the images whose mask is empty, and note how many they are.

    It is a problem where a class would lose each of its images.
    """
    empty = {
        reference.name
        for reference, result in zip(listing.references, results, strict=True)
        if isinstance(result, EmptyMask)
    }
    labels = {entry.name: source.classes[entry.label] for entry in listing.entries}
    lesionless, every = Counter(labels[name] for name in empty), Counter(labels.values())
    bare = [name for name in source.classes if lesionless[name] and lesionless[name] == every[name]]
    if bare:
        others = [shlex.quote(name) for name in source.classes if name not in bare]
        ways = [f"`--classes {' '.join(others)}` leaves it out"] if len(others) > 1 else []
        ways.append("`--masks leave-out` takes all images whole")
        fault = (
            f"no image of the class `{bare[0]}` has a lesion: {lesionless[bare[0]]} masks are empty"
        )
        allowed = "a region in images of each class"
        read.problems.append(
            DataError(fault, where=source.folder, allowed=allowed, remedy=", ".join(ways))
        )
    elif empty:
        counted = ", ".join(f"{number} of `{name}`" for name, number in sorted(lesionless.items()))
        read.notes.append(
            f"Left out, without a lesion in their masks: {counted}, such as `{min(empty)}`."
        )
    read.rows = [row for row in read.rows if refer(row, source.columns).name not in empty]
    stays = [entry.name not in empty for entry in listing.entries]
    listing = Listing(
        [*compress(listing.entries, stays)],
        listing.problems,
        [*compress(listing.references, stays)],
        [*compress(listing.lesions, stays)],
    )
    return listing, [file for file in results if not isinstance(file, EmptyMask)]


def _turn_few_gray(
    tree: FileTree,
    reading: CaseReading,
    references: Sequence[ImageReference],
    results: list[ExaminedFile | DataError],
    read: _Read,
) -> list[ExaminedFile | DataError]:
    """Return images with a few in colour or with transparent pixels in gray, and note which."""
    odd = [
        at
        for at, file in enumerate(results)
        if isinstance(file, TransparentImage)
        or (isinstance(file, ExaminedFile) and file.channels == 3)
    ]
    if not odd or 2 * len(odd) >= len(results):
        return results
    shown = ", ".join(f"`{references[at].name}`" for at in odd[:_SHOWN])
    more = f" and {len(odd) - _SHOWN} more" if len(odd) > _SHOWN else ""
    read.gray = True
    read.notes.append(
        f"{len(odd)} of {len(results)} images are in colour or have transparent pixels, while most "
        f"are gray. They become gray (`--gray refuse` refuses them): {shown}{more}."
    )
    in_gray = replace(reading, gray=True)
    return [
        examine_file(tree, in_gray, references[at]) if at in set(odd) else file
        for at, file in enumerate(results)
    ]


def _settle_copies(
    source: Folder,
    usable: list[Entry],
    examined: Sequence[ExaminedFile],
    seen: Sequence[Appearance],
    design: Design,
) -> tuple[list[int], list[Entry], str]:
    """Return the places of the images that stay, their entries, and what was done of copies."""
    pairs = unite_pairs([images.pairs for images in seen])
    keys = [content_key(file.reference, file.checksums) for file in examined]
    order, _ = shuffle_cases(len(usable), keys)
    place = np.argsort(order)
    first, second = np.sort([place[pairs.first], place[pairs.second]], axis=0)
    in_store = pairs._replace(first=first, second=second)
    chosen = settle_copies(source.copies, [usable[at] for at in order], in_store, design)
    entries = dict(zip(order[chosen.kept].tolist(), chosen.entries, strict=True))
    kept = sorted(entries)
    return kept, [entries[at] for at in kept], chosen.sentence


def _place_marks(
    listing: Listing, examined: Iterable[ExaminedFile]
) -> tuple[dict[str, tuple[Mark, ...]], list[DataError]]:
    """Return the lesions of the files that were read, and what is wrong with them."""
    names = (reference.name for reference in listing.references)
    cells = dict(zip(names, listing.lesions, strict=False))
    marks: dict[str, tuple[Mark, ...]] = {}
    problems: list[DataError] = []
    for file in examined:
        try:
            with named(file.name):
                lesions = parse_lesions(cells.get(file.name, ""))
                marks[file.name] = tuple(lesion.mark(file.grid) for lesion in lesions)
                for mark in marks[file.name]:
                    check_mark(mark, file.shape, file.name)
        except DataError as error:
            problems.append(error)
    return marks, problems


def _named(examples: Iterable[str], file_of: Mapping[str, str]) -> tuple[str, ...]:
    """Return the files of cases, or of pairs of them."""
    files = (PAIR.join(file_of[case] for case in example.split(PAIR)) for example in examples)
    return tuple(sorted(files))


def _look(tree: FileTree, examined: list[ExaminedFile], reading: CaseReading) -> Appearance:
    size = examined[0].thumbnail.size if examined else THUMBNAIL**2
    thumbnails = np.zeros((len(examined), size), dtype=np.float32)
    small = np.zeros((len(examined), SIDE, SIDE), dtype=np.float16)
    for i, file in enumerate(examined):
        thumbnails[i], small[i] = file.thumbnail, file.small
    shapes = [file.shape for file in examined]

    def pixels(i: int) -> Image:
        return read_pixels(tree, examined[i].reference, reading)

    near = pairs_among(thumbnails, [file.digest for file in examined], shapes, pixels)
    described = [file.region for file in examined if file.region is not None]
    return Appearance(
        unite_pairs([near, transformed_among(small, shapes, near, pixels)]),
        np.array([file.levels for file in examined], dtype=np.int64),
        np.array(described, np.int64) if len(described) == len(examined) > 0 else None,
    )


def read_pixels(tree: FileTree, reference: ImageReference, reading: CaseReading) -> Image:
    """Return an image without its region, as ingest would store it."""
    whole = ImageReference(reference.file, frame=reference.frame)
    return decode_case(read_case_files(tree, whole), whole, reading).pixels


def _ingested_cases(
    entries: list[Entry], keys: list[bytes], cluster: NDArray[np.int64], design: Design
) -> tuple[NDArray[np.int64], Cases]:
    """Return the case table as ingest would write it, and which entry each case is."""
    order, case_id = shuffle_cases(len(entries), keys)
    ordered = [replace(entries[at], split=entries[at].split or "train") for at in order]
    _, place, group = np.unique(cluster[order], return_index=True, return_inverse=True)
    as_they_come = np.argsort(np.argsort(place))[group]  # as ingest would number them
    return order, tabulate_cases(ordered, case_id, as_they_come, design)


def examine_file(
    tree: FileTree, reading: CaseReading, reference: ImageReference
) -> ExaminedFile | DataError:
    """Read one image; a fault is returned in the words in which the run would raise it."""
    try:
        files = read_case_files(tree, reference)
        decoded = decode_case(files, reference, reading)
        image = decoded.pixels
        check_image(image, reference.name)
    except DataError as error:
        return error
    checksums = dict(files.checksums)
    del files  # as large as the picture
    with _large_pictures if image.size > _LARGE else nullcontext():
        image = decoded.pixels
        return ExaminedFile(
            reference=reference,
            checksums=checksums,
            spacing=decoded.spacing,
            region=None if decoded.region is None else describe_region(decoded.region.inside),
            shape=image.shape,
            depth=str(image.dtype),
            stored_bytes=image.nbytes,
            thumbnail=thumbnail(image),
            small=small_picture(image),
            digest=content_digest(image),
            traits=image_traits(image, decoded.spacing),
            levels=count_levels(image),
            text=tuple(find_text(image)),
            text_expected=decoded.text_expected,
            grid=decoded.grid,
            modality=decoded.modality,
            made_gray=decoded.made_gray,
            stored_bits=decoded.stored_bits,
        )


def examine_files(
    tree: FileTree, references: Sequence[ImageReference], reading: CaseReading = AS_STORED
) -> list[ExaminedFile | DataError]:
    """Read all images, in the order given; decoding holds Python's lock: processes share it."""
    results: list[ExaminedFile | DataError] = []
    work = partial(examine_file, tree, reading)
    number = len(references)
    tree.announce([name for reference in references for name in reference.files])
    workers = 1 if tree.in_order or number < _FEW else ALL_PROCESSORS.places
    with _examine(work, references, workers) as examined, Progress("Read", number) as bar:
        for result in examined:
            results.append(result)
            bar.advance()
    return results


@contextmanager
def _examine(
    work: Callable[[ImageReference], ExaminedFile | DataError],
    references: Sequence[ImageReference],
    workers: int,
) -> Iterator[Iterator[ExaminedFile | DataError]]:
    if workers == 1:
        yield map(work, references)
        return
    with ProcessPoolExecutor(workers, initializer=_start_worker, initargs=(Lock(),)) as pool:
        try:
            yield pool.map(work, references, chunksize=_CHUNK)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_LARGE = 2**24  # values of a picture, of which workers describe one at a time, to save memory
_large_pictures: AbstractContextManager[Any] = nullcontext()


def _start_worker(lock: AbstractContextManager[Any]) -> None:
    global _large_pictures  # one lock for all workers
    _large_pictures = lock
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent answers Ctrl-C
    threadpool_limits(1)


def _collect_traits(
    entries: Sequence[Entry],
    examined: Sequence[Sequence[ExaminedFile]],
    order: NDArray[np.int64],
    cases: Cases,
) -> ProbedTraits:
    """Collect what the audit probes, and the order of the files: entry `order[k]` is case k."""
    rows = sample_cases(cases)
    table = pd.DataFrame([dict(entries[at].covariates) for at in order])
    table.insert(0, "case_id", cases.case_id)
    traits = [[of_kind[at].traits for at in order[rows]] for of_kind in examined]
    probed = probed_traits(cases, rows, traits, table)
    files = file_order([entries[at].name for at in order], order, cases.patient_id)
    return replace(probed, images={**probed.images, "file_order": files[rows]})


def file_order(
    names: Sequence[str], place: NDArray[np.int64], patient: NDArray[np.str_]
) -> NDArray[np.float64]:
    """Return (n, 3) places in [0, 1] by the table, the name and the name's last number.

    They are places among the files of one folder, the innermost with ten patients or more: where a
    folder is a class, that of the folder itself would tell the class in every data set.
    """
    numbers = [_LAST_NUMBER.search(name) for name in names]
    last = [float(number[1]) if number else -1.0 for number in numbers]
    keys = [place.astype(np.float64), np.unique(names, return_inverse=True)[1], np.array(last)]
    within: dict[PurePosixPath, list[int]] = {}
    for row, name in enumerate(names):
        for folder in PurePosixPath(name).parents:
            within.setdefault(folder, []).append(row)
    places = np.zeros((len(names), len(keys)))
    for _, rows in sorted(within.items(), key=lambda item: len(item[0].parts)):
        if len(set(patient[rows])) >= MIN_PATIENTS:  # a folder within another one comes later
            ranks = [rankdata(key[rows], "min") / len(rows) for key in keys]
            places[rows] = np.column_stack(ranks)
    return places
