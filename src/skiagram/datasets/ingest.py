"""From any source to shards, a case table and a seal; no identifier gets through.

Case and patient ids are opaque and given after a seeded shuffle, because names and order of files
often tell the class. Labels of test cases and all that only a generator knows go to `sealed/`.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.compute.code_digest import code_digest, library_versions
from skiagram.compute.progress import Progress
from skiagram.datasets.checks import check_entries, check_image
from skiagram.datasets.contract import (
    Acquisition,
    Entry,
    GroundTruth,
    KeepsLabelsEncrypted,
    KnowsItsFiles,
    OpenSource,
    ReadsAhead,
    SeveralImages,
    Source,
    SpacedImage,
)
from skiagram.errors import DataError, OptionError
from skiagram.image_store.shards import DIGEST_BYTES, ShardWriter
from skiagram.image_store.store import NOTES, ImageStore, Kept, write_modalities
from skiagram.near_duplicates.search import copy_clusters
from skiagram.options import composed
from skiagram.preparation import PREPARATION, ImageKinds, Preparation, Traits, TraitsSeen
from skiagram.records import SEALED, Cases, Design, Task, write_record, write_table
from skiagram.sealing.labels import seal_encrypted_labels, seal_labels
from skiagram.seeding import stream

_ID_SEED = 20_011_990
_DECODERS = ("imagecodecs", "nibabel", "pillow", "pydicom", "pynrrd")


@dataclass(frozen=True)
class IngestFolders:
    """Where ingest writes.

    Attributes:
        images: Image shards and `preparation.json`.
        cases: `cases.parquet`, `covariates.parquet`, `reader_scores.parquet`, `task.json`,
            `card.json`.
        sealed: `labels.parquet`, or `labels.age` with `tokens.parquet`, and, for generated data,
            `truth.parquet` and `clean/`.
    """

    images: Path
    cases: Path
    sealed: Path


def task_of(source: Source, design: Design) -> Task:
    """Return the task of a source under a design.

    Raises:
        OptionError: `positive_class` is missing or not one of the classes.
    """
    classes = tuple(source.classes)
    if len(classes) < 2 or len(set(classes)) != len(classes):
        raise OptionError(f"{list(classes)}", where="dataset.classes", allowed="two or more names")
    if len(classes) == 2 and source.positive_class not in classes:
        raise OptionError(
            f"{source.positive_class!r} was given",
            where="dataset.positive_class",
            allowed=" or ".join(classes),
        )
    positive = classes.index(source.positive_class) if source.positive_class in classes else None
    return Task(classes, positive if len(classes) == 2 else None, design)


def ingest(
    source: Source,
    design: Design,
    root: Path | None,
    folders: IngestFolders,
    kept: Path | None = None,
) -> None:
    """Read a source and write shards, cases and the seal.

    Args:
        source: Options of the data set.
        design: `holdout` seals the published test split; `cv` keeps all cases for development.
        root: Folder where the source's files are at hand; None to fetch them.
        folders: Where to write.
        kept: Folder of what earlier runs read from files, and for what this one reads; no byte of
            the outputs depends on it. None to read all files.

    Raises:
        DataError: The source cannot be used; the message names file and remedy.
    """
    task = task_of(source, design)
    opened = source.open(root)
    acquisition = _acquisition_of(opened, source)
    entries = opened.entries()
    check_entries(entries, task, f"data set {source.card().name}")
    order, case_id = shuffle_cases(len(entries))
    names = [entry.name for entry in entries]
    own_kept = kept and kept / "images"
    traits = _write_images(opened, names, order, case_id, folders, own_kept)
    by_modality = opened.by_modality() if isinstance(opened, SeveralImages) else {}
    write_modalities(folders.images, list(by_modality))
    for modality, further in list(by_modality.items())[1:]:
        beside = replace(folders, images=folders.images / modality)
        _write_images(further, names, order, case_id, beside, kept and kept / modality)
    preparation = _preparation(acquisition, folders.images, traits, tuple(by_modality))
    write_record(preparation, folders.images / PREPARATION)
    ordered = [entries[position] for position in order]
    unknown = any(entry.patient is None for entry in ordered)
    clusters = copy_clusters(ImageStore(folders.images)) if unknown else None
    label = np.array([entry.label for entry in ordered], dtype=np.int64)
    cases = tabulate_cases(ordered, case_id, clusters, design)
    cases.write(folders.cases / "cases.parquet")
    tables = {
        "covariates": [dict(entry.covariates) for entry in ordered],
        "reader_scores": [dict(entry.scores) for entry in ordered],
    }
    for name, rows in tables.items():
        table = pd.DataFrame(rows)
        table.insert(0, "case_id", case_id)
        write_table(table, folders.cases / f"{name}.parquet")
    write_record(task, folders.cases / "task.json")
    write_record(source.card(), folders.cases / "card.json")
    test = cases.split == "test"
    encrypted = opened.encrypted_labels() if isinstance(opened, KeepsLabelsEncrypted) else None
    if encrypted is None or design == "cv":
        seal_labels(folders.sealed, case_id[test], label[test])
    else:
        tokens = tuple(encrypted.tokens[position] for position in order[test].tolist())
        seal_encrypted_labels(folders.sealed, case_id[test], replace(encrypted, tokens=tokens))


def _write_images(
    opened: OpenSource,
    names: list[str],
    order: NDArray[np.int64],
    case_id: NDArray[np.str_],
    folders: IngestFolders,
    kept: Path | None,
) -> Traits:
    truths: list[dict[str, object]] = []
    seen = TraitsSeen()
    files = _ReadFiles(opened, order.tolist(), kept)
    with ExitStack() as stack:
        bar = stack.enter_context(Progress("Ingest", len(order)))
        images = stack.enter_context(ShardWriter(folders.images))
        clean = None
        for name, position, image in zip(
            case_id.tolist(), order.tolist(), files.images(), strict=True
        ):
            if image.digest is None:
                check_image(image.pixels, names[position])
            images.add(name, image.pixels, image.spacing, image.region, image.digest)
            traits = seen.add(image.pixels, image.spacing, image.modality, image.brightness)
            files.notes.append((image.modality, *traits))
            bar.advance()
            truth = opened.truth(position)
            if truth is not None:
                clean = clean or stack.enter_context(ShardWriter(folders.sealed / "clean"))
                clean.add(name, truth.clean, image.spacing)
                truths.append({"case_id": name, **_columns(truth)})
    if truths:
        write_table(pd.DataFrame(truths), folders.sealed / "truth.parquet")
    files.keep(folders.images)
    return seen.traits()


@dataclass(frozen=True)
class _ReadImage(SpacedImage):
    """An image as ingest stores it.

    Attributes:
        digest: Of an image that an earlier run read; None of one that was read now.
        brightness: Mean and standard deviation of its pixels, where an earlier run noted them.
    """

    digest: bytes | None = None
    brightness: tuple[float, float] | None = None


class _ReadFiles:
    """The images of a source; a file that an earlier run read and that is as it was is not opened.

    Args:
        opened: The source.
        positions: Which images, in order.
        kept: Folder of what earlier runs read; None to read all.
    """

    def __init__(self, opened: OpenSource, positions: list[int], kept: Path | None) -> None:
        self._opened, self._positions = opened, positions
        self._kept, self._keys, self._identity = kept, [b""] * len(positions), ""
        self._earlier: Kept | None = None
        self.notes: list[tuple[str, float, float]] = []
        if kept is None or not isinstance(opened, KnowsItsFiles):
            self._kept = None
            return
        states = [opened.file_state(position) for position in positions]
        if None in states:
            self._kept = None
            return
        code = code_digest(type(opened), check_image)
        self._identity = repr((code, library_versions(*_DECODERS)))
        self._keys = [
            hashlib.sha256(repr(state).encode()).digest()[:DIGEST_BYTES] for state in states
        ]
        self._earlier = Kept.find(kept, self._identity)

    def images(self) -> Iterator[_ReadImage]:
        """Yield them in order.

        Raises:
            DataError: A file cannot be used.
        """
        known = self._known()
        missing = [
            position
            for position, key in zip(self._positions, self._keys, strict=True)
            if key not in known
        ]
        read = _read(self._opened, missing)
        for key in self._keys:
            if key in known:
                yield known[key]()
            else:
                image = next(read)
                yield _ReadImage(**vars(image))

    def _known(self) -> dict[bytes, Callable[[], _ReadImage]]:
        if self._earlier is None:
            return {}
        try:
            store = ImageStore(self._earlier.folder)
            digests = store.digests()
            notes = json.loads((self._earlier.folder / NOTES).read_text())
        except (OSError, ValueError, DataError):  # damaged: all is read anew
            return {}

        def image(place: int) -> _ReadImage:
            case_id, (modality, *brightness) = store.case_ids[place], notes[place]
            return _ReadImage(
                store.image(case_id), store.spacing(case_id), modality, store.region(case_id),
                digest=digests[place], brightness=(brightness[0], brightness[1]),
            )  # fmt: skip

        wanted = set(self._keys)
        return {
            key: partial(image, place)
            for key, place in self._earlier.place.items()
            if key in wanted
        }

    def keep(self, images: Path) -> None:
        """Keep what was read for later runs.

        Args:
            images: The finished store.
        """
        shards = [*images.glob("images-*.arrow"), images / "index.json"]
        Kept.keep(self._kept, self._identity, self._keys, shards, json.dumps(self.notes))


def _columns(truth: GroundTruth) -> dict[str, float]:
    place = {} if truth.slice is None else {"slice": truth.slice}
    place |= {"row": truth.row, "column": truth.column}
    return {"ideal_score": truth.ideal_score, **place}


def _acquisition_of(opened: OpenSource, source: Source) -> Acquisition | None:
    if not hasattr(opened, "acquisition"):
        raise OptionError(
            f"`{type(opened).__name__}` has no `acquisition`",
            where=f"data set {source.card().name}",
            allowed="what the source does to pixels, or None",
            remedy="give the opened source `acquisition`; new images are prepared by it",
        )
    return opened.acquisition


def _preparation(
    acquisition: Acquisition | None, images: Path, traits: Traits, modalities: tuple[str, ...]
) -> Preparation:
    """Return what a new image must go through to become an image like these."""
    changes = None if acquisition is None else composed(acquisition)
    store = ImageStore(images)
    kinds = ImageKinds.of(image for _, image in store)
    return Preparation(
        kinds,
        changes,
        images_sha256=store.sha256,
        traits=traits,
        modalities=modalities,
        regions=store.region(store.case_ids[0]) is not None,
    )


def _read(opened: OpenSource, positions: list[int]) -> Iterator[SpacedImage]:
    if isinstance(opened, ReadsAhead):
        return opened.read_ahead(positions)
    return map(opened.image, positions)


def shuffle_cases(n: int) -> tuple[NDArray[np.int64], NDArray[np.str_]]:
    """Return the position in the source of each case, and the cases' ids, both (n,)."""
    order = stream(_ID_SEED, "case ids").permutation(n)
    return order, np.array([f"case-{rank:06d}" for rank in range(n)], dtype=str)


def tabulate_cases(
    entries: Sequence[Entry],
    case_id: NDArray[np.str_],
    clusters: NDArray[np.int64] | None,
    design: Design,
) -> Cases:
    """Return the case table; the labels of test cases are not in it.

    Args:
        entries: The n entries in the order of the cases.
        case_id: (n,) their ids.
        clusters: (n,) the cluster of copies of each; None where all patients are known.
        design: `cv` keeps all cases for development.
    """
    split = np.array(["train" if design == "cv" else entry.split for entry in entries], dtype=str)
    label = np.array([entry.label for entry in entries], dtype=np.int64)
    patient_id = _patient_ids(entries, clusters)
    return Cases(case_id, patient_id, split, np.where(split == "test", SEALED, label))


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
