"""Primary, secondary and trivial comparisons of a whole run."""

import numpy as np
import pytest

from skiagram.evaluation.comparison.holm import holm
from skiagram.evaluation.questions import Questions
from skiagram.evaluation.results import Evaluation
from skiagram.evaluation.summary import evaluate
from tests.evaluation.scenario import Scenario, failed, finished, scenario


def run(known: Scenario, trivial: tuple[str, ...] = ()) -> Evaluation:
    models = [
        finished(known, "tree", strength=0.4, seed=1),
        finished(known, "forest", strength=1.2, seed=2),
        finished(known, "net", arm="deep", strength=1.3, seed=3),
        finished(known, "age", strength=2.5, seed=4),
        failed("broken", "deep", "out of memory"),
        finished(known, "reader", arm="reader", strength=2.0, seed=5),
    ]
    return evaluate(
        models, known.cases, known.task, known.sealed, seed=0, replicates=300,
        questions=Questions(operating_points=(), prevalence=None, trivial=trivial),
        compare=(("net", "tree"),),
    )  # fmt: skip


@pytest.fixture(scope="module")
def found() -> Evaluation:
    return run(scenario(), trivial=("age", "not_in_the_run"))


def test_one_comparison_is_primary_and_not_among_the_corrected(found: Evaluation) -> None:
    assert found.primary is not None
    assert (found.primary.model, found.primary.other) == ("net", "forest")
    assert found.primary.difference == found.difference
    assert found.primary.p_holm is None
    pairs = {frozenset((one.model, one.other)) for one in found.secondary}
    assert len(found.secondary) == len(pairs) == 9
    assert frozenset(("net", "forest")) not in pairs


def test_corrected_values_are_of_the_whole_family(found: Evaluation) -> None:
    raw = np.array([one.p for one in found.secondary], dtype=np.float64)
    corrected = np.array([one.p_holm for one in found.secondary], dtype=np.float64)
    np.testing.assert_allclose(corrected, holm(raw))
    asked = found.comparisons[0]
    (same,) = [one for one in found.secondary if {one.model, one.other} == {"net", "tree"}]
    assert (asked.p, asked.p_holm) == (same.p, same.p_holm)


def test_a_trivial_model_is_no_arm_and_must_be_beaten(found: Evaluation) -> None:
    assert found.best == {"classical": "forest", "deep": "net"}
    rules = [(one.model, one.rule, one.beaten) for one in found.trivial]
    assert rules == [
        ("net", "prevalence", True),
        ("net", "age", False),
        ("forest", "prevalence", True),
        ("forest", "age", False),
    ]
    assert found.trivial_words == {
        "net": "The best network (Net) is not shown to beat Age.",
        "forest": "The best classical model (Forest) is not shown to beat Age.",
    }
    assert set(found.trivial_words.values()) <= set(found.warnings)


def test_the_order_of_the_models_is_judged_by_folds_and_resamples(found: Evaluation) -> None:
    assert found.ranking is not None
    first = found.ranking.first
    assert set(first) == {"tree", "forest", "net", "age"}
    assert sum(first.values()) == pytest.approx(1)
    assert max(first.values()) == first["age"]
    assert (found.ranking.concordance.value or 0) > 0.5


def test_more_classes_are_compared_alike() -> None:
    found = run(scenario(120, 120, classes=("a", "b", "c")))
    assert found.best["classical"] == "age"
    assert found.primary is not None
    assert found.primary.p is not None
    assert ((found.detectable and found.detectable.value) or 0) > 0
    assert [one.beaten for one in found.trivial] == [True, True]
    assert found.trivial_words["net"] == "The best network (Net) beats the prevalence."
    assert found.trivial_words["net"] not in found.warnings


def test_naming_every_case_alike_sets_the_accuracy_to_beat() -> None:
    known = scenario(120, 80)
    sealed = known.sealed.assign(label=[1] * 60 + [0] * 20)
    known.cases.label[:10] = 0
    found = evaluate([finished(known, "svm")], known.cases, known.task, sealed, seed=0)
    assert found.majority_accuracy is not None
    assert found.majority_accuracy.value == 20 / 80
