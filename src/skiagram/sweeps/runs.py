"""Rows of a sweep become figures, by the steps of the root pipeline.

What rows share is made once, and a sweep that was stopped goes on where it was: prepared data,
trained models and a row's figures are pieces (`skiagram.compute.pieces`).
"""

import math
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pandas as pd

from skiagram.case_features.earlier import previous_cases
from skiagram.compute.progress import Progress
from skiagram.compute.scratch import scratch_folder
from skiagram.compute.workers import visible_gpus
from skiagram.errors import SkiagramError, refusal
from skiagram.evaluation.evaluation_set import EvaluationSet, OpenedCases
from skiagram.evaluation.labelled_cases import label_cases
from skiagram.evaluation.options import EvaluationOptions
from skiagram.fitting.arm import ArmFolders
from skiagram.fitting.cross_validation import Plan
from skiagram.options import check, split_names
from skiagram.preparation import PreparedData
from skiagram.projects.stage_times import note_time
from skiagram.records.files import read_record, read_table, write_record
from skiagram.records.predictions import Predictions
from skiagram.steps.combine import combine_models
from skiagram.steps.evaluation_inputs import open_seal, read_evaluation_options, read_finding
from skiagram.steps.preflight import DataSetFacts, check_run
from skiagram.steps.score import Scored, score_images
from skiagram.sweeps.candidates import Candidate, train_candidate
from skiagram.sweeps.costs import measure_costs
from skiagram.sweeps.data import audit_data, ingest_data, prepare_data
from skiagram.sweeps.figures import (
    LATER_AUC,
    OTHER_CASES,
    RESTORED,
    MeasuredRow,
    RowFigures,
    measure_images,
    measure_row,
    resolve,
)
from skiagram.sweeps.row_options import (
    change,
    check_changes,
    describe_used,
    list_files,
    read_plan,
)
from skiagram.sweeps.rows import SCORED, Row, Sweep, find_differing, find_swept_model
from skiagram.sweeps.time import describe_processor
from skiagram.sweeps.workspace import Workspace
from skiagram.tasks.cases import Cases, read_cases, read_task
from skiagram.training.options import Trainer, decide_vertical_flips

P = ParamSpec("P")
R = TypeVar("R")
OpenSeal = Callable[[Path, tuple[str, ...]], OpenedCases]
_FIGURES = "figures.json"
_TOGETHER = 64  # rows whose models are trained side by side; more would fill the memory


@dataclass(frozen=True)
class RowResult:
    """What became of a row.

    Attributes:
        figures: Without any where the row failed.
        reason: Why it failed, as records have it; empty otherwise.
    """

    row: Row
    figures: RowFigures = field(default_factory=RowFigures)
    reason: str = ""


@dataclass(frozen=True)
class PreparedRow:
    """A row whose data are prepared: what is trained on them, and how it is measured.

    Attributes:
        scored: Which images the trained models score in place of their data's test images.
        reported: Folder of the data set whose cases are reported: that of `data`, or another one.
        duplicates: Pairs of its cases that show the same.
    """

    row: Row
    workspace: Workspace
    data: PreparedData
    scored: Scored
    reported: Path
    duplicates: pd.DataFrame
    candidates: tuple[Candidate, ...]
    combinations: Mapping[str, dict[str, Any]]
    plan: Plan
    evaluation: EvaluationOptions

    @property
    def dataset(self) -> str:
        """Name the config of the data set whose cases are reported."""
        return self.scored.dataset or str(self.workspace.options.choices["dataset"])

    @property
    def trainings(self) -> list[partial[Path]]:
        """List what trains each candidate: a call that returns its piece."""
        return [
            partial(train_candidate, self.workspace, self.data, each, self.plan)
            for each in self.candidates
        ]

    @property
    def machine(self) -> str:
        """Say on what times of its models are taken: what they depend on besides the work."""
        threads = self.workspace.context.compute.threads
        trainers = [each.trainer for each in self.candidates if each.trainer is not None]
        accelerator = f", accelerator {trainers[0].accelerator}" if trainers else ""
        return (
            f"{describe_processor()}, {platform.system()}, Python {platform.python_version()}, "
            f"{threads} thread{'s' if threads > 1 else ''}{accelerator}"
        )


