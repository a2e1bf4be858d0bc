"""Study `personal`: what a patient's covariates and an earlier image change in a model's score.

Each classical model is trained four times on the same cases: on features of the image alone, with
covariates beside them, with their change since the patient's visit before, and with both. A patient
is never on both sides of a split, so a patient's own baseline is a comparison, never a label.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass as options_class

from skiagram.errors import OptionError
from skiagram.evaluation.scores import Scores
from skiagram.features.covariates import PREFIX as COVARIATES
from skiagram.features.earlier import PREFIX as EARLIER
from skiagram.features.earlier import previous_cases
from skiagram.features.table import FeatureTable, has_prefix
from skiagram.models.classical.estimator import choose_columns
from skiagram.options import STRICT
from skiagram.preparation import PreparedData
from skiagram.records import Cases, Design, Predictions, read_table
from skiagram.statistics.bootstrap import draw_patients
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.proportions import proportion
from skiagram.statistics.variation import degrees_of_freedom, over_trainings, variance_of_mean
from skiagram.studies.candidates import Candidate, StudyOptions
from skiagram.studies.cohorts import train_and_score
from skiagram.studies.pipeline_steps import (
    DataSet,
    ReportedDataSet,
    ingest_data,
    prepare_data,
)
from skiagram.studies.unsealed_data import UnsealedData, unseal
from skiagram.studies.workspace import Workspace

IMAGE = "image alone"
KNOWN = {  # besides the image: covariates, an earlier image
    IMAGE: (False, False),
    "with covariates": (True, False),
    "with earlier image": (False, True),
    "with both": (True, True),
}
FIRST, LATER = "cases without an earlier image", "cases with an earlier image"
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class PersonalPart:
    """One variant of a model on some of the reported cases, which `part` says in words."""

    part: str
    cases: int
    auc: Estimate
    difference: Estimate


@dataclass(frozen=True)
class PersonalModel:
    """One variant of a model.

    Attributes:
        difference: AUC minus that of the image alone, paired by patient.
        moved: Mean distance of its probability from that of the image alone.
        moved_rarely: 90 % of the patients have a smaller mean distance.
        decided: Share of cases that are decided otherwise than by the image alone.
        righted: Share of cases that it decides rightly and the image alone wrongly.
        wronged: Share of cases that it decides wrongly and the image alone rightly.
        parts: The same by whether cases have an earlier image; empty where none has, or all have.
    """

    model: str
    title: str
    knows: str
    auc: Estimate
    difference: Estimate
    moved: Estimate
    moved_typically: float
    moved_rarely: float
    decided: Estimate
    righted: Estimate
    wronged: Estimate
    patients: Estimate
    parts: tuple[PersonalPart, ...]


@dataclass(frozen=True)
class PersonalDataSet(ReportedDataSet):
    """All models on one data set.

    Attributes:
        ideal: AUC of the ideal observer, who knows all of it; None on real images.
    """

    part: str
    covariates: tuple[str, ...]
    later: int
    ideal: Estimate | None
    models: tuple[PersonalModel, ...]


@dataclass(frozen=True)
class PersonalResult:
    """What the study found; `sensitivity` is the share of positives that thresholds should find."""

    sensitivity: float
    datasets: tuple[PersonalDataSet, ...]


@options_class(**STRICT)
class Personal(StudyOptions):
    """Classical models with and without what is known of the patient.

    Attributes:
        datasets: Option file of each data set → its design.
        restoration: Option file of the restoration.
        replicates: Bootstrap resamples where an interval needs them.
        covariates: Data set → the covariates that count; of others all.
    """

    datasets: Annotated[dict[str, Design], Field(min_length=1)]
    restoration: str
    replicates: Annotated[int, Field(ge=100)]
    covariates: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def run(self, workspace: Workspace) -> PersonalResult:
        datasets = tuple(
            self._data_set(workspace, name, design) for name, design in self.datasets.items()
        )
        return PersonalResult(self.plan.sensitivity, datasets)

    def _data_set(self, workspace: Workspace, name: str, design: Design) -> PersonalDataSet:
        data = ingest_data(workspace, workspace.option_file("dataset", name), design)
        covariates, previous = _known(data)
        covariates = self.covariates.get(name, covariates)
        if not covariates and not previous:
            raise OptionError(
                f"`{name}` has neither covariates nor visits",
                where="study.datasets",
                allowed="data sets that know more of a patient than one image",
                remedy="name columns (`skiagram init … --covariates … --visit …`)",
            )
        families = self.families(workspace)
        if previous:
            families["earlier"] = workspace.option_file("features", "earlier")
        if covariates:
            chosen = {"columns": list(covariates)}
            families["covariates"] = workspace.option_file("features", "covariates") | chosen
        restoration = workspace.option_file("restoration", self.restoration)
        prepared = prepare_data(workspace, data, restoration, families)
        scored = [
            (candidate.studied(prepared).title, self._variants(workspace, prepared, candidate))
            for candidate in self.candidates(workspace)
            if candidate.arm == "classical"
        ]
        labels = unseal(workspace, data, self, self.replicates)
        reported = labels.evaluation_set.cases
        later = np.isin(reported.case_id, list(previous))
        return PersonalDataSet(
            dataset=name,
            title=labels.card.title,
            part=labels.evaluation_set.part,
            cases=len(reported),
            patients=int(reported.patient.max()) + 1,
            covariates=covariates,
            later=int(later.sum()),
            ideal=labels.ideal,
            models=tuple(
                described for each in scored for described in _compare(labels, *each, later)
            ),
        )

    def _variants(
        self, workspace: Workspace, prepared: PreparedData, candidate: Candidate
    ) -> dict[str, Predictions]:
        """Train a model with each kind of knowledge that the data have."""
        every = FeatureTable.read(prepared.features).names
        names = choose_columns(every, candidate.options["columns"])
        scored: dict[str, Predictions] = {}
        trained: list[list[str]] = []
        for knows, (covariates, earlier) in KNOWN.items():
            columns = [
                name
                for name in names
                if (covariates or not has_prefix(name, COVARIATES.rstrip("_")))
                and (earlier or not has_prefix(name, EARLIER.rstrip("_")))
            ]
            if columns in trained:  # the data do not know more
                continue
            trained.append(columns)
            variant = candidate.having({"columns": columns})
            scored[knows] = train_and_score(workspace, prepared, variant, self.plan)
        return scored


def _compare(
    labels: UnsealedData, title: str, variants: Mapping[str, Predictions], later: Flags
) -> Iterator[PersonalModel]:
    """Compare the variants of a model with that of the image alone."""
    scores = {
        knows: labels.scores(variant)
        for knows, variant in variants.items()
        if variant.outcome.status == "finished"
    }
    if IMAGE not in scores:
        return
    cases, outcome = labels.evaluation_set.cases, variants[IMAGE].outcome
    parts = {FIRST: ~later, LATER: later} if later.any() and not later.all() else {}
    subsets = {name: (rows, _subset(labels, rows)) for name, rows in parts.items()}
    reference, patient = scores[IMAGE], cases.patient
    before = _decisions(labels, reference)
    for knows, own in scores.items():
        moved, now = _moved(labels, own, reference), _decisions(labels, own)
        changes, right = now != before, now == cases.label
        by_patient = np.bincount(patient, moved.mean(axis=0)) / np.bincount(patient)
        decided, righted, wronged = (
            proportion(rows.astype(np.float64), patient)
            for rows in (changes, changes & right, changes & ~right)
        )
        # Whether a patient has a case that is decided otherwise, by training.
        flags = np.stack([np.bincount(patient, row) > 0 for row in changes]).astype(np.float64)
        yield PersonalModel(
            model=outcome.model,
            title=title,
            knows=knows,
            auc=labels.auc(own),
            difference=labels.difference(own, reference),
            moved=_mean(moved, patient),
            moved_typically=float(np.median(by_patient)),
            moved_rarely=float(np.quantile(by_patient, 0.9)),
            decided=decided,
            righted=righted,
            wronged=wronged,
            patients=proportion(flags, np.arange(flags.shape[1])),
            parts=tuple(
                PersonalPart(
                    name,
                    int(rows.sum()),
                    subset.auc(own.select(rows)),
                    subset.difference(own.select(rows), reference.select(rows)),
                )
                for name, (rows, subset) in subsets.items()
            ),
        )


def _known(data: DataSet) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Return the covariates of a data set, and case → cases of the visit before."""
    covariates = read_table(data.folder / "cases/covariates.parquet").columns
    cases = Cases.read(data.folder / "cases/cases.parquet")
    previous = previous_cases(read_table(data.folder / "cases/visits.parquet"), cases)
    return tuple(name for name in covariates if name != "case_id"), previous


