"""Step validate: a finished project's models score a labelled cohort that no choice has seen.

The cohort is ingested as any folder is and stands in the place of the test cases. What scores new
images scores it, and what evaluates a run evaluates it; nothing is trained or chosen anew.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from skiagram.compute.checkout import home
from skiagram.compute.workers import Compute
from skiagram.datasets.contract import OpenSource, Source
from skiagram.datasets.copies import find_case_copies
from skiagram.datasets.folder.identifiers import normalise_spelling
from skiagram.datasets.ingest import IngestFolders, ingest_opened, list_images, name_cases, task_of
from skiagram.deploy.prepared_cases import PreparedCases
from skiagram.deploy.scorers import Scorer
from skiagram.errors import refusal
from skiagram.evaluation.evaluate import evaluate
from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.evaluation_set import CaseTraits
from skiagram.evaluation.external import COHORT, compare_with_development
from skiagram.evaluation.inputs import EvaluationInputs
from skiagram.evaluation.options import EvaluationOptions
from skiagram.image_store.store import ImageStore
from skiagram.preparation import PREPARATION, Preparation
from skiagram.records.files import read_record, read_table
from skiagram.records.predictions import Outcome, Predictions, folder_of
from skiagram.sealing.labels import keep_sealed, open_labels, seal_labels
from skiagram.sealing.ledger import note_opening
from skiagram.seeding import stream
from skiagram.steps.evaluation_inputs import describe_comparison, measure_images, read_traits_of
from skiagram.steps.score import Scored, ScoredAnew, score_anew
from skiagram.tasks.cases import SEALED, Cases, DataCard, read_cases
from skiagram.tasks.task import Task

PREFIX = f"{COHORT}-"  # of ids in a cohort, which no case of the project has


class Project(NamedTuple):
    """What a finished project says of itself.

    Attributes:
        evaluation: Of its own cases.
        preparation: What its images went through.
        scored: Models that score new images, those of readers left out.
    """

    root: Path
    cases: Cases
    task: Task
    card: DataCard
    evaluation: Evaluation
    preparation: Preparation
    scored: tuple[Outcome, ...]

    @classmethod
    def open(cls, root: Path) -> "Project":
        """Read a project.

        Raises:
            DataError: It is not finished, or none of its models scores new images.
        """
        record = root / "reports/evaluation.json"
        # An evaluation, and the folders of each model that it names.
        if not record.is_file():
            raise refusal("steps.unfinished_project", str(record), missing="no evaluation")
        cases, task = read_cases(root / "data/cases")
        evaluation = read_record(Evaluation, record)
        every = (model.outcome for model in evaluation.models)
        outcomes = [outcome for outcome in every if outcome.arm != "reader"]
        for outcome in outcomes:
            folders = [folder_of("scores", root, outcome)]
            if outcome.status == "finished":
                folders.append(folder_of("models", root, outcome))
            for folder in folders:
                if not folder.is_dir():
                    raise refusal("steps.unfinished_project", str(folder), missing="no such folder")
        if not any(outcome.status == "finished" for outcome in outcomes):
            raise refusal("steps.unfinished_project", str(root), missing="no trained model")
        return cls(
            root,
            cases,
            task,
            read_record(DataCard, root / "data/cases/card.json"),
            evaluation,
            read_record(Preparation, root / "data/preparation" / PREPARATION),
            tuple(outcomes),
        )


def ingest_cohort(
    project: Project,
    cohort: Source,
    opened: OpenSource,
    target: Path,
    compute: Compute,
) -> dict[str, str | None]:
    """Write `images`, `cases` and `sealed` of a cohort, of which each case is a test case.

    Args:
        opened: Its images.

    Returns:
        Case → patient as the table names it; None where it names none.

    Raises:
        DataError: Its images are not of the kind that the project has.
    """
    # Images are changed as the project's were, then ingested.
    task, folders = task_of(cohort, "cv"), IngestFolders.under(target, PREFIX)
    ingest_opened(cohort, opened, task, folders, compute)
    # it has the masks, and the images of a case, that the project's cases have
    ours = project.preparation
    theirs = read_record(Preparation, folders.images / PREPARATION)
    if theirs.regions != ours.regions:
        raise refusal("steps.cohort_without_masks" if ours.regions else "steps.cohort_with_masks")
    if theirs.modalities != ours.modalities:
        given = ", ".join(theirs.modalities) or "one kind"
        expected = ", ".join(ours.modalities) or "one image a case"
        raise refusal("steps.cohort_of_other_images", given=given, expected=expected)
    # all its cases are test cases, whose labels are sealed
    cases = Cases.read(folders.cases / "cases.parquet")
    test, hidden = np.full(len(cases), "test"), np.full(len(cases), SEALED)
    value = None if cases.value is None else np.full_like(cases.value, np.nan)
    closed = replace(cases, split=test, label=hidden, value=value)
    closed.write(target / "cases/cases.parquet")
    seal_labels(target / "sealed", cases.case_id, cases.label, cases.value)
    return name_patients(opened, PREFIX)


def name_patients(opened: OpenSource, prefix: str = "") -> dict[str, str | None]:
    """Return the case ids that ingest gives a source → its own names of their patients."""
    listed = list_images(opened)
    return dict(zip(name_cases(listed, prefix).tolist(), listed["patient"], strict=True))


class Shared(NamedTuple):
    """What a cohort shares with a project.

    Attributes:
        copies: Columns `first` (case of the project), `second` (case of the cohort), `near`
            (whether it is a near duplicate; else what was cropped, turned or the like).
        patients: Cases of the cohort of a patient whose id a development case has.
        images: Cases of the cohort with a near duplicate among the development cases.
        tested: How many have one among the project's test cases.
    """

    copies: pd.DataFrame
    patients: frozenset[str]
    images: frozenset[str]
    tested: int


def find_shared(
    project: Project,
    cohort: Path,
    project_patients: Mapping[str, str | None],
    patients: Mapping[str, str | None],
) -> Shared:
    """Look for patients and images of a cohort that the project has.

    Args:
        cohort: Folder that `ingest_cohort` wrote.
        project_patients: Case of the project → patient; empty where ids are not to be compared.
        patients: The same of the cohort.
    """
    # The patients of the development set, as names are compared.
    development = set(project.cases.development().case_id.tolist())
    ids = {
        normalise_spelling(name)
        for case, name in project_patients.items()
        if name and case in development
    }
    stores = (ImageStore(project.root / "data/images"), ImageStore(cohort / "images"))
    # copies of cases of the first store in the second
    pairs, n_ours = find_case_copies(stores), len(stores[0].case_ids)
    pairs = pairs.chosen((pairs.first < n_ours) & (pairs.second >= n_ours))
    case_id = np.array([case for store in stores for case in store.case_ids])
    copies = pd.DataFrame(
        {"first": case_id[pairs.first], "second": case_id[pairs.second], "near": pairs.near}
    )
    # Copies of test images are counted: their labels were opened before.
    near = copies[copies["near"]]
    developed = near["first"].isin(list(development))
    return Shared(
        copies,
        frozenset(
            case for case, name in patients.items() if name and normalise_spelling(name) in ids
        ),
        frozenset(near.loc[developed, "second"].tolist()),
        near.loc[~developed, "second"].nunique(),
    )


def leave_out(cohort: Path, names: Collection[str]) -> None:
    """Take cases out of a cohort that `ingest_cohort` wrote."""
    cases = Cases.read(cohort / "cases/cases.parquet")
    remaining_cases = cases.select(~np.isin(cases.case_id, list(names)))
    remaining_cases.write(cohort / "cases/cases.parquet")
    keep_sealed(cohort / "sealed", remaining_cases.case_id)


def score_cohort(
    project: Project,
    cohort: Path,
    shared: Shared,
    card: DataCard,
    cohorts: Mapping[str, str],
    options: EvaluationOptions,
    seed: int,
    compute: Compute,
) -> EvaluationInputs:
    """Score a cohort with every model of a project; nobody sees its labels.

    The inputs have the labels in an order drawn anew, which tells nothing of any case. By them all
    that may fail can be tried before the seal is opened (`open_cohort`).

    Args:
        cohort: Folder that `ingest_cohort` wrote.
        cohorts: Case of the cohort → which of several cohorts it is of.
        seed: Of the order of the labels.
    """
    # All scores, and what the cases lack.
    spaces: dict[str, pd.Series[float]] = {}
    models, lacking = _score(project, cohort, compute, spaces)
    store = ImageStore(cohort / "images")
    cases = Cases.read(cohort / "cases/cases.parquet")
    task = replace(project.task, design="holdout")
    sealed = open_labels(cohort / "sealed", task.predicted.classes)
    # what tells this validation from others: options, the table of each model's scores, and the
    # labels, so that a look after some were changed is another one
    tables = [*(model.table for model in models), sealed.sort_values("case_id")]
    digests = [hashlib.sha256(table.to_csv(index=False).encode()).hexdigest() for table in tables]
    names, request = [model.outcome.model for model in models], [digests, asdict(options)]
    comparison = describe_comparison(
        card.name, store, cases.case_id.tolist(), "validate", names, request
    )
    # The covariates, with the cohort that each case is of.
    development_cases = project.cases.development()
    covariates = read_table(cohort / "cases/covariates.parquet")
    covariates = covariates[covariates["case_id"].isin(cases.case_id.tolist())]
    covariates = covariates.assign(**{COHORT: covariates["case_id"].map(cohorts)})
    # Copies of development images alone play a part.
    copies = shared.copies
    copies = copies[
        copies["first"].isin(development_cases.case_id.tolist())
        & copies["second"].isin(cases.case_id.tolist())
    ]
    # In a rehearsal the labels stand in a random order.
    drawn = stream(seed, "validate", "rehearsal").permutation(len(sealed))
    return EvaluationInputs(
        models=tuple(models),
        cases=development_cases.joined(cases),
        task=task,
        sealed=sealed.assign(case_id=sealed["case_id"].to_numpy()[drawn]),
        card=replace(card, test_sites=tuple(sorted(set(covariates[COHORT]))), site_column=COHORT),
        comparison=comparison,
        duplicates=copies[["first", "second"]],
        covariates=covariates,
        traits=_traits(project, development_cases, store, covariates, spaces),
        is_external=True,
        lacking=lacking,
    )


def open_cohort(project: Project, cohort: Path, inputs: EvaluationInputs) -> EvaluationInputs:
    """Note that the labels of a cohort are opened, and return the inputs with them."""
    opening = note_opening(home(project.root), inputs.comparison, project.root)
    sealed = open_labels(cohort / "sealed", inputs.task.predicted.classes)
    return replace(inputs, sealed=sealed, opening=opening)


def evaluate_cohort(
    project: Project,
    inputs: EvaluationInputs,
    options: EvaluationOptions,
    seed: int,
    compute: Compute,
) -> Evaluation:
    """Return what the models of a project do on a cohort, beside what they did at home.

    Args:
        seed: Of the resamples of patients.
    """
    evaluation = evaluate(inputs, options, seed=seed, compute=compute)
    return compare_with_development(evaluation, project.evaluation, inputs, options, seed)


def _score(
    project: Project, cohort: Path, compute: Compute, spaces: dict[str, "pd.Series[float]"]
) -> ScoredAnew:
    """Score a cohort with all models; features that a classical one reads go to `spaces`."""
    # Classical models come first: their features are kept.
    every = [Predictions.read(folder_of("scores", project.root, each)) for each in project.scored]
    trained = [predictions for predictions in every if predictions.outcome.status == "finished"]
    trained.sort(key=lambda predictions: predictions.outcome.arm != "classical")
    has_features = trained[0].outcome.arm == "classical"

    def watch(names: Sequence[str], scorer: Scorer, cases: PreparedCases) -> None:
        if has_features:
            space = scorer.space(cases)
            columns, rows = list(space.names), zip(names, space.values, strict=True)
            spaces.update((name, pd.Series(row, index=columns)) for name, row in rows)

    # All models score the cohort in one pass.
    models = [
        (predictions, folder_of("models", project.root, predictions.outcome))
        for predictions in trained
    ]
    scored = score_anew(models, cohort, Scored(), 0, compute, watch)
    by_name = {predictions.outcome.model: predictions for predictions in scored.predictions}
    models_of_project = [by_name.get(each.outcome.model, each) for each in every]
    return scored._replace(predictions=models_of_project)


def _traits(
    project: Project,
    development_cases: Cases,
    store: ImageStore,
    covariates: pd.DataFrame,
    spaces: Mapping[str, "pd.Series[float]"],
) -> CaseTraits:
    """Return what may tell a cohort from the development cases: images, covariates and features."""
    cohort_cases = covariates["case_id"].tolist()
    before = read_traits_of(project.root, development_cases.case_id.tolist())
    now = measure_images(store, cohort_cases).merge(covariates, "left", "case_id")
    # What both sides have; a model without features of its own compares none.
    known = pd.concat([before.known, now], join="inner", ignore_index=True)
    features = before.features.iloc[:0]
    if spaces:
        theirs = pd.DataFrame([spaces[case] for case in cohort_cases])
        theirs.insert(0, "case_id", cohort_cases)
        features = pd.concat([before.features, theirs], join="inner", ignore_index=True)
    return CaseTraits(features, known)