@dataclass(frozen=True)
class TrainedRow:
    """A row whose models are trained, and the seal that its figures need.

    Attributes:
        pieces: Of each candidate, with its `model` and `scores`.
        scores: Folders of the scores of all models, combinations last.
        open_seal: Opens the cases of a data set for models, noted in the ledger.
    """

    prepared: PreparedRow
    pieces: tuple[Path, ...]
    scores: tuple[Path, ...]
    open_seal: OpenSeal

    @property
    def inputs(self) -> dict[str, Any]:
        """Return what its figures depend on."""
        names = ["/".join(folder.parts[-3:]) for folder in self.scores]
        evaluation, reported = asdict(self.prepared.evaluation), self.prepared.reported.name
        return {"scores": names, "evaluation": evaluation, "reported": reported}  # its labels, too

    def read(self) -> list[Predictions]:
        """Return what every model scored."""
        return [Predictions.read(folder) for folder in self.scores]

    def assemble(self) -> EvaluationSet:
        """Return the reported cases."""
        row = self.prepared
        names = (*(each.name for each in row.candidates), *row.combinations)
        opened = replace(self.open_seal(row.reported, names), duplicates=row.duplicates)
        assembled = opened.assemble(row.plan.seed, row.evaluation.replicates)
        if row.scored.dataset is None:
            return assembled
        # The reported cases are another data set's; those to choose by are the models' own.
        cases, task = read_cases(row.data.cases)
        no_labels = pd.DataFrame({"case_id": [], "label": []})
        development = label_cases(cases.development(), task, no_labels)
        return replace(assembled, development=development)

    def measure(self, figure_names: Sequence[str]) -> MeasuredRow:
        """Return its models, measured by some figures."""
        row, models = self.prepared, self.read()
        cases, later, finding = self.assemble(), None, None
        if LATER_AUC in figure_names:
            # Which reported cases have an earlier image of the patient.
            folder = row.reported / "cases"
            visits = read_table(folder / "visits.parquet")
            previous = previous_cases(visits, Cases.read(folder / "cases.parquet"))
            later = np.isin(cases.cases.case_id, list(previous))
        if any(model.marks is not None for model in models) and row.scored.dataset is None:
            task = read_task(row.data.cases / "task.json")
            finding = read_finding(row.reported, row.data.candidates, task)
        return measure_row(models, cases, row.evaluation, figure_names, later, finding)

    @cached_property
    def as_reference(self) -> MeasuredRow:
        """Return what other rows are compared with, which is measured once for all of them."""
        return self.measure(())


def run_rows(
    name: str,
    sweep: Sweep,
    rows: Sequence[Row],
    workspace: Workspace,
    trained_rows: dict[int, TrainedRow] | None = None,
) -> Iterator[RowResult]:
    """Yield the result of each row, after that of the row that it is compared with.

    A row that fails is a result with its reason; the others go on.

    Args:
        name: Of the sweep, as the seal's ledger has it.
        workspace: Of the project, without changes.
        trained_rows: Filled with rows by their numbers, for the analysis of the sweep.
    """
    # The seal of a data set is opened by one entry of the ledger, once for rows in succession.
    request = {
        "sweep": asdict(sweep),
        "rows": [row.digest for row in rows],
        "options": describe_used(workspace, rows),
    }

    @lru_cache(maxsize=1)
    def open_cases(data: Path, models: tuple[str, ...]) -> OpenedCases:
        asked = request | {"data": data.name}
        return open_seal(workspace.project, data, f"sweep {name}", models, asked)[0]

    # What a row is compared with comes before it.
    ordered = sorted(rows, key=lambda row: (row.reference, row.number != row.reference, row.number))
    reference: TrainedRow | None = None
    swept, best = find_swept_model(find_differing(rows)), -math.inf
    with Progress(f"sweep {name}", len(rows)) as progress:
        side_by_side = 1 if sweep.costs else _TOGETHER  # nothing is trained while times are taken
        for start in range(0, len(ordered), side_by_side):
            together = ordered[start : start + side_by_side]
            for row, trained, began in _train(together, workspace, open_cases):
                if row.number == row.reference:
                    reference = trained if isinstance(trained, TrainedRow) else None
                # A row that failed is a result, too.
                if isinstance(trained, SkiagramError):
                    result = _failed(row, trained)
                else:
                    result = _measure(sweep, trained, reference)
                    if trained_rows is not None:
                        trained_rows[row.number] = trained
                # The tracker shows how long a row took when it was trained.
                if began is not None and workspace.project is not None:
                    seconds = time.time() - began
                    note_time(workspace.project, stage_of_row(row), {}, seconds)
                # The best row so far is shown beside the progress.
                figures = result.figures
                model = resolve(figures, sweep.objective.entry, swept)
                worth, value = figures.worth(model), figures.selection(model)
                if worth is not None and value is not None and worth > best:
                    best = worth
                    words = f"best {figures.chosen_by(model)} {value:.3f}, row {row.number}"
                    progress.describe(words)
                progress.advance()
                yield result


