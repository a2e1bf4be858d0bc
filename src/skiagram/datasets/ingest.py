"""From any source to a case table, shards of its images and a seal; no identifier gets through.

Case and patient ids are opaque and given after a shuffle, because names and order of files often
tell the class. Labels of test cases and all that only a generator knows go to `sealed/`.

Files are shuffled by a digest of their content. Where a shard ends depends on digest and size of
its last image alone, so a file that is added or taken out changes one shard, and all others stay
the same to the byte: DVC's cache has them once.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from skiagram.arrays import Texts, Whole
from skiagram.compute.progress import Progress
from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.datasets.checks import Problems, check_entries, check_image, check_mark
from skiagram.datasets.contract import (
    OpenSource,
    RealDataSet,
    Source,
    pixel_side,
)
from skiagram.datasets.copies import find_case_copies, settle_copies
from skiagram.errors import DataError, named, refusal
from skiagram.image_store.shards import ShardWriter, content_digest, values_digest
from skiagram.image_store.store import ImageStore, write_modalities
from skiagram.images import Spacing
from skiagram.near_duplicates.pairs import Pairs, clusters, unite_pairs
from skiagram.preparation import (
    PREPARATION,
    FurtherModality,
    ImageKinds,
    Preparation,
    TraitRanges,
    brightness_of,
    join_digests,
)
from skiagram.readers.dicom import describe_bits, describe_padding
from skiagram.readers.gray import describe_gray
from skiagram.readers.spaced_image import MadeGray, SpacedImage
from skiagram.records.files import write_record, write_table
from skiagram.records.places import IDEAL_MARKS, MARKS, tabulate_places
from skiagram.sealing.labels import seal_encrypted_labels, seal_labels
from skiagram.seeding import stream
from skiagram.tasks.cases import SEALED, Cases, stack_values
from skiagram.tasks.classes import Classes
from skiagram.tasks.kinds import AnyPredicted
from skiagram.tasks.task import Design, Task

_ID_SEED = 20_011_990
_SHARD_BYTES = 2**23  # of small images; of large ones, eight images: a file for each would be many
_MAX_SHARE = 1 / 8


@dataclass(frozen=True)
class IngestFolders:
    """Where ingest writes image shards, tables of cases, and what is sealed.

    Attributes:
        prefix: What ids of cases and patients begin with, to tell them from those of others.
    """

    images: Path
    cases: Path
    sealed: Path
    prefix: str = ""

    @classmethod
    def under(cls, target: Path, prefix: str = "") -> "IngestFolders":
        return cls(target / "images", target / "cases", target / "sealed", prefix)


class ImageNote(NamedTuple):
    """What is known of a stored image without a look at it; other fields are of `SpacedImage`.

    Attributes:
        position: Place in the source.
        name: Name in the source.
        region: Voxels of its region, separate parts and voxels outside, which a check adds; None
            for the whole image.
    """

    position: int
    name: str
    modality: str
    brightness: float
    contrast: float
    spacing: Spacing | None
    shape: tuple[int, ...]
    dtype: str
    made_gray: MadeGray
    stored_bits: int
    made_colour: bool
    text_expected: str
    padding: str
    region: tuple[int, int, int] | None = None


class StoredImages(NamedTuple):
    """What was stored of the images of one kind.

    Attributes:
        rows: (n,) int64, those of the listed cases that could be stored.
        notes: One of each image; none where cases have none.
    """

    store: ImageStore
    rows: Whole
    notes: list[ImageNote]

    def summarise(self) -> tuple[ImageKinds, TraitRanges]:
        """Return the kinds of the images and the ranges of their traits."""
        return ImageKinds.of(self.notes), TraitRanges.of(self.notes)


class IngestedData(NamedTuple):
    """What ingest wrote.

    Attributes:
        listed: Entries of the source in the order of the store; see `list_images`.
        stored: Modality → what was stored; its name is empty where a case has one image.
        task: With what its outcome takes from the development cases.
        sentence: What was done to copies; empty where nothing was.
        copies: Among the images of the first kind, where they stand in for patients that nobody
            knows; None where all are known.
    """

    listed: pd.DataFrame
    stored: dict[str, StoredImages]
    task: Task
    sentence: str
    copies: Pairs | None


def task_of(source: Source, design: Design) -> Task:
    """Return the task of a source under a design; an OptionError where its classes make none."""
    classes = tuple(source.classes)
    if len(classes) < 2 or len(set(classes)) != len(classes):
        raise refusal("datasets.too_few_classes", classes=list(classes))
    if source.outcome is None and len(classes) == 2 and source.positive_class not in classes:
        raise refusal("datasets.unknown_positive", name=source.positive_class, classes=classes)
    return Task(predicted_of(source), design)


def predicted_of(source: Source) -> AnyPredicted:
    """Return what is predicted of a source's cases; of two classes one need not be looked for."""
    if source.outcome is not None:
        return source.outcome
    classes, positive = tuple(source.classes), source.positive_class
    looked_for = positive is not None and len(classes) == 2
    return Classes(classes, classes.index(positive) if looked_for else None)


