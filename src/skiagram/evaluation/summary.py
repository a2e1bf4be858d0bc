"""From scores, cases and opened labels to all that the report says."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from skiagram.evaluation.cautions import cautions
from skiagram.evaluation.comparison.contenders import Contender
from skiagram.evaluation.comparison.findings import Contest, compared
from skiagram.evaluation.comparison.trivial import majority_accuracy
from skiagram.evaluation.delong import auc_estimate
from skiagram.evaluation.model_result import model_result
from skiagram.evaluation.questions import NOTHING, Questions
from skiagram.evaluation.reference import Reference
from skiagram.evaluation.reported import ModelScores, Scores, scores_on
from skiagram.evaluation.results import Evaluation, ModelResult
from skiagram.evaluation.setting import Setting, setting
from skiagram.evaluation.twins import label_conflicts
from skiagram.evaluation.verdict import verdict
from skiagram.records import Cases, Task

_NO_PAIRS = pd.DataFrame({"first": [], "second": []})


def evaluate(
    models: Sequence[ModelScores],
    cases: Cases,
    task: Task,
    sealed: pd.DataFrame,
    *,
    seed: int,
    truth: pd.DataFrame | None = None,
    duplicates: pd.DataFrame = _NO_PAIRS,
    margin: float = 0.02,
    replicates: int = 2000,
    compare: Sequence[tuple[str, str]] = (),
    patients_known: bool = True,
    questions: Questions = NOTHING,
    covariates: pd.DataFrame | None = None,
) -> Evaluation:
    """Measure every model on the reported cases and compare the best of each arm.

    Under `holdout` these are the sealed test cases, under `cv` all cases by models that never saw
    their patient.

    Args:
        models: All models, in the order of the report; a failed one keeps its row.
        cases: The case table.
        task: What is told apart.
        sealed: Columns `case_id`, `label` of the test cases; empty under `cv`.
        seed: Seed of the bootstrap.
        truth: Columns `case_id`, `ideal_score` of generated data, else None.
        duplicates: Columns `first`, `second`: case ids of near duplicates and shifted copies.
        margin: Smallest AUC difference that counts as worthwhile.
        replicates: Bootstrap resamples.
        compare: Pairs of models whose difference is asked for besides that of the best.
        patients_known: False where groups of near duplicates stand in for patients.
        questions: Operating points, a prevalence and trivial models.
        covariates: `case_id` and columns that part the cases into subgroups.

    Raises:
        OptionError: A pair names a model that is not in the run.
        DataError: Ids of scores, labels and cases do not match, or a score is not finite.
    """
    ground = setting(cases, task, sealed, truth, duplicates, seed, replicates, covariates)
    scored = {one.outcome.model: _scores(one, ground) for one in models}
    results = {
        one.outcome.model: model_result(one, scored[one.outcome.model], ground, questions)
        for one in models
    }
    best = _best(results, questions.trivial)
    contenders = {
        name: Contender(one, ground.cases, ground.draws) for name, one in scored.items() if one
    }
    found = compared(Contest(results, contenders, best, questions.trivial, compare, margin))
    conflicts = label_conflicts(_labels(ground.development) | _labels(ground.cases), duplicates)
    every, n_twins = tuple(results.values()), int(ground.twins.sum())
    difference = found.primary.difference if found.primary else None
    answer = verdict(
        results, best, difference, ground.cases, task.design, margin, patients_known,
        found.detectable,
    )  # fmt: skip
    warned = cautions(every, ground.cases, task.design, n_twins, conflicts)
    return Evaluation(
        task=task,
        part=ground.part,
        cases={name: _by_class(side) for name, side in ground.sides.items()},
        patients={name: len(np.unique(side.patient)) for name, side in ground.sides.items()},
        twins=n_twins,
        models=every,
        best=best,
        difference=difference,
        ideal=None if ground.ideal is None else auc_estimate(ground.ideal),
        verdict=answer,
        warnings=(*warned, *found.unbeaten()),
        margin=margin,
        label_conflicts=conflicts,
        prevalence=questions.prevalence,
        majority_accuracy=majority_accuracy(ground.development, ground.cases),
        **vars(found),
    )


def _scores(model: ModelScores, ground: Setting) -> Scores | None:
    if model.outcome.status == "failed":
        return None
    several_fits = ground.design == "cv" and model.outcome.arm != "reader"
    return scores_on(model, ground.part, ground.cases, pooled=several_fits)


def _best(results: dict[str, ModelResult], trivial: Sequence[str]) -> dict[str, str]:
    best: dict[str, str] = {}
    for name, one in results.items():
        value, arm = one.selection_auc.value, one.outcome.arm
        if arm == "reader" or name in trivial:  # nobody chose it by its figures
            continue
        current = results[best[arm]].selection_auc.value if arm in best else None
        if value is not None and (current is None or value > current):
            best[arm] = name
    return best


def _labels(cases: Reference) -> dict[str, int]:
    return dict(zip(cases.case_id.tolist(), cases.label.tolist(), strict=True))


def _by_class(cases: Reference) -> dict[str, int]:
    return {name: int((cases.label == k).sum()) for k, name in enumerate(cases.classes)}
