"""Pairs that the options name: the paired difference, by both kinds of task."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from skiagram.errors import OptionError
from skiagram.evaluation.results import Evaluation
from skiagram.evaluation.summary import evaluate
from tests.evaluation.scenario import Scenario, failed, finished, scenario

CLASSES = ("a", "b", "c")


def run(known: Scenario, *pairs: tuple[str, str]) -> Evaluation:
    models = [
        finished(known, "weak", strength=0.5, seed=1),
        finished(known, "strong", strength=1.5, seed=2),
        failed("broken", "deep", "out of memory"),
    ]
    return evaluate(
        models, known.cases, known.task, known.sealed, seed=0, replicates=300, compare=pairs
    )


@pytest.mark.parametrize("classes", [("normal", "abnormal"), CLASSES])
def test_the_difference_is_that_of_the_single_figures_and_turns_with_the_pair(
    classes: tuple[str, ...],
) -> None:
    found = run(scenario(120, 120, classes=classes), ("strong", "weak"), ("weak", "strong"))
    weak, strong = (one.metrics["roc_auc"].value for one in found.models[:2])
    there, back = (one.difference for one in found.comparisons)
    assert there.value == pytest.approx((strong or 0) - (weak or 0))
    assert 0 < (there.low or 0) < (there.value or 0) < (there.high or 0)
    turned = [-(bound or 0) for bound in (there.value, there.high, there.low)]
    assert [back.value, back.low, back.high] == pytest.approx(turned)
    assert (found.comparisons[0].model, found.comparisons[0].other) == ("strong", "weak")


def test_a_failed_model_leaves_a_reason() -> None:
    (found,) = run(scenario(), ("weak", "broken")).comparisons
    assert found.difference.value is None
    assert found.difference.reason == "broken could not be trained"


@pytest.mark.parametrize(
    ("pair", "message"),
    [(("weak", "forest"), "no model `forest`"), (("weak", "weak"), "`weak` is compared with")],
)
def test_a_pair_that_is_none_is_a_wrong_option(pair: tuple[str, str], message: str) -> None:
    with pytest.raises(OptionError, match=rf"evaluate\.compare: {message}.*two of weak, strong"):
        run(scenario(), pair)


def test_nothing_is_compared_unless_asked_for() -> None:
    assert run(scenario()).comparisons == ()


def test_each_class_has_its_auc_and_their_mean_is_the_macro_figure() -> None:
    known = scenario(90, 120, classes=CLASSES)
    found = run(known).models[1]
    label = known.sealed["label"].to_numpy()
    table = finished(known, "strong", strength=1.5, seed=2).predictions.part("test")
    expected = [roc_auc_score(label == k, table.probabilities()[:, k]) for k in range(3)]
    assert [one.value for one in found.class_auc] == pytest.approx(expected)
    assert all((one.low or 1) < (one.value or 0) < (one.high or 0) for one in found.class_auc)
    assert found.metrics["roc_auc"].value == pytest.approx(np.mean(expected))
    assert run(scenario()).models[1].class_auc == ()


def test_a_class_without_reported_cases_leaves_the_others_their_auc() -> None:
    known = scenario(90, 120, classes=CLASSES)
    sealed = known.sealed.replace({"label": {2: 1}})
    models = [finished(known, "strong", strength=1.5, seed=2)]
    found = evaluate(models, known.cases, known.task, sealed, seed=0, replicates=100).models[0]
    values = [one.value for one in found.class_auc]
    assert values[2] is None
    assert found.class_auc[2].reason == "no reported case of class c"
    assert None not in values[:2]
