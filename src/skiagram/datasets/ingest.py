"""From any source to shards, a case table and a seal; no identifier gets through.

Case and patient ids are opaque and given after a shuffle, because names and order of files often
tell the class. Labels of test cases and all that only a generator knows go to `sealed/`.

Files are shuffled by a digest of their content. Where a shard ends depends on digest and size of
its last image alone, so a file that is added or taken out changes one shard, and all others stay
the same to the byte: DVC's cache has them once.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.compute.progress import Progress
from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.datasets.checks import check_entries, check_image, check_mark
from skiagram.datasets.contract import (
    Entry,
    GroundTruth,
    MadeGray,
    OpenSource,
    RealDataSet,
    Source,
    SpacedImage,
    pixel_side,
)
from skiagram.datasets.copies import settle_copies
from skiagram.datasets.dicom import describe_bits
from skiagram.datasets.folder.keyed_names import keyed_patients
from skiagram.datasets.gray import describe_gray
from skiagram.errors import OptionError
from skiagram.image_store.shards import ShardWriter, Spacing, content_digest
from skiagram.image_store.store import ImageStore, write_modalities
from skiagram.near_duplicates.pairs import clusters, duplicate_pairs, unite_pairs
from skiagram.near_duplicates.search import find_copies
from skiagram.options import composed
from skiagram.preparation import (
    PREPARATION,
    FurtherModality,
    ImageKinds,
    Preparation,
    TraitRanges,
    TraitsSeen,
    brightness_of,
    join_digests,
)
from skiagram.records.cases import SEALED, Cases
from skiagram.records.files import write_record, write_table
from skiagram.records.places import IDEAL_MARKS, MARKS, tabulate_places
from skiagram.sealing.labels import seal_encrypted_labels, seal_labels
from skiagram.seeding import stream
from skiagram.tasks.task import Design, Task

_ID_SEED = 20_011_990
_SHARD_BYTES = 2**23  # of small images; of large ones, eight images: a file for each would be many
_MAX_SHARE = 1 / 8


@dataclass(frozen=True)
class IngestFolders:
    """Where ingest writes image shards, tables of cases, and what is sealed."""

    images: Path
    cases: Path
    sealed: Path


def task_of(source: Source, design: Design) -> Task:
    """Return the task of a source under a design; an OptionError where its classes make none."""
    classes = tuple(source.classes)
    if len(classes) < 2 or len(set(classes)) != len(classes):
        raise OptionError(f"{list(classes)}", where="dataset.classes", allowed="two or more names")
    if source.outcome is not None:
        return Task(source.outcome.classes, None, design, source.outcome)
    if len(classes) > 2:
        return Task(classes, None, design)
    if source.positive_class not in classes:
        given, allowed = f"{source.positive_class!r} was given", " or ".join(classes)
        raise OptionError(given, where="dataset.positive_class", allowed=allowed)
    return Task(classes, classes.index(source.positive_class), design)


def settle_outcome(task: Task, entries: Sequence[Entry]) -> Task:
    """Return the task with what its outcome takes from the development cases.

    Raises:
        DataError: A value cannot be, or the cases cannot carry an evaluation.
    """
    if task.outcome is None:
        return task
    value, label = _values(entries), np.array([entry.label for entry in entries], dtype=np.int64)
    for entry, of_case in zip(entries, value.tolist(), strict=True):
        task.outcome.check(of_case, entry.label, entry.name)
    known = np.array([task.design == "cv" or entry.split != "test" for entry in entries])
    return replace(task, outcome=task.outcome.settle(value[known], label[known]))


def _values(entries: Sequence[Entry]) -> NDArray[np.float64]:
    missing = (math.nan if entry.value is None else entry.value for entry in entries)
    return np.array([*missing], dtype=np.float64)


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
    opened = source.open(root)
    entries = opened.entries()
    check_entries(entries, task, f"data set {source.card().name}")
    task = settle_outcome(task, entries)
    listed = _list_images(opened, entries, np.arange(len(entries)))
    listed, ordered, told = _settle_copies(source, design, opened, listed, entries, compute)
    if told:
        check_entries(ordered, task, f"data set {source.card().name}")
        task = settle_outcome(task_of(source, design), ordered)
    order, case_id = np.array(listed.positions), np.array(listed.case_ids, dtype=str)
    notes = _write_images(opened, listed, folders, compute)
    kinds, traits = _summarise(notes)
    by_modality = opened.by_modality()
    write_modalities(folders.images, list(by_modality))
    others: list[FurtherModality] = []
    store = ImageStore(folders.images)
    digests = store.digests()
    for modality, further in list(by_modality.items())[1:]:
        beside = replace(folders, images=folders.images / modality)
        notes_of_kind = _write_images(further, listed, beside, compute)
        others.append(FurtherModality(modality, *_summarise(notes_of_kind)))
        notes += notes_of_kind
        digests += ImageStore(beside.images).digests()
    preparation = Preparation(
        kinds,
        None if opened.acquisition is None else composed(opened.acquisition),
        image_digests=join_digests(digests),
        patient_digests=join_digests(keyed_patients({entry.patient for entry in ordered})),
        traits=traits,
        modalities=tuple(by_modality),
        regions=store.region(store.case_ids[0]) is not None,
        further=tuple(others),
        patient_column=opened.patient_column,
    )
    write_record(preparation, folders.images / PREPARATION)
    unknown = any(entry.patient is None for entry in ordered)
    cluster = clusters(find_copies(store), len(store)) if unknown else None
    label = np.array([entry.label for entry in ordered], dtype=np.int64)
    cases = tabulate_cases(ordered, case_id, cluster, design)
    cases.write(folders.cases / "cases.parquet")
    tables: dict[str, Sequence[Mapping[str, object]]] = {
        "covariates": [dict(entry.covariates) for entry in ordered],
        "reader_scores": [dict(entry.scores) for entry in ordered],
        "measured": [dict(entry.measured) for entry in ordered],
        "visits": number_visits(ordered),
    }
    for name, rows in tables.items():
        table = pd.DataFrame(rows)
        table.insert(0, "case_id", case_id)
        write_table(table, folders.cases / f"{name}.parquet")
    write_record(task, folders.cases / "task.json")
    card = source.card()
    issues = (
        *card.known_issues,
        *told,
        *describe_gray(note.made_gray for note in notes),
        *describe_bits(note.stored_bits for note in notes),
    )
    write_record(replace(card, known_issues=issues), folders.cases / "card.json")
    test = cases.split == "test"
    for folder, rows in ((folders.cases, ~test), (folders.sealed, test)):
        named = [entry.name for entry, chosen in zip(ordered, rows, strict=True) if chosen]
        marks = _marks_of(opened, store, order[rows], case_id[rows], named)
        write_table(marks, folder / MARKS)
    encrypted = opened.encrypted_labels()
    if encrypted is not None and task.outcome is not None:
        raise OptionError(
            "labels under a custodian's key",
            where="dataset.sealed",
            allowed=f"classes; a {task.outcome.words} is sealed without a key",
            remedy="leave the sealed file out, and hold test cases out by a column `split` or "
            "`--test-sites`",
        )
    if encrypted is None or design == "cv":
        value = None if cases.value is None else _values(ordered)[test]
        seal_labels(folders.sealed, case_id[test], label[test], value)
    else:
        tokens = tuple(encrypted.tokens[position] for position in order[test].tolist())
        seal_encrypted_labels(folders.sealed, case_id[test], replace(encrypted, tokens=tokens))


def _list_images(
    opened: OpenSource, entries: Sequence[Entry], chosen: NDArray[np.int64]
) -> "_Listed":
    """List some entries of a source, by their positions, in the order of the store."""
    every = [opened.content_key(position) for position in chosen.tolist()]
    keys = [key for key in every if key is not None]
    order, case_id = shuffle_cases(len(chosen), keys)
    positions = chosen[order].tolist()
    return _Listed(
        positions,
        case_id.tolist(),
        [entries[position].name for position in positions],
        [keys[place] for place in order] if keys else [],
    )


def _settle_copies(
    source: Source,
    design: Design,
    opened: OpenSource,
    listed: "_Listed",
    entries: list[Entry],
    compute: Compute,
) -> "tuple[_Listed, list[Entry], list[str]]":
    """Return images and their entries, both in the order of the store, and what was done.

    Copies are looked for in a first reading; what is left out never enters the store.
    """
    ordered = [entries[position] for position in listed.positions]
    choice = source.copies if isinstance(source, RealDataSet) else "refuse"
    if choice == "refuse":
        return listed, ordered, []
    found = []
    with TemporaryDirectory() as place:
        for modality, of_kind in (opened.by_modality() or {"": opened}).items():
            folder = Path(place) / f"images {modality}"
            beside = IngestFolders(folder, folder, folder)
            _write_images(of_kind, listed, beside, compute)
            found.append(duplicate_pairs(ImageStore(folder)))
    settled = settle_copies(choice, ordered, unite_pairs(found), design)
    if not settled.sentence:
        return listed, ordered, []
    of_position = {
        listed.positions[at]: entry
        for at, entry in zip(settled.kept.tolist(), settled.entries, strict=True)
    }
    listed = _list_images(opened, entries, np.array(sorted(of_position), dtype=np.int64))
    return listed, [of_position[position] for position in listed.positions], [settled.sentence]


def _marks_of(
    opened: OpenSource,
    store: ImageStore,
    positions: NDArray[np.int64],
    case_id: NDArray[np.str_],
    names: Sequence[str],
) -> pd.DataFrame:
    """Tabulate the lesions of some cases; a radius in mm where the distance of rows is known."""
    rows = []
    for position, case, name in zip(positions.tolist(), case_id.tolist(), names, strict=True):
        side = pixel_side(store.spacing(case))
        for mark in opened.marks(position):
            check_mark(mark, store.image(case).shape, name)
            rows.append((case, mark.centre, mark.radius * side))
    return tabulate_places(rows)


def _write_truths(truths: Sequence[tuple[str, GroundTruth, float]], folder: Path) -> None:
    """Write what is known of generated cases: name, truth and the side of a pixel in mm."""
    rows = []
    for name, truth, _ in truths:
        place = zip(("slice", "row", "column")[-len(truth.place) :], truth.place, strict=True)
        rows.append({"case_id": name, "ideal_score": truth.ideal_score} | dict(place))
    write_table(pd.DataFrame(rows), folder / "truth.parquet")
    rated = [(name, *each, side) for name, truth, side in truths for each in truth.ideal_marks]
    if rated:
        marks = tabulate_places(
            [(name, mark.centre, mark.radius * side) for name, mark, _, side in rated]
        )
        scores = [score for *_, score, _ in rated]
        write_table(marks.assign(score=scores), folder / IDEAL_MARKS)


class _Listed(NamedTuple):
    """The images of a source in the order of the store."""

    positions: list[int]
    case_ids: list[str]
    names: list[str]
    keys: list[bytes]


class _Note(NamedTuple):
    """What is known of a stored image without a look at it."""

    modality: str
    brightness: float
    contrast: float
    spacing: Spacing | None
    shape: tuple[int, ...]
    depth: str
    made_gray: MadeGray
    stored_bits: int

    def ends_shard(self, key: bytes) -> bool:
        """Return whether a shard ends with the image; shards have some size in the mean."""
        size = math.prod(self.shape) * np.dtype(self.depth).itemsize
        return int.from_bytes(key[-8:]) < min(size / _SHARD_BYTES, _MAX_SHARE) * 2**64


class _Examined(NamedTuple):
    image: SpacedImage
    digest: bytes
    note: _Note


def _write_images(
    opened: OpenSource, listed: _Listed, folders: IngestFolders, compute: Compute
) -> list[_Note]:
    notes: list[_Note] = []
    truths: list[tuple[str, GroundTruth, float]] = []
    with ExitStack() as stack:
        progress = stack.enter_context(Progress("Ingest", len(listed.positions)))
        images = stack.enter_context(ShardWriter(folders.images))
        clean = None
        for place, (image, digest, note) in enumerate(_read(opened, listed, compute)):
            name = listed.case_ids[place]
            images.add(name, image.pixels, image.spacing, image.region, digest)
            notes.append(note)
            truth = opened.truth(listed.positions[place])
            if truth is not None:
                clean = clean or stack.enter_context(ShardWriter(folders.sealed / "clean"))
                clean.add(name, truth.clean, note.spacing)
                told = replace(truth, clean=truth.clean[:0])
                truths.append((name, told, pixel_side(note.spacing)))
            if listed.keys and note.ends_shard(listed.keys[place]):
                images.end_shard()
            progress.advance()
    if truths:
        _write_truths(truths, folders.sealed)
    return notes


def _summarise(notes: Sequence[_Note]) -> tuple[ImageKinds, TraitRanges]:
    seen = TraitsSeen()
    for note in notes:
        seen.add(note.spacing, note.modality, (note.brightness, note.contrast))
    return ImageKinds.summarise({(note.shape, note.depth) for note in notes}), seen.traits()


def _read(opened: OpenSource, listed: _Listed, compute: Compute) -> Iterator[_Examined]:
    """Yield the images in the order of the store."""
    parts = opened.parts(listed.positions)
    if parts is None:
        for position, name in zip(listed.positions, listed.names, strict=True):
            yield _examined(opened.image(position), name)
        return
    where = IN_PROCESS if opened.in_order else compute
    for images in where.map(_read_part, parts, releases_lock=True):
        yield from images


def _read_part(part: OpenSource) -> list[_Examined]:
    return [
        _examined(part.image(position), entry.name) for position, entry in enumerate(part.entries())
    ]


def _examined(image: SpacedImage, name: str) -> _Examined:
    pixels = image.pixels
    check_image(pixels, name)
    digest = content_digest(pixels, image.spacing, image.region)
    shape, depth = pixels.shape, str(pixels.dtype)
    brightness = brightness_of(pixels)
    origin = image.made_gray, image.stored_bits
    note = _Note(image.modality, *brightness, image.spacing, shape, depth, *origin)
    return _Examined(image, digest, note)


def shuffle_cases(n: int, keys: Sequence[bytes] = ()) -> tuple[NDArray[np.int64], NDArray[np.str_]]:
    """Return the position in the source of each case, and the cases' ids, both (n,).

    Ordered by digests, one more case leaves the order of the others; without, by a seeded shuffle.
    """
    order = stream(_ID_SEED, "case ids").permutation(n)
    if keys:
        order = np.array(sorted(range(n), key=keys.__getitem__), dtype=np.int64)
    return order, np.array([f"case-{rank:06d}" for rank in range(n)], dtype=str)


def tabulate_cases(
    entries: Sequence[Entry],
    case_id: NDArray[np.str_],
    clusters: NDArray[np.int64] | None,
    design: Design,
) -> Cases:
    """Return the case table; the labels and values of test cases are not in it.

    Args:
        clusters: (n,) the cluster of copies of each; None where all patients are known.
    """
    split = np.array(["train" if design == "cv" else entry.split for entry in entries], dtype=str)
    label = np.array([entry.label for entry in entries], dtype=np.int64)
    patient_id = _patient_ids(entries, clusters)
    sealed = split == "test"
    value = None
    if any(entry.value is not None for entry in entries):
        value = np.where(sealed, np.nan, _values(entries))
    return Cases(case_id, patient_id, split, np.where(sealed, SEALED, label), value)


def number_visits(entries: Sequence[Entry]) -> list[dict[str, int]]:
    """Return the columns of `visits.parquet`, a row an entry; none where a source has no visits.

    `visit` counts the visits of a patient from 1, `region` what is seen of the patient from 0: both
    are numbers within the patient and tell nothing more.
    """
    seen = [(entry.patient, entry.visit) for entry in entries if entry.visit is not None]
    if len(seen) < len(entries):
        return [{} for _ in entries]
    numbers: dict[str | None, set[int]] = defaultdict(set)
    regions: dict[str | None, set[str]] = defaultdict(set)
    for patient, visit in seen:
        numbers[patient].add(visit.number)
        regions[patient].add(visit.region)
    return [
        {
            "visit": 1 + sorted(numbers[patient]).index(visit.number),
            "region": sorted(regions[patient]).index(visit.region),
        }
        for patient, visit in seen
    ]


def _patient_ids(entries: Sequence[Entry], clusters: NDArray[np.int64] | None) -> NDArray[np.str_]:
    """Number patients in shuffled order; near-duplicate clusters stand in for unknown ones."""
    keys = [
        f"cluster {clusters[i]}"
        if clusters is not None and entry.patient is None
        else f"patient {entry.patient}"
        for i, entry in enumerate(entries)
    ]
    names = sorted(set(keys))
    numbers = stream(_ID_SEED, "patient ids").permutation(len(names))
    rank = dict(zip(names, numbers.tolist(), strict=True))
    return np.array([f"patient-{rank[key]:06d}" for key in keys], dtype=str)