def _train(
    rows: Sequence[Row], workspace: Workspace, open_seal: OpenSeal
) -> Iterator[tuple[Row, TrainedRow | SkiagramError, float | None]]:
    """Yield each row once its models are trained, or with the reason why they are not.

    Models are trained side by side, those of several rows once. Beside each row stands when the
    first of its trainings began, seconds since 1970; None where all were there before.
    """
    # Trainings of equal bytes are one; with each row, how many there are up to it.
    prepared = [_attempt(prepare_row, row, workspace) for row in rows]
    trainings: dict[str, partial[Path]] = {}
    ends: list[int] = []
    for each in prepared:
        for training in each.trainings if isinstance(each, PreparedRow) else ():
            trainings.setdefault(_key_of(training), training)
        ends.append(len(trainings))
    # A row is finished as soon as its own models are trained.
    keys, pieces = [*trainings], dict[str, tuple[Path | SkiagramError, float | None]]()
    compute = workspace.context.compute
    done = compute.map_fits(_train_timed, [*trainings.values()], gpus=visible_gpus())
    # Rows in their order, each when its trainings are there.
    for row, each, end in zip(rows, prepared, ends, strict=True):
        while len(pieces) < end:
            pieces[keys[len(pieces)]] = next(done)
        if isinstance(each, SkiagramError):
            yield row, each, None
            continue
        trained = [pieces[_key_of(training)] for training in each.trainings]
        began = min((start for _, start in trained if start is not None), default=None)
        failed = next((piece for piece, _ in trained if isinstance(piece, SkiagramError)), None)
        made = [piece for piece, _ in trained if isinstance(piece, Path)]
        yield row, _attempt(_finish, each, made, open_seal) if failed is None else failed, began
    next(done, None)  # there is none: its processes end now, and not with the interpreter


def _train_timed(training: partial[Path]) -> tuple[Path | SkiagramError, float | None]:
    """Train a model; return its piece, or why there is none, and when it began if it is new."""
    began = time.time()
    piece = _attempt(training)
    is_kept = isinstance(piece, Path) and piece.stat().st_mtime < began
    return piece, None if is_kept else began


def stage_of_row(row: Row) -> str:
    """Name the row where times of stages are noted; equal rows of all sweeps share it."""
    return f"row-{row.digest}"


def _key_of(training: partial[Path]) -> str:
    """Return what trainings of equal bytes share: data, candidate and plan."""
    return repr(training.args[1:])


def _attempt(function: Callable[P, R], *values: P.args, **named: P.kwargs) -> R | SkiagramError:
    """Return what a function makes, or why it could not."""
    try:
        return function(*values, **named)
    except SkiagramError as error:
        return error


def _failed(row: Row, error: SkiagramError) -> RowResult:
    """Say the whole error in the terminal; the result, which is recorded, has no name in it."""
    sys.stderr.write(f"Row {row.number} ({row.name()}) failed: {error}\n")
    return RowResult(row, reason=error.recorded)


def prepare_row(row: Row, workspace: Workspace) -> PreparedRow:
    """Check a row's options, and make its prepared data where they are not made yet."""
    # Options of the row, checked before any data are read.
    scored = check(Scored, row.changes.get(SCORED, {}), SCORED)
    workspace = change(workspace, row)
    choices = workspace.options.choices
    used = list_files(choices)
    networks = split_names(choices["networks"])
    check_changes(row.changes, used)
    check_run(workspace.options)

    def read(group: str) -> dict[str, dict[str, Any]]:
        return {name: workspace.options.read_file(group, name) for name in used[group]}

    # Data, prepared as the row's options say.
    (dataset,), (restoration,) = read("dataset").values(), read("restoration").values()
    data = ingest_data(workspace, dataset, choices["design"])
    check_run(workspace.options, DataSetFacts.of_ingested(data / "cases"))
    duplicates = audit_data(workspace, data)
    prepared = prepare_data(
        workspace, data, restoration, read("features"), read("encoder"), choices["proposal"]
    )
    # Networks train in one process: rows are made side by side.
    (training_on,) = read("trainer").values()
    trainer = check(Trainer, training_on, "trainer").in_one_process()
    reported = _find_reported(workspace, data, scored)
    return PreparedRow(
        row,
        workspace,
        prepared,
        scored,
        reported,
        duplicates if reported == data else duplicates.iloc[:0],
        tuple(
            Candidate(
                name,
                decide_vertical_flips(options, upside_down=bool(choices.get("upside_down"))),
                trainer,
            )
            if name in networks
            else Candidate(name, options)
            for name, options in read("model").items()
        ),
        read("combination"),
        read_plan(workspace),
        read_evaluation_options(workspace.options),
    )


def _find_reported(workspace: Workspace, data: Path, scored: Scored) -> Path:
    """Find the data set whose cases are reported; refuse images that fits may not score."""
    # The row's own cases, unless it names others.
    if scored == Scored():
        return data
    (_, task), design = read_cases(data / "cases"), workspace.options.choices["design"]
    if design != "holdout":
        raise refusal("sweeps.design", design=design)
    if scored.dataset is None:
        return data
    if task.predicted.has_value:
        raise refusal("sweeps.outcome_elsewhere", words=task.predicted.words)
    # Another data set must have the same classes.
    other = ingest_data(workspace, workspace.options.read_file("dataset", scored.dataset), design)
    _, theirs = read_cases(other / "cases")
    if theirs.predicted.classes != task.predicted.classes:
        classes, allowed = map(", ".join, (theirs.predicted.classes, task.predicted.classes))
        raise refusal("sweeps.other_classes", classes=classes, allowed=allowed)
    return other