def ingest(
    source: Source,
    design: Design,
    root: Path | None,
    folders: IngestFolders,
    compute: Compute = IN_PROCESS,
) -> None:
    """Read a source and write shards, cases and the seal.

    Args:
        design: `holdout` seals the published test split; `cv` keeps all cases for development.
        compute: Where files are read, of a source that can be read in parts; no byte depends on it.

    Raises:
        DataError: The source cannot be used; the message names file and remedy.
    """
    task = task_of(source, design)
    ingest_opened(source, source.open(root), task, folders, compute)


def ingest_opened(
    source: Source,
    opened: OpenSource,
    task: Task,
    folders: IngestFolders,
    compute: Compute,
    problems: Problems | None = None,
) -> IngestedData:
    """Do as `ingest`, and go on past what is wrong where `problems` collects it.

    An image that cannot be read is then left out. None stops at the first fault.
    """
    problems = problems or Problems()
    # what the source lists must carry an evaluation, also without copies that are left out
    settled = _settle(task, opened.entries, source, problems)
    listed, sentence = _settle_copies(source, opened, task, compute, problems)
    if sentence:
        settled = _settle(task, listed, source, problems)
    # the images, a store for each kind
    stored: dict[str, StoredImages] = {}
    for modality, kind in opened.kinds().items():
        modality_folders = replace(folders, images=folders.images / modality) if stored else folders
        stored[modality] = _write_images(kind, listed, modality_folders, compute, problems)
        if len(stored) == 1:
            write_modalities(folders.images, [*filter(None, opened.kinds())])
    first = next(iter(stored.values()))
    if len(first.rows) < len(listed):
        listed = listed.iloc[first.rows]
        settled = _settle(task, listed, source, problems)
    # copies stand in for patients that nobody knows
    copies = None
    if len(first.rows) and listed["patient"].isna().any():
        copies = find_case_copies([first.store])
    ingested = IngestedData(listed, stored, settled, sentence, copies)
    if len(first.rows):
        _write_preparation(opened, ingested, folders)
        cases = _write_cases(source, opened, ingested, folders, task.design)
        _write_places(opened, ingested, cases, folders, problems)
        _seal(opened, ingested, cases, folders)
    return ingested


def _settle(task: Task, entries: pd.DataFrame, source: Source, problems: Problems) -> Task:
    """Return the task with what it takes from the development cases.

    It is one of classes where the values of an outcome are a problem. Of no entries at all nothing
    is said where problems are collected: why there are none is one.

    Raises:
        DataError: A value cannot be, or the cases cannot carry an evaluation.
    """
    try:
        check_entries(entries, task, f"data set {source.card().name}")
        columns = (entries[name].tolist() for name in ("value", "label", "name"))
        for value_label_and_name in zip(*columns, strict=True):
            task.predicted.check(*value_label_and_name)
        development = entries[(entries["split"] != "test") | (task.design == "cv")]
        value, label = stack_values(development["value"]), development["label"].to_numpy()
        return replace(task, predicted=task.predicted.settle(value, label))
    except DataError as error:
        if len(entries) or not problems.collects:
            problems.add(error)
    return replace(task, predicted=Classes(task.predicted.classes, task.predicted.positive))