def _subset(labels: UnsealedData, rows: Flags) -> UnsealedData:
    """Return some of the reported cases as a set of their own."""
    whole = labels.evaluation_set
    cases = whole.cases.select(rows)
    smallest = max(1, min(cases.patients_by_class()))
    draws = draw_patients(
        cases.patient, smallest, len(whole.draws.counts), whole.seed, cases.degrees_of_freedom()
    )
    near = whole.has_near_duplicate[rows]
    part = replace(whole, cases=cases, draws=draws, has_near_duplicate=near, ideal=None)
    return replace(labels, evaluation_set=part)


def _moved(labels: UnsealedData, scores: Scores, reference: Scores) -> Floats:
    """Return (repeats, n) distances of probabilities: of the positive, else of all classes."""
    positive = labels.evaluation_set.cases.positive
    apart = np.abs(scores.probability - reference.probability)
    moved: Floats = apart.sum(axis=2) / 2 if positive is None else apart[..., positive]
    return moved


def _decisions(labels: UnsealedData, scores: Scores) -> NDArray[np.int64]:
    """Return (repeats, n) the class that each case is decided for."""
    positive = labels.evaluation_set.cases.positive
    if positive is None:
        return np.asarray(scores.probability.argmax(axis=2), dtype=np.int64)
    above = scores.probability[..., positive] >= scores.threshold
    return np.where(above, positive, 1 - positive)


def _mean(values: Floats, patient: NDArray[np.int64]) -> Estimate:
    """Estimate a mean of (repeats, n) values in [0, 1] with its interval by patient."""
    of_case, value = values.mean(axis=0), float(values.mean())
    if len(np.unique(patient)) < 2:
        return Estimate(value, reason="one patient")
    variance = variance_of_mean(of_case, patient)
    variation = over_trainings(variance, degrees_of_freedom(patient), values.mean(axis=1))
    low, high = max(0.0, value - variation.half), min(1.0, value + variation.half)
    return Estimate(value, low, high, f"Student's t by patient{variation.words}")