def _finish(prepared: PreparedRow, pieces: Sequence[Path], open_seal: OpenSeal) -> TrainedRow:
    """Return a row whose candidates are trained, after its combinations are made of them."""
    # What each candidate left, and the combinations of them.
    named = {each.name: piece for each, piece in zip(prepared.candidates, pieces, strict=True)}
    made = {name: (piece / "model", piece / "scores") for name, piece in named.items()}
    for name, options in prepared.combinations.items():
        made[name] = _combine(prepared, name, options, named)
    if prepared.scored == Scored():
        every = [scores for _, scores in made.values()]
        return TrainedRow(prepared, tuple(pieces), tuple(every), open_seal)
    # The fitted models score the images that the row names.
    workspace, reported = prepared.workspace, prepared.reported
    scored, seed, every = prepared.scored, prepared.plan.seed, []
    for name, (model, scores) in made.items():

        def make(folder: Path, model: Path = model, scores: Path = scores) -> None:
            score_images(model, scores, reported, scored, seed, folder, workspace.context.compute)

        inputs = {
            "trained": "/".join(scores.parts[-3:]),
            "images": reported.name,
            "scored": asdict(scored),
            "seed": seed,
        }
        every.append(workspace.make_once(f"scored-{name}", inputs, make) / "scores")
    return TrainedRow(prepared, tuple(pieces), tuple(every), open_seal)


def _combine(
    prepared: PreparedRow, name: str, options: dict[str, Any], pieces: Mapping[str, Path]
) -> tuple[Path, Path]:
    """Return the folders of model and scores of one of the row's combinations."""
    # A combination reads folders as a project has them.
    plan, trained = asdict(prepared.plan), tuple(pieces)

    def make(folder: Path) -> None:
        with scratch_folder("combine") as root:  # a project after training
            links = {root / "data/cases": prepared.data.cases}
            for member, piece in pieces.items():
                links |= {root / "models" / member: piece / "model"}
                links |= {root / "scores" / member: piece / "scores"}
            for link, piece in links.items():
                link.parent.mkdir(exist_ok=True)
                link.symlink_to(piece.resolve())
            folders = ArmFolders(folder / "model", folder / "scores")
            combine_models(root, name, options, trained, plan, folders)

    inputs = {"members": [piece.name for piece in pieces.values()], "plan": plan, "of": options}
    piece = prepared.workspace.make_once(f"combined-{name}", inputs, make)
    return piece / "model", piece / "scores"


def _measure(sweep: Sweep, made: TrainedRow, reference: TrainedRow | None) -> RowResult:
    """Return the figures of a row, which are made once."""
    # What the figures depend on: the row, what was asked for, and of costs the machine.
    prepared = made.prepared
    row, workspace = prepared.row, prepared.workspace
    requests: dict[str, Any] = {"figures": sweep.metrics}
    if sweep.costs:
        times = {"clock": asdict(sweep.clock), "machine": prepared.machine}
        requests |= {"costs": sweep.costs, **times}
    inputs = made.inputs | requests
    compared = None if reference is None or reference is made else reference
    # Ids of cases mean nothing beyond the data set whose cases are reported.
    apart = compared is not None and compared.prepared.dataset != prepared.dataset
    if apart:
        compared = None
    if compared is not None:
        inputs["reference"] = compared.inputs

    def make(folder: Path) -> None:
        other = None if compared is None else compared.as_reference
        figures = made.measure(sweep.metrics).figures(other)
        data = prepared.data
        of_images = measure_images(data.cases.parent, data.store, sweep.figures)
        rows = [*figures.rows, *of_images]
        if sweep.costs:
            trained = [*zip(prepared.candidates, made.pieces, strict=True)]
            times = workspace, data, prepared.plan, sweep.clock
            rows += measure_costs(*times, trained, sweep.costs)
        models = (*figures.models, RESTORED) if of_images else figures.models
        write_record(replace(figures, rows=tuple(rows), models=models), folder / _FIGURES)

    # Figures that were made before are read.
    try:
        piece = workspace.make_once("row", inputs, make)
        figures = read_record(RowFigures, piece / _FIGURES)
    except SkiagramError as error:
        return _failed(row, error)
    if reference is None:
        figures = replace(figures, reason="the row that it is compared with failed")
    elif apart:
        figures = replace(figures, reason=OTHER_CASES)
    return RowResult(row, figures)
