"""Cohorts whose outcome one known column tells, and what training leaves of models on them."""

from dataclasses import replace

import numpy as np
import pandas as pd

from skiagram.evaluation.evaluate import evaluate
from skiagram.evaluation.inputs import EvaluationInputs
from skiagram.evaluation.options import DEFAULTS, NO_REQUESTS
from skiagram.fitting.arm import ArmFolders, Member, train
from skiagram.fitting.contract import Labelled
from skiagram.records.feature_table import FeatureTable
from skiagram.records.predictions import Predictions
from skiagram.sealing.ledger import Comparison
from skiagram.tasks.cases import SEALED, Cases, DataCard
from skiagram.tasks.findings import PRESENT, UNKNOWN, Findings
from skiagram.tasks.grade import Grade
from skiagram.tasks.number import Number, group_numbers
from skiagram.tasks.scored_cases import ScoredCases
from skiagram.tasks.task import Task
from skiagram.tasks.time import TimeToEvent
from tests.models.classical.families import model
from tests.models.examples import PLAN

OUTCOME = TimeToEvent(column="days", unit="days")
COMPETING = replace(OUTCOME, other_causes=("died",))
NUMBER = Number(column="length", unit="mm")
GRADE = Grade(column="place", grades=("clear", "some", "dense"))
FINDINGS = Findings(
    column="findings", findings=("mass", "nodule", "effusion"), balanced_by=("effusion", "mass")
)
Made = tuple[Cases, Task]


def draw_times(log_hazard, seed=0):
    """Return times in days and labels; a third or so is censored."""
    generator = np.random.default_rng(seed)
    time = generator.exponential(500 * np.exp(-log_hazard))
    end = generator.uniform(200, 1500, size=len(time))
    return np.minimum(time, end), (time <= end).astype(np.int64)


def make_features(patients=90):
    """Return a column that tells the outcome, and three that do not."""
    values = np.random.default_rng(1).normal(size=(patients, 4)).astype(np.float32)
    case_id = np.array([f"case-{number:06d}" for number in range(patients)])
    return FeatureTable(case_id, ("signal", "volume", "noise", "more_noise"), values)


def make_cases(patients=90, strength=1.2):
    """Return cases with a time to an event."""
    time, label = draw_times(strength * _signal(patients))
    return _made(OUTCOME.settle(time, label), time, label)


def make_numbers(patients=90):
    """Return cases with a number."""
    noise = np.random.default_rng(2).normal(0, 4, size=patients)
    value = 170 + 20 * _signal(patients) + noise
    label, groups = group_numbers(value)
    return _made(replace(NUMBER, groups=groups).settle(value, label), value, label)


def make_grades(patients=90):
    """Return cases with one of three grades."""
    noise = np.random.default_rng(2).normal(0, 0.5, size=patients)
    label = np.digitize(_signal(patients) + noise, [-0.6, 0.6]).astype(np.int64)
    place = (label + 1).astype(np.float64)
    return _made(GRADE.settle(place, label), place, label)


def make_findings(patients=90):
    """Return cases with three findings, of which a tenth is not known."""
    generator = np.random.default_rng(2)
    noise = generator.normal(0, 0.5, size=(patients, 3))
    present = _signal(patients)[:, None] + noise > [0.2, 0.0, 0.8]
    unknown = generator.uniform(size=present.shape) < 0.1
    value = np.where(unknown, UNKNOWN, present * PRESENT).astype(np.float64)
    label = FINDINGS.label(value)
    return _made(FINDINGS.settle(value, label), value, label)


def _signal(patients):
    values = make_features(patients).columns(["signal"]).values  # noqa: PD011 - a table of ours
    return values[:, 0].astype(np.float64)


def _made(outcome, value, label):
    case_id = make_features(len(value)).case_id
    patient = np.array([f"patient-{number:06d}" for number in range(len(value))])
    task = Task(outcome, "cv")
    return Cases(case_id, patient, np.full(len(value), "train"), label, value), task