def list_images(opened: OpenSource, positions: Sequence[int] | None = None) -> pd.DataFrame:
    """Return the entries of a source in the order of the store, by their places in the source.

    Ordered by digests, one more case leaves the order of the others; without, by a seeded shuffle.

    Args:
        positions: Places of the entries to list, ascending; None for all.

    Returns:
        The entries, with the digest of the content of each one's files as `key`, if it has files.
    """
    entries = opened.entries
    if positions is not None:
        entries = entries.iloc[[*positions]]
    keys = [opened.content_key(at) for at in entries.index.tolist()]
    listed = entries.assign(key=pd.Series(keys, entries.index, dtype=object))
    if any(keys):
        return listed.sort_values("key", kind="stable")
    return listed.take(stream(_ID_SEED, "case ids").permutation(len(keys)))


def describe_files(notes: Sequence[ImageNote]) -> tuple[str, ...]:
    """Return what a reader of the report must know of the files of some images."""
    return (
        *describe_gray(note.made_gray for note in notes),
        *describe_bits(note.stored_bits for note in notes),
        *describe_padding(note.padding for note in notes),
    )


def name_cases(listed: pd.DataFrame, prefix: str) -> Texts:
    """Return the ids that cases get in the order of the store."""
    return np.array([f"{prefix}case-{rank:06d}" for rank in range(len(listed))], dtype=str)


def _settle_copies(
    source: Source, opened: OpenSource, task: Task, compute: Compute, problems: Problems
) -> tuple[pd.DataFrame, str]:
    """List the images of a source as its options settle copies, and tell what was done.

    Copies are looked for in a first reading; what is left out never enters the store.
    """
    listed = list_images(opened)
    if not isinstance(source, RealDataSet) or source.copies == "refuse":
        return listed, ""
    # pairs of copies among the images of each kind, by their places in the list
    found = []
    with TemporaryDirectory() as place:
        for number, kind in enumerate(opened.kinds().values()):
            folders = IngestFolders.under(Path(place) / str(number))
            stored = _write_images(kind, listed, folders, compute, problems)
            rows = stored.rows
            if len(rows):
                pairs = find_case_copies([stored.store], transformed=False)
                found.append(pairs._replace(first=rows[pairs.first], second=rows[pairs.second]))
    if not found:
        return listed, ""
    with problems.collected():
        entries = listed.join(opened.known.get("visits", listed[[]]))
        settled, sentence = settle_copies(source.copies, entries, unite_pairs(found), task.design)
        if sentence:  # the images that stay are listed anew, with what was changed of them
            listed = list_images(opened, sorted(settled.index.tolist()))
            return listed.assign(patient=settled["patient"], split=settled["split"]), sentence
    return listed, ""


def _write_images(
    opened: OpenSource,
    listed: pd.DataFrame,
    folders: IngestFolders,
    compute: Compute,
    problems: Problems,
) -> StoredImages:
    """Store the images of one kind, and what is known of generated ones in the seal."""
    rows: list[int] = []
    notes: list[ImageNote] = []
    truths, ideal_marks = list[dict[str, Any]](), list[tuple[str, tuple[float, ...], float]]()
    ideal_scores: list[float] = []
    files, case_id = opened.entries["name"].tolist(), name_cases(listed, folders.prefix).tolist()
    places, keys = listed.index.tolist(), listed["key"].tolist()
    with ExitStack() as stack, Progress("Ingest", len(listed)) as progress:
        images = stack.enter_context(ShardWriter(folders.images))
        clean = None
        for row, examined in enumerate(_read(opened, listed, compute)):
            progress.advance()
            position = places[row]
            name, file = case_id[len(rows)], files[position]
            try:
                if isinstance(examined, DataError):
                    raise examined
                if isinstance(examined, bytes):  # of a case without an image, its digest
                    images.add_case(name, examined)
                    rows.append(row)
                    continue
                image, digest, note = examined
                with named(file):
                    images.add(name, image.pixels, image.spacing, image.region, digest)
            except DataError as error:
                problems.add(error, file)
                continue
            rows.append(row)
            notes.append(note._replace(position=position))
            truth = opened.truth(position)
            if truth is not None:
                clean = clean or stack.enter_context(ShardWriter(folders.sealed / "clean"))
                clean.add(name, truth.clean, note.spacing)
                axes = ("slice", "row", "column")[-len(truth.place) :]
                place = dict(zip(axes, truth.place, strict=True))
                truths.append({"case_id": name, "ideal_score": truth.ideal_score, **place})
                for mark, score in truth.ideal_marks:
                    side = pixel_side(note.spacing)
                    ideal_marks.append((name, mark.centre, mark.radius * side))
                    ideal_scores.append(score)
            # whether a shard ends with the image: shards have some size in the mean
            share = min(image.pixels.nbytes / _SHARD_BYTES, _MAX_SHARE)
            if keys[row] is not None and int.from_bytes(keys[row][-8:]) < share * 2**64:
                images.end_shard()
    if truths:
        write_table(pd.DataFrame(truths), folders.sealed / "truth.parquet")
    if ideal_marks:
        marks = tabulate_places(ideal_marks)
        write_table(marks.assign(score=ideal_scores), folders.sealed / IDEAL_MARKS)
    return StoredImages(ImageStore(folders.images), np.array(rows, np.int64), notes)


