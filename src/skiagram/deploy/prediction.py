"""Scores cases with a trained model, block after block, and writes the table of predictions.

A case that cannot be scored has a row with the reason. The table is written whole or not at all.
"""

import csv
import hashlib
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from skiagram.compute.files import named_in_errors
from skiagram.compute.progress import Progress
from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.deploy.finders import FoundMark, list_marks
from skiagram.deploy.inputs import (
    PreparedImage,
    check_covariates,
    list_outlying,
    list_unknown,
    list_unseen,
)
from skiagram.deploy.model import DeployedModel
from skiagram.deploy.new_cases import NewCase
from skiagram.deploy.prepared_cases import PreparedCases, stored
from skiagram.doors import in_words_of
from skiagram.errors import DataError, ModelFailure, SkiagramError, refusal
from skiagram.image_store.store import ImageStore
from skiagram.tables.frames import inert

_HELD_BYTES = 512 * 1024**2
_SAID = ("unusual", "error")
Watch = Callable[[Sequence[str], PreparedCases], None]


@dataclass(frozen=True)
class CaseResult:
    """What became of a case; names of fields are those of the table's columns.

    Attributes:
        probability: One a class; empty where the case could not be scored.
        decision: `positive` or `negative`; empty with more than two classes.
        unusual: In what the image is unlike all training images: a person must look.
        unseen: Texts of covariates that training did not know.
        missing: What the model reads besides the image and nobody gave.
        marks: Of a finder; the highest of each repeat first.
    """

    file: str
    probability: tuple[float, ...] = ()
    decision: str = ""
    unusual: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    error: str = ""
    missing: tuple[str, ...] = ()
    marks: tuple[FoundMark, ...] = ()


def score_cases(
    model: DeployedModel,
    cases: Sequence[NewCase],
    compute: Compute = IN_PROCESS,
    watch: Watch | None = None,
) -> Iterator[CaseResult]:
    """Yield a result per case, in order; only some cases are held at a time.

    Args:
        compute: Where the work is done; a network uses the whole machine by itself.
        watch: Called with names of cases once they are scored, and the cases, from several threads.
    """
    # Blocks of the scorer's size.
    size = model.scorer.requires.batch
    blocks = (cases[start : start + size] for start in range(0, len(cases), size))
    work = _Scoring(model, watch).score_block
    # Side by side, unless the scorer takes the whole machine.
    scored: Iterable[list[CaseResult]] = map(work, blocks)
    if not model.scorer.requires.whole_machine and compute != IN_PROCESS:
        scored = compute.map(work, blocks, releases_lock=True)
    with Progress("Predict", len(cases)) as progress:
        for results in scored:
            yield from results
            progress.advance(len(results))


def prepare_case(model: DeployedModel, case: NewCase) -> PreparedImage:
    """Prepare a case as the model sees it, with its images of the visit before if it wants them.

    Raises:
        DataError: The case cannot be read, or its covariates.
    """
    # The case itself.
    read, requires = model.scorer.covariates, model.scorer.requires
    check_covariates(read, case, refuses_sites=requires.refuses_sites)
    prepared = model.preparer.prepare(case, case.cells)
    missing = list_unknown(read, case.cells)
    read_features = [case.measured[name] for name in requires.columns if name in case.measured]
    if gaps := sum(map(math.isnan, read_features)):
        missing.append(f"{gaps} of {len(read_features)} features")
    # Images of the visit before.
    earlier = []
    if model.scorer.reads_earlier:
        for before in case.earlier:
            with suppress(SkiagramError):  # it has a row of its own, which says why
                earlier.append(model.preparer.prepare(before, prepared.covariates))
        if not earlier:
            missing.append("earlier image unreadable" if case.earlier else "no earlier image")
        elif "region" in model.preparer.preparation.columns and not case.cells.get("region"):
            missing.append("`region` is unknown")
    # The other image of the patient.
    other = None
    if requires.reads_other:
        with suppress(SkiagramError):
            if case.other is not None:
                other = model.preparer.prepare(case.other, prepared.covariates)
        if other is None:
            unread = "other image of the patient unreadable"
            missing.append(unread if case.other else "no other image of the patient")
    return replace(prepared, earlier=tuple(earlier), missing=tuple(missing), other=other)