def labelled(made):
    """Return cases as a model sees them."""
    cases, task = made
    ids = (cases.case_id, cases.label, cases.patient_id)
    features = make_features(len(cases.case_id))
    return Labelled(features, *ids, task.predicted.unnamed, None, cases.value)


def scored(outcome, score, value, label):
    """Return cases of a patient each by one score or a column each, calibrated on themselves."""
    each = np.arange(len(label))
    columns = score.reshape(len(label), -1)
    estimate = outcome.calibrate(columns, value, label, each).probabilities(columns)
    fit = np.zeros((1, len(label)), dtype=np.int64)
    return ScoredCases(label, value, each, score[None], estimate[None], fit)


def train_models(folder, **columns):
    """Train Cox regressions on some columns each, by name, and return what evaluation reads."""
    models = {
        name: model("logistic_regression", columns=chosen) for name, chosen in columns.items()
    }
    return train_all(folder, make_cases(), models)


def train_all(folder, made, models):
    """Train models by name, and return what evaluation reads."""
    cases, task = made
    features = make_features(len(cases.case_id))
    predictions = []
    for name, untrained in models.items():
        title, nothing = (
            untrained.title_by(task.predicted.classical_loss),
            features.select(np.arange(0)),
        )
        member = Member(name, untrained, {}, features, nothing, titled=title)
        folders = ArmFolders.under(folder, name)
        train(member, cases, task, PLAN, folders)
        predictions.append(Predictions.read(folders.scores))
    card = DataCard("cohort", "A cohort", "none", "none", "none", "made", patients_known=True)
    comparison = Comparison("cohort", "", "evaluate", tuple(models), "")
    sealed = pd.DataFrame({"case_id": [], "label": []})
    return EvaluationInputs(
        cases, task, sealed, models=tuple(predictions), card=card, comparison=comparison
    )


def evaluated(inputs, *simple_rules):
    """Evaluate what was trained; models that must be beaten are named."""
    analyses = replace(NO_REQUESTS, simple_rules=simple_rules)
    return evaluate(inputs, replace(DEFAULTS, analyses=analyses), seed=0)


def measured(outcome, cases):
    """Return the figures of a task by name and group."""
    return {(name, group): figure for name, group, figure in outcome.measure(cases)}


def another_cohort(inputs):
    """Return the same patients as if they were two other hospitals', scored once by each model."""
    cases = inputs.cases
    ids = np.array([f"cohort-{case}" for case in cases.case_id.tolist()])
    joined = Cases(
        np.concatenate([cases.case_id, ids]),
        np.concatenate([cases.patient_id, ids]),
        np.concatenate([cases.split, np.full(len(ids), "test")]),
        np.concatenate([cases.label, np.full(len(ids), SEALED)]),
        None if cases.value is None else np.concatenate([cases.value, cases.value]),
    )
    models = []
    for each in inputs.models:
        scored = each.part("out_of_fold")
        scored = scored[scored["repeat"] == 0]
        scored = scored.assign(part="test", fold=-1, case_id="cohort-" + scored["case_id"])
        models.append(replace(each, table=pd.concat([each.table, scored], ignore_index=True)))
    hospital = np.where(np.arange(len(ids)) % 2, "A", "B")
    return replace(
        inputs,
        models=tuple(models),
        cases=joined,
        task=replace(inputs.task, design="holdout"),
        sealed=pd.DataFrame({"case_id": ids, "label": cases.label, "value": [*cases.value]}),
        covariates=pd.DataFrame({"case_id": ids, "cohort": hospital}),
        card=replace(inputs.card, test_sites=("A", "B"), site_column="cohort"),
    )


def sealed_half(inputs):
    """Return the cohort with its values and labels under seal, as design holdout leaves them."""
    cohort = another_cohort(inputs)
    cases = cohort.cases
    values = cases.value
    test = cases.split == "test"
    hidden = replace(cases, value=np.where(test, np.nan, values))
    return replace(cohort, cases=hidden)