class _Examined(NamedTuple):
    image: SpacedImage
    digest: bytes
    note: ImageNote


def _read(
    opened: OpenSource, listed: pd.DataFrame, compute: Compute
) -> Iterator[_Examined | bytes | DataError]:
    """Yield the images in the order of the store, or why one cannot be used.

    Of a case without an image it is a digest of its values.
    """
    parts = opened.parts(listed.index.tolist())
    if parts is None:
        for position, name in zip(listed.index.tolist(), listed["name"], strict=True):
            yield _examine(opened, position, name)
        return
    workers = IN_PROCESS if opened.in_order else compute
    for images in workers.map(_read_part, parts, releases_lock=True):
        yield from images


def _read_part(part: OpenSource) -> list[_Examined | bytes | DataError]:
    return [_examine(part, position, name) for position, name in enumerate(part.entries["name"])]


def _examine(opened: OpenSource, position: int, name: str) -> _Examined | bytes | DataError:
    """Read one image with its digest and what is known of it; a fault is returned."""
    try:
        image = opened.image(position)
        if image is None:
            return values_digest(opened.known["measured"].iloc[position].to_numpy())
        pixels = image.pixels
        check_image(pixels, name)
    except DataError as error:
        return error
    note = ImageNote(
        position,
        name,
        image.modality,
        *brightness_of(pixels),
        image.spacing,
        pixels.shape,
        str(pixels.dtype),
        image.made_gray,
        image.stored_bits,
        image.made_colour,
        image.text_expected,
        "" if image.region is None else image.padding,
    )
    return _Examined(image, content_digest(pixels, image.spacing, image.region), note)


def _write_preparation(opened: OpenSource, ingested: IngestedData, folders: IngestFolders) -> None:
    """Write what new images have to go through, and digests by which known ones are told."""
    every = {name: stored for name, stored in ingested.stored.items() if len(stored.rows)}
    first, *others = every
    digests = [digest for stored in every.values() for digest in stored.store.digests()]
    store = every[first].store
    kinds, traits = every[first].summarise() if store.has_images else (None, None)
    preparation = Preparation(
        kinds,
        image_digests=join_digests(digests),
        traits=traits,
        modalities=tuple(filter(None, opened.kinds())),
        regions=store.has_images and store.region(store.case_ids[0]) is not None,
        further=tuple(FurtherModality(name, *every[name].summarise()) for name in others),
        columns=opened.columns,
        gray=opened.in_gray,
    )
    write_record(preparation, folders.images / PREPARATION)


