"""Test against out-of-fold AUC: silent where only chance differs, loud where the cases do."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from skiagram.evaluation.evaluate import evaluate
from skiagram.evaluation.results import Estimate, Evaluation, Shift
from skiagram.evaluation.shift import correct_shifts
from skiagram.records import Design
from tests.evaluation.scenario import Scenario, finished, scenario


def run(known: Scenario, *, lost: float, seed: int) -> Evaluation:
    """Evaluate two models whose scores hold `lost` less of the label on test cases."""
    rng = np.random.default_rng(seed)
    test = known.cases.split == "test"
    strength = np.where(test, 2.0 - lost, 2.0)
    models = []
    for name, arm in (("forest", "classical"), ("net", "deep")):
        signal = strength * known.label + rng.normal(size=len(known.label))
        models.append(finished(known, name, arm=arm, signal=signal))  # type: ignore[arg-type]
    return evaluate(models, known.cases, known.task, known.sealed, seed=0, replicates=100)


def test_a_loss_on_the_test_cases_is_found_and_said_first() -> None:
    found = run(scenario(600, 300, images=1), lost=1.5, seed=0)
    assert [one.disagrees for one in found.shifts] == [True, True]
    assert found.answer is not None
    assert found.answer.openings[0].startswith("The test cases are unlike the development cases")
    shift = found.shifts[0]
    assert shift.difference.value == pytest.approx(shift.test - shift.out_of_fold)


def test_the_figures_are_the_aucs_of_the_two_sides() -> None:
    known = scenario(120, 80, images=1)
    model = finished(known, "forest", strength=1.0)
    found = evaluate([model], known.cases, known.task, known.sealed, seed=0, replicates=100)
    table = model.predictions.part("out_of_fold").table
    rows = table["case_id"].str[5:].astype(int)
    expected = roc_auc_score(known.label[rows], table["probability_1"])
    assert found.shifts[0].out_of_fold == pytest.approx(expected)
    assert found.shifts[0].test == found.models[0].metrics["roc_auc"].value


def test_chance_alone_seldom_raises_the_alarm() -> None:
    known = scenario(150, 100, images=1)
    alarms = [any(s.disagrees for s in run(known, lost=0, seed=k).shifts) for k in range(40)]
    assert sum(alarms) <= 3


@pytest.mark.parametrize(("design", "classes"), [("cv", ("a", "b")), ("holdout", ("a", "b", "c"))])
def test_nothing_is_compared_without_two_sides_or_two_classes(
    design: Design, classes: tuple[str, ...]
) -> None:
    known = scenario(90, 0 if design == "cv" else 60, design=design, classes=classes)
    models = [finished(known, "net", arm="deep")]
    found = evaluate(models, known.cases, known.task, known.sealed, seed=0, replicates=100)
    assert found.shifts == ()


def test_more_models_raise_the_bar() -> None:
    one = Shift("net", 0.9, 0.8, Estimate(0.1), 0.03, 0.03, False)
    assert correct_shifts([one])[0].disagrees
    assert not any(each.disagrees for each in correct_shifts([one, one]))
