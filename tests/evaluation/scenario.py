"""Runs that look as train stages leave them, with known strength of every model."""

from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.metrics import roc_auc_score

from skiagram.compute.workers import IN_PROCESS
from skiagram.evaluation.compared_model import ComparedModel
from skiagram.evaluation.evaluate import evaluate
from skiagram.evaluation.evaluation_set import OpenedCases
from skiagram.evaluation.inputs import EvaluationInputs
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.options import DEFAULTS
from skiagram.records.predictions import Outcome, Predictions
from skiagram.sealing.ledger import Comparison
from skiagram.tasks.cases import SEALED, Cases, DataCard
from skiagram.tasks.classes import Classes
from skiagram.tasks.scored_cases import ScoredCases
from skiagram.tasks.task import Task

FOLDS = 3
NO_PAIRS = pd.DataFrame({"first": [], "second": []})


@dataclass(frozen=True)
class Scenario:
    """A data set whose labels are all known to the test."""

    task: Task
    cases: Cases
    label: NDArray[np.int64]

    @property
    def sealed(self):
        test = self.cases.split == "test"
        return pd.DataFrame({"case_id": self.cases.case_id[test], "label": self.label[test]})

    def opened(self, replicates=100, **given):
        """Return the cases that are reported, opened, with what lies beside them."""
        return OpenedCases(self.cases, self.task, self.sealed, **given).assemble(0, replicates)

    def label_of(self, table):
        """Return the label of the case in each row of a table of scores."""
        known = pd.Series(self.label, self.cases.case_id)
        return known.loc[table["case_id"].tolist()].to_numpy()


def scenario(
    development=120,
    test=80,
    *,
    images=2,
    design="holdout",
    classes=("normal", "abnormal"),
):
    """Patients with `images` cases each and one label; classes alternate."""
    n = development + test
    patient = np.arange(n) // images
    label = (patient % len(classes)).astype(np.int64)
    sealed = np.arange(n) >= development
    cases = Cases(
        np.array([f"case-{i:04d}" for i in range(n)]),
        np.array([f"patient-{i:04d}" for i in patient]),
        np.where(sealed, "test", "train"),
        np.where(sealed, SEALED, label),
    )
    task = Task(Classes(classes, 1 if len(classes) == 2 else None), design)
    return Scenario(task, cases, label)


CARD = DataCard("drawn", "Drawn", "none", "none", "none", "none", patients_known=True)
COMPARISON = Comparison("drawn", "", "test", (), "")


def evaluated(
    known,
    models,
    *,
    seed=0,
    fold_column="",
    test_sites=(),
    compute=IN_PROCESS,
    **asked,
):
    """Evaluate with 100 resamples; what else is asked are inputs, options or analyses."""
    given = {name: asked.pop(name) for name in _names(EvaluationInputs) & asked.keys()}
    chosen = {name: asked.pop(name) for name in _names(type(DEFAULTS)) & asked.keys()}
    options = replace(DEFAULTS, **{"replicates": 100, **chosen})
    options = replace(options, analyses=replace(options.analyses, **asked))
    inputs = {
        "cases": known.cases,
        "task": known.task,
        "sealed": known.sealed,
        "card": replace(CARD, test_sites=test_sites, site_column="site" if test_sites else ""),
        "comparison": COMPARISON,
    }
    return evaluate(
        EvaluationInputs(models=tuple(models), **{**inputs, **given}),
        options,
        seed=seed,
        fold_column=fold_column,
        compute=compute,
    )


def _names(kind):
    return {field.name for field in fields(kind)}


def finished(known, name, *, arm="classical", strength=1.5, seed=0, repeats=1, signal=None):
    """A model whose scores are the label times `strength` (or a given signal) plus unit noise."""
    rng = np.random.default_rng(seed)
    n_classes = len(known.task.predicted.classes)
    outcome = Outcome(name, arm, name.replace("_", " ").title(), "finished")
    truth = np.eye(n_classes)[known.label] * strength
    if signal is not None:
        truth = np.column_stack([-signal, signal]) / 2
    tables = []
    for repeat in range(repeats):
        noise = 0 if signal is not None else rng.normal(size=(len(known.label), n_classes))
        tables.append(_rows(known, truth + noise, repeat))
    return Predictions(outcome, pd.concat(tables, ignore_index=True))


def auc_within(label, score, group):
    """Return the AUC over all pairs of two cases of one group, by scikit-learn."""
    label, score, group = (np.asarray(one) for one in (label, score, group))
    parts = [group == one for one in np.unique(group)]
    pairs = [label[rows].sum() * (1 - label[rows]).sum() for rows in parts]
    areas = [roc_auc_score(label[rows], score[rows]) for rows in parts]
    return float(np.average(areas, weights=pairs))


def failed(name, arm, reason):
    outcome = Outcome(name, arm, name.replace("_", " ").title(), "failed", reason)
    return Predictions(outcome, pd.DataFrame())


def reference(
    label,
    patient=None,
    classes=("normal", "abnormal"),
):
    n = len(label)
    return LabelledCases(
        np.array([f"case-{i:04d}" for i in range(n)]),
        label,
        np.arange(n) if patient is None else patient,
        classes,
        1 if len(classes) == 2 else None,
        label.astype(np.float64),
    )


def scored(cases, probability, order=None, threshold=np.nan, folds=0):
    """Return a model on cases: (repeats, n, classes) probabilities, (repeats, n) the order."""
    fit = np.zeros(probability.shape[:2], dtype=np.int64)
    truth, ordered = (cases.label, cases.value, cases.patient), probability
    if cases.positive is not None:
        ordered = probability[:, :, cases.positive] if order is None else order
    limits = np.full(fit.shape, threshold)
    said = ScoredCases(*truth, ordered, probability, fit, folds, limits)
    return ComparedModel(Classes(cases.classes, cases.positive), said)


def _rows(known, scores, repeat):
    development = known.cases.split != "test"
    fold = np.unique(known.cases.patient_id, return_inverse=True)[1] // scores.shape[1] % FOLDS
    parts = [_part(known, scores, ~development, "test", repeat, -1)]
    for k in range(FOLDS):
        held_out, training = development & (fold == k), development & (fold != k)
        parts.append(_part(known, scores, held_out, "out_of_fold", repeat, k))
        parts.append(_part(known, scores, training, "training", repeat, k))
        parts.append(_part(known, scores, training, "inner", repeat, k))
    return pd.concat(parts, ignore_index=True)


def _part(known, scores, rows, part, repeat, fold):
    probability = softmax(scores[rows], axis=1)
    columns = {f"score_{k}": scores[rows, k] for k in range(scores.shape[1])}
    columns |= {f"probability_{k}": probability[:, k] for k in range(scores.shape[1])}
    head = {"part": part, "repeat": repeat, "fold": fold, "case_id": known.cases.case_id[rows]}
    patient = np.unique(known.cases.patient_id, return_inverse=True)[1][rows]
    inner = patient // scores.shape[1] // FOLDS % 2 if part == "inner" else -1
    return pd.DataFrame({**head, "inner_fold": inner, "threshold": 0.4, **columns})