def _write_cases(
    source: Source,
    opened: OpenSource,
    ingested: IngestedData,
    folders: IngestFolders,
    design: Design,
) -> Cases:
    """Write the table of cases and what is known of them besides, task and card."""
    listed, known = ingested.listed, opened.known
    cluster = None if ingested.copies is None else clusters(ingested.copies, len(listed))
    cases = tabulate_cases(listed, cluster, design, folders.prefix)
    cases.write(folders.cases / "cases.parquet")
    for name in ("covariates", "reader_scores", "visits", "measured"):
        table = known.get(name, listed[[]]).loc[listed.index]
        if not table.empty and name == "visits":
            # `visit` counts the visits of a patient from 1, `region` what is seen of the patient
            # from 0: both are numbers within the patient and tell nothing more
            table = table.assign(region=table["region"].factorize(sort=True)[0])
            ranks = table.groupby(listed["patient"], dropna=False).rank("dense")
            table = ranks[["visit", "region"]].astype(np.int64) - [0, 1]
        table.insert(0, "case_id", cases.case_id)
        write_table(table, folders.cases / f"{name}.parquet")
    write_record(ingested.task, folders.cases / "task.json")
    # what a reader of the report must know, with what was found in the files
    notes = [note for stored in ingested.stored.values() for note in stored.notes]
    card = source.card()
    issues = (
        *card.known_issues,
        *filter(None, [ingested.sentence]),
        *describe_files(notes),
    )
    write_record(replace(card, known_issues=issues), folders.cases / "card.json")
    return cases


def _write_places(
    opened: OpenSource,
    ingested: IngestedData,
    cases: Cases,
    folders: IngestFolders,
    problems: Problems,
) -> None:
    """Write the lesions of development cases beside them, those of test cases into the seal.

    Radii are in mm where the distance of rows is known.
    """
    store, listed = next(iter(ingested.stored.values())).store, ingested.listed
    test = cases.split == "test"
    for folder, rows in ((folders.cases, ~test), (folders.sealed, test)):
        places = []
        for row in np.flatnonzero(rows).tolist():
            case_id, name = str(cases.case_id[row]), str(listed["name"].iloc[row])
            with problems.collected():
                for mark in opened.marks(int(listed.index[row])):
                    check_mark(mark, store.image(case_id).shape, name)
                    side = pixel_side(store.spacing(case_id))
                    places.append((case_id, mark.centre, mark.radius * side))
        write_table(tabulate_places(places), folder / MARKS)


def _seal(opened: OpenSource, ingested: IngestedData, cases: Cases, folders: IngestFolders) -> None:
    """Seal the labels of test cases, or those that a custodian has encrypted."""
    listed, predicted = ingested.listed, ingested.task.predicted
    encrypted = opened.encrypted_labels()
    if encrypted is not None and predicted.has_value:
        raise refusal("datasets.sealed_outcome", outcome=predicted.words)
    test = cases.split == "test"
    if encrypted is None or ingested.task.design == "cv":
        sealed = listed[test]
        value = None if cases.value is None else stack_values(sealed["value"])
        seal_labels(folders.sealed, cases.case_id[test], sealed["label"].to_numpy(), value)
    else:
        tokens = tuple(encrypted.tokens[position] for position in listed.index[test])
        tokens_of_test = replace(encrypted, tokens=tokens)
        seal_encrypted_labels(folders.sealed, cases.case_id[test], tokens_of_test)


def tabulate_cases(
    listed: pd.DataFrame, clusters: Whole | None, design: Design, prefix: str
) -> Cases:
    """Return the case table; the labels and values of test cases are not in it.

    Args:
        listed: Entries in the order of the store.
        clusters: (n,) the cluster of copies of each; None where all patients are known.
        prefix: Of ids.
    """
    split = listed["split"].fillna("train").to_numpy(dtype=str)
    if design == "cv":
        split = np.full(len(listed), "train")
    # patients are numbered in shuffled order
    patient = "patient " + listed["patient"].astype(str)
    if clusters is not None:
        cluster = pd.Series(clusters, listed.index).map("cluster {}".format)
        patient = patient.where(listed["patient"].notna(), cluster)
    place, names = pd.factorize(patient, sort=True)
    rank = stream(_ID_SEED, "patient ids").permutation(len(names))[place]
    patient_id = np.array([f"{prefix}patient-{number:06d}" for number in rank.tolist()], dtype=str)
    # what is sealed
    sealed, value = split == "test", None
    if listed["value"].notna().any():
        value = stack_values(listed["value"])
        value[sealed] = np.nan
    label = np.where(sealed, SEALED, listed["label"])
    return Cases(name_cases(listed, prefix), patient_id, split, label, value)
