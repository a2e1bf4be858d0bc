"""From any source to shards, a case table and a seal; no identifier gets through.

Case and patient ids are opaque and given after a seeded shuffle, because names and order of files
often tell the class. Labels of test cases and all that only a generator knows go to `sealed/`.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.compute.progress import Progress
from skiagram.datasets.checks import check_entries, check_image
from skiagram.datasets.contract import (
    Acquisition,
    Entry,
    GroundTruth,
    KeepsLabelsEncrypted,
    OpenSource,
    ReadsAhead,
    SeveralImages,
    Source,
    SpacedImage,
)
from skiagram.errors import OptionError
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore, write_modalities
from skiagram.near_duplicates.search import copy_clusters
from skiagram.options import composed
from skiagram.preparation import PREPARATION, ImageKinds, Preparation, Traits, TraitsSeen
from skiagram.records import SEALED, Cases, Design, Task, write_record, write_table
from skiagram.sealing.labels import seal_encrypted_labels, seal_labels
from skiagram.seeding import stream

_ID_SEED = 20_011_990


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


def ingest(source: Source, design: Design, root: Path | None, folders: IngestFolders) -> None:
    """Read a source and write shards, cases and the seal.

    Args:
        source: Options of the data set.
        design: `holdout` seals the published test split; `cv` keeps all cases for development.
        root: Folder where the source's files are at hand; None to fetch them.
        folders: Where to write.

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
    traits = _write_images(opened, names, order, case_id, folders)
    by_modality = opened.by_modality() if isinstance(opened, SeveralImages) else {}
    write_modalities(folders.images, list(by_modality))
    for modality, further in list(by_modality.items())[1:]:
        beside = replace(folders, images=folders.images / modality)
        _write_images(further, names, order, case_id, beside)
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
) -> Traits:
    truths: list[dict[str, object]] = []
    seen = TraitsSeen()
    with ExitStack() as stack:
        bar = stack.enter_context(Progress("Ingest", len(order)))
        images = stack.enter_context(ShardWriter(folders.images))
        clean = None
        for name, position, image in zip(
            case_id.tolist(), order.tolist(), _read(opened, order.tolist()), strict=True
        ):
            check_image(image.pixels, names[position])
            images.add(name, image.pixels, image.spacing, image.region)
            seen.add(image.pixels, image.spacing, image.modality)
            bar.advance()
            truth = opened.truth(position)
            if truth is not None:
                clean = clean or stack.enter_context(ShardWriter(folders.sealed / "clean"))
                clean.add(name, truth.clean, image.spacing)
                truths.append({"case_id": name, **_columns(truth)})
    if truths:
        write_table(pd.DataFrame(truths), folders.sealed / "truth.parquet")
    return seen.traits()


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