@dataclass(frozen=True)
class _Scoring:
    """What the scoring of all blocks has in common; see `score_cases`."""

    model: DeployedModel
    watch: Watch | None

    def score_block(self, block: Sequence[NewCase]) -> list[CaseResult]:
        results: dict[str, CaseResult] = {}
        batch: list[PreparedImage] = []
        held = 0
        # Cases are prepared until so many bytes are held, then scored.
        for case in block:
            try:
                batch.append(prepare_case(self.model, case))
                held += batch[-1].nbytes
            except (SkiagramError, MemoryError) as error:
                results[case.name] = CaseResult(case.name, error=_reason(error, case.name))
            if held > _HELD_BYTES:
                results |= self._score(batch)
                batch, held = [], 0
        if batch:
            results |= self._score(batch)
        return [results[case.name] for case in block]

    def _score(self, batch: list[PreparedImage]) -> dict[str, CaseResult]:
        # An error of one case leaves the others.
        try:
            return {result.file: result for result in self._examine(batch)}
        except (DataError, ModelFailure, MemoryError) as error:
            if len(batch) > 1:  # score each alone to find out which one
                alone = [self._score([prepared]) for prepared in batch]
                return {name: result for results in alone for name, result in results.items()}
            name = batch[0].name
            if isinstance(error, SkiagramError):
                error = error.restated(type(error), where=name)
            return {name: CaseResult(name, error=_reason(error, name))}

    def _examine(self, batch: list[PreparedImage]) -> Iterator[CaseResult]:
        model, scorer = self.model, self.model.scorer
        marks: dict[str, tuple[FoundMark, ...]] = {}
        # The scores of all cases, and how far they lie from the training cases.
        with stored(batch) as cases:
            probability, unfamiliar = model.probabilities(cases), scorer.unfamiliar(cases)
            if finders := scorer.finders:
                pairs = zip(cases.case_id, batch, strict=True)
                grids = {case: prepared.image.grid for case, prepared in pairs}
                # Marks lie in the restored images of the first modality.
                images, decisions = ImageStore(cases.restored), model.deployment.decisions
                marks = list_marks(finders, cases.marks, decisions, images, grids)
            if self.watch is not None:
                self.watch([prepared.name for prepared in batch], cases)
        # The result of each case.
        for place, prepared in enumerate(batch):
            decision, far, cells = "", unfamiliar[place], prepared.covariates
            unseen = list_unseen(scorer.covariates, cells)
            if model.threshold is not None and model.task.predicted.positive is not None:
                above = probability[place, model.task.predicted.positive] >= model.threshold
                decision = "positive" if above else "negative"
            yield CaseResult(
                prepared.name,
                tuple(probability[place].tolist()),
                decision,
                unusual=(
                    *prepared.unusual,
                    *list_outlying(scorer.covariates, cells),
                    *([far] if far else ()),
                ),
                unseen=tuple(f"{column} `{cells[column]}`" for column in unseen),
                missing=prepared.missing,
                marks=marks.get(cases.case_id[place], ()),
            )


def _reason(error: SkiagramError | MemoryError, name: str) -> str:
    if isinstance(error, SkiagramError):
        return in_words_of("predict", str(error))
    return str(refusal("deploy.out_of_memory", name))


def check_target(path: Path, images: Iterable[str], *, replace: bool) -> None:
    """Refuse a place where the table could not or should not be written."""
    # The folder must be there and may be written to.
    if path.is_dir():
        raise refusal("deploy.output_folder", str(path))
    if not path.parent.is_dir():
        raise refusal("deploy.no_output_folder", str(path.parent))
    if not os.access(path.parent, os.W_OK):
        raise refusal("deploy.no_right", str(path.parent))
    # Neither an image nor an earlier table is lost by mistake.
    if path.exists() and any(Path(image).exists() and path.samefile(image) for image in images):
        raise refusal("deploy.output_is_image", str(path))
    if path.exists() and not replace:
        raise refusal("deploy.output_exists", str(path))


def write_table(rows: Iterable[CaseResult], model: DeployedModel, path: Path) -> None:
    """Write a CSV with a row per case; an old file is replaced."""
    with _replacing(path) as file:
        writer = csv.DictWriter(file, row_cells(model, CaseResult("")), lineterminator="\n")
        writer.writeheader()
        writer.writerows(row_cells(model, row) for row in rows)


def marks_table(path: Path) -> Path:
    """Return where the marks go that belong to a table of scores."""
    return path.with_name(f"{path.stem}.marks.csv")


def write_marks(rows: Iterable[CaseResult], path: Path) -> None:
    """Write a CSV with a row per mark; an old file is replaced."""
    with _replacing(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["file", *FoundMark._fields])
        for row in rows:
            writer.writerows((inert(row.file), *mark) for mark in row.marks)


@contextmanager
def _replacing(path: Path) -> Iterator[TextIO]:
    """Yield a file that takes the place of another one once it is whole."""
    # Names may be as long as can be. The next run takes what a kill left; git takes no `.csv`.
    digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:24]
    partial_path = path.with_name(f".skiagram-{digest}.csv")
    try:
        with named_in_errors(path, partial_path):
            with partial_path.open(
                "w", newline="", encoding="utf-8", errors="surrogateescape"
            ) as file:
                yield file
            partial_path.replace(path)
    finally:
        partial_path.unlink(missing_ok=True)


def tabulate(
    model: DeployedModel, rows: Sequence[CaseResult], names: Sequence[str]
) -> pd.DataFrame:
    """Tabulate cases under names of their own; probabilities of those that failed are missing."""
    unscored = (math.nan,) * len(model.task.predicted.reported)
    named = (
        replace(row, file=name, probability=row.probability or unscored)
        for row, name in zip(rows, names, strict=True)
    )
    return pd.DataFrame([row_cells(model, row) for row in named])


def row_cells(model: DeployedModel, row: CaseResult) -> dict[str, Any]:
    """Return column → cell of a case."""
    # Cells that a spreadsheet would take for formulas are made inert.
    names = model.task.predicted.told_columns
    cells: dict[str, Any] = {"file": inert(row.file)}
    cells |= zip(names, row.probability or ("",) * len(names), strict=True)
    if model.threshold is not None:
        cells["decision"] = row.decision
    for kind in _SAID:
        value = getattr(row, kind)
        cells[kind] = inert(value if isinstance(value, str) else "; ".join(value))
    # What else a model reads than the image.
    scorer = model.scorer
    if scorer.covariates:
        cells["unseen"] = inert("; ".join(row.unseen))
    others = scorer.measured, scorer.reads_earlier, scorer.requires.reads_other
    if scorer.covariates or any(others):
        cells["missing"] = inert("; ".join(row.missing))
    return cells
