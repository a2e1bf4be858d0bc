"""Scores cases with a trained model, block after block, and writes the table of predictions.

A case that cannot be scored has a row with the reason. Rows lie on disk as soon as their block is
scored, so that a run that was cut short goes on where it ended; blocks are cut the same way in
every run, so the finished table has the same bytes. It is written whole or not at all.
"""

import csv
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.compute.progress import Progress
from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.deploy.inputs import NO_COVARIATES, CovariateTable, PreparedImage, PreparedImages
from skiagram.deploy.model import DeployedModel
from skiagram.deploy.new_cases import NewCase
from skiagram.errors import DataError, ModelFailure, OptionError, SkiagramError
from skiagram.features.covariates import SITE_PREFIX
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore, write_modalities

_HELD_BYTES = 512 * 1024**2
_PARTIAL = ".partial"
JSON_LINES = (".jsonl", ".ndjson")
Watch = Callable[[Sequence[str], PreparedImages], None]


@dataclass(frozen=True)
class Row:
    """What became of a case.

    Attributes:
        file: What the case is called.
        probability: One a class; empty where the case could not be scored.
        decision: `positive` or `negative`; empty with more than two classes.
        set: Classes that the prediction set leaves open.
        refer: Why a person must look; empty where nothing speaks for it.
        unusual: In what no case of training was like it.
        unseen: Texts of its covariates that no case of training had.
        error: Why it could not be scored; empty where it was.
        without_covariates: One probability a class as if no covariate were known; empty for a
            model that reads none.
        without_earlier: The same as if there were no earlier image; empty for a model that compares
            with none.
        missing: What the model reads besides the image and nobody gave.
    """

    file: str
    probability: tuple[float, ...] = ()
    decision: str = ""
    set: tuple[str, ...] = ()
    refer: tuple[str, ...] = ()
    unusual: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    error: str = ""
    without_covariates: tuple[float, ...] = ()
    without_earlier: tuple[float, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass
class Prediction:
    """What became of each file.

    Attributes:
        files: Images that were scored, in the order given.
        rows: One (n_classes,) row of probabilities per image.
        refused: Why each other file was not scored.
        unusual: In what no image of training was like one, by image; only those that are unlike.
        unseen: Texts of an image's covariates that no case of training had, by image.
    """

    files: list[Path] = field(default_factory=list)
    rows: list[NDArray[np.float64]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    unusual: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    unseen: dict[Path, tuple[str, ...]] = field(default_factory=dict)


def predict(
    model: DeployedModel, files: Sequence[Path], covariates: CovariateTable = NO_COVARIATES
) -> Prediction:
    """Score image files and keep all of it at hand; `score_cases` keeps nothing.

    Args:
        model: A loaded model.
        files: Image files.
        covariates: What the model reads besides the images.
    """
    prediction = Prediction()
    for row in score_cases(model, [NewCase.of_file(file) for file in files], covariates):
        file = Path(row.file)
        if row.error:
            prediction.refused.append(row.error)
            continue
        prediction.files.append(file)
        prediction.rows.append(np.array(row.probability))
        if row.unusual:
            prediction.unusual[file] = row.unusual
        if row.unseen:
            prediction.unseen[file] = row.unseen
    return prediction


def score_cases(
    model: DeployedModel,
    cases: Sequence[NewCase],
    covariates: CovariateTable = NO_COVARIATES,
    compute: Compute = IN_PROCESS,
    done: int = 0,
    watch: Watch | None = None,
) -> Iterator[Row]:
    """Yield a row per case, in order; only some cases are held at a time.

    Args:
        model: A loaded model.
        cases: What to score.
        covariates: What the model reads besides the images.
        compute: Where the work is done; a network uses the whole machine by itself.
        done: Cases that an earlier run scored, whole blocks of them: they are left out.
        watch: Called with names and images of cases once they are scored, from several threads.
    """
    size = model.scorer.batch
    blocks = (cases[start : start + size] for start in range(done, len(cases), size))
    work = partial(_score_block, model, covariates, watch)
    scored: Iterable[list[Row]] = map(work, blocks)
    if model.scorer.in_threads and compute != IN_PROCESS:
        scored = compute.map(work, blocks, releases_lock=True)
    with Progress("Predict", len(cases)) as progress:
        progress.advance(done)
        for rows in scored:
            yield from rows
            progress.advance(len(rows))


def _score_block(
    model: DeployedModel,
    covariates: CovariateTable,
    watch: Watch | None,
    block: Sequence[NewCase],
) -> list[Row]:
    rows: dict[str, Row] = {}
    batch: list[PreparedImage] = []
    held = 0
    for case in block:
        try:
            batch.append(prepare_case(model, case, covariates))
            held += batch[-1].nbytes
        except (SkiagramError, MemoryError) as error:
            rows[case.name] = Row(case.name, error=_reason(error, case.name))
        if held > _HELD_BYTES:
            rows |= _score(model, covariates, watch, batch)
            batch, held = [], 0
    if batch:
        rows |= _score(model, covariates, watch, batch)
    return [rows[case.name] for case in block]


def prepare_case(model: DeployedModel, case: NewCase, covariates: CovariateTable) -> PreparedImage:
    """Return a case as the model sees it, with its images of the visit before if it wants them.

    Args:
        model: The model.
        case: The case.
        covariates: What the model reads besides the images.

    Raises:
        DataError: The case cannot be read, or its row of covariates.
    """
    prepared = model.preparer.prepare(case, covariates.values(case.name))
    missing = covariates.missing(case.name) if covariates.features else []
    earlier = []
    if model.scorer.reads_earlier:
        for before in case.earlier:
            with suppress(SkiagramError):  # it has a row of its own, which says why
                earlier.append(model.preparer.prepare(before, prepared.covariates))
        if not earlier:
            missing.append("earlier image unreadable" if case.earlier else "no earlier image")
    return replace(prepared, earlier=tuple(earlier), missing=tuple(missing))


def _reason(error: SkiagramError | MemoryError, name: str) -> str:
    if isinstance(error, SkiagramError):
        return str(error)
    return str(DataError("out of memory", where=name, remedy="score it alone, with `--workers 1`"))


def _score(
    model: DeployedModel,
    covariates: CovariateTable,
    watch: Watch | None,
    batch: list[PreparedImage],
) -> dict[str, Row]:
    try:
        examined = _examine(model, watch, batch)
    except (DataError, ModelFailure, MemoryError) as error:
        if len(batch) > 1:  # score each alone to find out which one
            alone = [_score(model, covariates, watch, [prepared]) for prepared in batch]
            return {name: row for rows in alone for name, row in rows.items()}
        (prepared,) = batch
        if isinstance(error, SkiagramError):
            error = type(error)(
                error.found, where=prepared.name, allowed=error.allowed, remedy=error.remedy
            )
        return {prepared.name: Row(prepared.name, error=_reason(error, prepared.name))}
    rows = {}
    for place, prepared in enumerate(batch):
        far = examined.unfamiliar[place]
        unusual = (*prepared.unusual, *([far] if far else ()))
        unseen = tuple(covariates.unseen(prepared.name))
        row = judge(model, prepared.name, examined.probability[place], unusual, unseen)
        without = {name: tuple(of[place].tolist()) for name, of in examined.without.items()}
        rows[prepared.name] = replace(
            row,
            missing=prepared.missing,
            without_covariates=without.get("without_covariates", ()),
            without_earlier=without.get("without_earlier", ()),
        )
    return rows


def judge(
    model: DeployedModel,
    name: str,
    probability: NDArray[np.float64],
    unusual: tuple[str, ...] = (),
    unseen: tuple[str, ...] = (),
) -> Row:
    """Return the row of a scored case.

    Args:
        model: The model.
        name: What the case is called.
        probability: (n_classes,).
        unusual: In what no case of training was like it.
        unseen: Texts of its covariates that no case of training had.
    """
    decision = ""
    left: tuple[str, ...] = ()
    if model.threshold is not None and model.task.positive is not None:
        above = probability[model.task.positive] >= model.threshold
        decision = "positive" if above else "negative"
    refer = ["unlike the training data"] if unusual else []
    if model.fingerprint is not None:
        (inside,) = model.fingerprint.sets(probability[None])
        left = tuple(k for k, own in zip(model.task.classes, inside, strict=True) if own)
        if not left:
            refer.append("no class fits")
        elif len(left) > 1:
            refer.append("several classes fit")
    values = tuple(probability.tolist())
    return Row(name, values, decision, left, tuple(refer), unusual, unseen)


@dataclass(frozen=True)
class _Examined:
    """What a model says of n cases.

    Attributes:
        probability: (n, n_classes).
        unfamiliar: What is unfamiliar of each.
        without: Field of `Row` → (n, n_classes) probabilities without what it names.
    """

    probability: NDArray[np.float64]
    unfamiliar: list[str]
    without: dict[str, NDArray[np.float64]]


def _examine(model: DeployedModel, watch: Watch | None, batch: list[PreparedImage]) -> _Examined:
    scorer = model.scorer
    with stored(batch) as images:
        probability, unfamiliar = model.probabilities(images), scorer.unfamiliar(images)
        without = {}
        if any(feature.covariate.prefix != SITE_PREFIX for feature in scorer.covariates):
            blind = images.without_covariates(scorer.covariates)
            without["without_covariates"] = model.probabilities(blind)
        if scorer.reads_earlier:
            without["without_earlier"] = model.probabilities(images.without_earlier())
        if watch is not None:
            watch([prepared.name for prepared in batch], images)
    return _Examined(probability, unfamiliar, without)


@contextmanager
def stored(batch: Sequence[PreparedImage]) -> Iterator[PreparedImages]:
    """Write some cases where a model reads them; they are gone afterwards."""
    with TemporaryDirectory(prefix="skiagram-predict-") as place:
        covariates = np.stack([prepared.covariates for prepared in batch])
        images = PreparedImages(_store(Path(place) / "new", batch), covariates)
        before = [earlier for prepared in batch for earlier in prepared.earlier]
        if before:
            ends = np.cumsum([0, *(len(prepared.earlier) for prepared in batch)]).tolist()
            images = replace(
                images,
                earlier=PreparedImages(_store(Path(place) / "earlier", before), covariates[:0]),
                previous={
                    _case_id(row): [_case_id(k) for k in range(*pair)]
                    for row, pair in enumerate(pairwise(ends))
                },
            )
        yield images


def _store(folder: Path, batch: Sequence[PreparedImage]) -> ImageStore:
    """Write prepared images as restored ones are stored."""
    names = list(batch[0].images)
    for modality in names:
        with ShardWriter(folder if modality == names[0] else folder / modality) as writer:
            for row, prepared in enumerate(batch):
                image = prepared.images[modality]
                writer.add(_case_id(row), image.pixels, image.spacing, image.region)
    write_modalities(folder, names)
    return ImageStore(folder)


def _case_id(row: int) -> str:
    return f"image-{row:06d}"


def check_target(path: Path, images: Iterable[str], *, replace: bool) -> None:
    """Refuse a place where the table could not or should not be written.

    Raises:
        OptionError: Its folder is missing or read-only, it is a folder or an image, or it exists.
    """
    if path.is_dir():
        raise OptionError("is a folder", where=str(path), allowed="the name of a file to write")
    if not path.parent.is_dir():
        raise OptionError("no such folder", where=str(path.parent), remedy="make it first")
    if not os.access(path.parent, os.W_OK):
        raise OptionError("no right to write here", where=str(path.parent))
    if path.exists() and any(Path(image).exists() and path.samefile(image) for image in images):
        raise OptionError("is one of the images", where=str(path), remedy="name another file")
    if path.exists() and not replace:
        raise OptionError(
            "exists already", where=str(path), remedy="name another file, or give --force"
        )


class Journal:
    """Rows of a run as they are scored, a line of JSON each, beside the table to be.

    Args:
        table: The table that will be written.
        key: What the rows depend on; rows of another key are thrown away.
    """

    def __init__(self, table: Path, key: str) -> None:
        self._path = table.with_name(f"{table.name}{_PARTIAL}")
        self._head = json.dumps({"key": key}) + "\n"
        if not self._is_ours():
            self._path.write_text(self._head, encoding="utf-8")

    def _is_ours(self) -> bool:
        try:
            with self._path.open(encoding="utf-8") as file:
                return file.readline() == self._head
        except (OSError, ValueError):
            return False

    def resume(self, block: int, cases: int) -> int:
        """Keep the rows of whole blocks, and return how many these are.

        Args:
            block: Cases of a block.
            cases: All cases.
        """
        ends = [len(self._head)]
        with self._path.open("rb") as file:
            file.readline()
            while (line := file.readline()).endswith(b"\n"):
                ends.append(ends[-1] + len(line))
        rows = len(ends) - 1
        kept = rows if rows == cases else rows - rows % block
        with self._path.open("r+b") as file:
            file.truncate(ends[kept])
        return kept

    def write(self, rows: Iterable[Row]) -> None:
        """Add rows; each is on disk before the next is asked for, but for a block at most."""
        with self._path.open("a", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps(asdict(row)) + "\n")
                file.flush()

    def __iter__(self) -> Iterator[Row]:
        """Yield all rows so far."""
        with self._path.open(encoding="utf-8") as file:
            file.readline()
            for line in file:
                values: dict[str, Any] = {
                    name: tuple(value) if isinstance(value, list) else value
                    for name, value in json.loads(line).items()
                }
                yield Row(**values)

    def close(self) -> None:
        """Throw the rows away: the table is written."""
        self._path.unlink(missing_ok=True)


def key_of(
    model: DeployedModel, cases: Sequence[NewCase], covariates: CovariateTable, version: str
) -> str:
    """Return what the rows of a run depend on: model, program, cases, their files and covariates.

    Args:
        model: The model.
        cases: The cases.
        covariates: What the model reads besides the images.
        version: Of the program.
    """
    digest = hashlib.sha256(f"{version} {model.digest} {model.preparer.mask_grid}".encode())
    for case in cases:
        line: list[Any] = [case.name, sorted(map(repr, case.images.items()))]
        line += [before.name for before in case.earlier]
        for image in case.images.values():
            line += [case.tree.state(name) for name in (image.file, image.mask) if name]
        digest.update(repr(line).encode())
    digest.update(
        repr(sorted((name, sorted(row.items())) for name, row in covariates.cells.items())).encode()
    )
    return digest.hexdigest()


def beside_images(model: DeployedModel) -> tuple[str, ...]:
    """Return the fields of `Row` that tell what the model makes of more than the image."""
    covariates = any(each.covariate.prefix != SITE_PREFIX for each in model.scorer.covariates)
    reads = {"without_covariates": covariates, "without_earlier": model.scorer.reads_earlier}
    return tuple(name for name, read in reads.items() if read)


def write_table(
    rows: Iterable[Row],
    classes: Sequence[str],
    path: Path,
    *,
    decides: bool,
    beside: Sequence[str] = (),
) -> None:
    """Write one row per case: CSV, or JSON lines where the name ends so.

    Args:
        rows: What became of each case.
        classes: Names of the classes.
        path: File to write; an earlier one is replaced.
        decides: Whether there are decisions.
        beside: What `beside_images` says of the model.
    """
    columns = [f"probability_{name}" for name in classes] + ["decision"] * decides
    further = [f"{kind}_{name}" for kind in beside for name in classes]
    further += ["missing"] if beside else []
    partial_path = path.with_name(f".skiagram-{os.getpid()}")  # names may be as long as can be
    try:
        with partial_path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            if path.suffix in JSON_LINES:
                for row in rows:
                    file.write(json.dumps(as_object(row, classes)) + "\n")
            else:
                writer = csv.writer(file, lineterminator="\n")
                said = ["set", "refer", "unusual", "error"]
                writer.writerow(["file", *columns, *said, *further])
                for row in rows:
                    cells = _cells(row, len(classes), decides=decides)
                    writer.writerow(cells + _cells_beside(row, len(classes), beside))
        partial_path.replace(path)
    finally:
        partial_path.unlink(missing_ok=True)


def _cells(row: Row, classes: int, *, decides: bool) -> list[Any]:
    probability = row.probability or ("",) * classes
    decision = [row.decision] if decides else []
    said = ["; ".join(words) for words in (row.set, row.refer, row.unusual)]
    return [row.file, *probability, *decision, *said, row.error]


def _cells_beside(row: Row, classes: int, beside: Sequence[str]) -> list[Any]:
    values = [value for kind in beside for value in getattr(row, kind) or ("",) * classes]
    return [*values, "; ".join(row.missing)] if beside else []


def as_object(row: Row, classes: Sequence[str]) -> dict[str, Any]:
    """Return a row with names of classes beside the probabilities; None where it has none."""
    kinds = ("probability", "without_covariates", "without_earlier")
    values = {kind: getattr(row, kind) for kind in kinds}
    named = {
        kind: dict(zip(classes, value, strict=True)) if value else None
        for kind, value in values.items()
    }
    return asdict(row) | named
