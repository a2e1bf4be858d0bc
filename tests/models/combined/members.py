"""Members whose scores are drawn, so that it is known what each is worth."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from skiagram.models.combined import Combination, CombinationInputs, CombinedMember
from skiagram.models.contract import Labelled
from skiagram.models.cross_validation import Plan
from skiagram.options import build
from skiagram.records.cases import Cases, Design, Task
from skiagram.records.predictions import Outcome, Predictions
from skiagram.splits import grouped_folds
from tests.models.examples import PLAN
from tests.models.examples import cases_of as in_parts

CONF = Path(__file__).resolve().parents[3] / "conf" / "combination"
Floats = NDArray[np.float64]


def combination(name: str, **values: Any) -> Combination:
    options = yaml.safe_load((CONF / f"{name}.yaml").read_text())
    built: Combination = build(options | values, "combinations")
    return built


def drawn(strengths: tuple[float, ...], n_classes: int = 2, patients: int = 150) -> Labelled[Any]:
    """Return two cases a patient; each member's scores hold that much of the class, and noise."""
    generator = np.random.default_rng(11)
    patient = np.repeat(np.arange(patients), 2)
    label = (patient % n_classes).astype(np.int64)
    noise = generator.normal(size=(len(label), len(strengths), n_classes))
    scores = noise + np.array(strengths)[:, None] * np.eye(n_classes)[label][:, None]
    case_id = np.array([f"c{at:03d}" for at in range(len(label))])
    inputs = CombinationInputs.of_one_fit(scores)
    return Labelled(inputs, case_id, label, np.array([f"p{one}" for one in patient]), n_classes)


def cases_of(data: Labelled[Any], design: Design) -> tuple[Cases, Task]:
    split = np.full(len(data), "train", dtype="<U10")
    if design == "holdout":
        split[np.arange(len(data)) % 8 > 5] = "test"
    names = tuple(f"class {k}" for k in range(data.n_classes))
    positive = 1 if data.n_classes == 2 else None
    return in_parts(data, split), Task(names, positive, design)


def outcome(name: str, status: Any = "finished") -> Outcome:
    return Outcome(name, "classical", name.title(), status, "" if status == "finished" else "lost")


def predict(
    name: str, scores: Floats, cases: Cases, design: Design, plan: Plan = PLAN
) -> Predictions:
    known = np.flatnonzero(cases.split != "test")
    label, patient = cases.label[known], cases.patient_id[known]
    tables = []
    for repeat in range(plan.repeats):
        stream = ("folds", f"repeat{repeat}")
        for k, fold in enumerate(grouped_folds(label, patient, plan.folds, plan.seed, *stream)):
            tables.append(_rows("out_of_fold", repeat, k, known[fold.held_out], cases, scores))
            tables.append(_rows("training", repeat, k, known[fold.training], cases, scores))
            if design == "cv":
                tables.append(_rows("inner", repeat, k, known[fold.training], cases, scores))
        if design == "holdout":
            sealed = np.flatnonzero(cases.split == "test")
            tables.append(_rows("test", repeat, -1, sealed, cases, scores))
    return Predictions(outcome(name), pd.concat(tables, ignore_index=True))


def _rows(
    part: str, repeat: int, fold: int, rows: NDArray[np.int64], cases: Cases, scores: Floats
) -> pd.DataFrame:
    columns: Mapping[str, Any] = {
        f"{kind}_{k}": scores[rows, k]
        for kind in ("score", "probability")
        for k in range(scores.shape[1])
    }
    table = {"part": part, "repeat": repeat, "fold": fold, "case_id": cases.case_id[rows]}
    return pd.DataFrame({**table, "threshold": np.nan, **columns})


def member(
    model: Combination, data: Labelled[Any], cases: Cases, design: Design, plan: Plan = PLAN
) -> CombinedMember:
    scores = data.inputs.scores
    predictions = (
        predict(f"member{at}", scores[:, at], cases, design, plan) for at in range(scores.shape[1])
    )
    return CombinedMember("combination", model, {"some": "option"}, tuple(predictions))
