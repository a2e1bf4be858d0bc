"""Every pair of models, and each arm against the simple baselines."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from skiagram.evaluation.comparisons import correct_over_arms
from skiagram.evaluation.criteria import beats_baseline
from skiagram.evaluation.evaluation_record import SECONDARY, SIMPLE_BASELINES
from skiagram.evaluation.figure_table import make_row
from skiagram.evaluation.results import CLASSES as OF_CLASSES
from skiagram.evaluation.verdict import describe_baselines
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.significance import correct_by_holm
from tests.evaluation.scenario import evaluated, failed, finished, scenario

CLASSES = ("a", "b", "c")


def run(known):
    models = [
        finished(known, "weak", strength=0.5, seed=1),
        finished(known, "strong", strength=1.5, seed=2),
        failed("broken", "deep", "out of memory"),
    ]
    return evaluated(known, models)


@pytest.mark.slow
def test_each_class_has_its_auc_and_their_mean_is_the_macro_figure():
    known = scenario(90, 120, classes=CLASSES)
    found = run(known).models[1]
    label = known.sealed["label"].to_numpy()
    table = finished(known, "strong", strength=1.5, seed=2).part("test")
    expected = [roc_auc_score(label == k, table[f"probability_{k}"]) for k in range(3)]
    areas = found.figures.select(analysis=OF_CLASSES).rows
    assert [area.value for area in areas] == pytest.approx(expected)
    assert all(area.low < area.value < area.high for area in areas)
    assert found.find("roc_auc").value == pytest.approx(np.mean(expected))
    assert not run(scenario()).table.select(analysis=OF_CLASSES)


@pytest.fixture(scope="module")
def found():
    known = scenario()
    models = [
        finished(known, "tree", strength=0.4, seed=1),
        finished(known, "forest", strength=1.2, seed=2),
        finished(known, "net", arm="deep", strength=1.3, seed=3),
        finished(known, "age", strength=2.5, seed=4),
        failed("broken", "deep", "out of memory"),
        finished(known, "reader", arm="reader", strength=2.0, seed=5),
    ]
    return evaluated(known, models, simple_rules=("age", "not_in_the_run"))


@pytest.mark.slow
def test_one_comparison_is_primary_and_not_among_the_corrected(found):
    assert (found.difference.model, found.difference.versus) == ("deep", "classical")
    assert [found.arms[arm].model for arm in ("deep", "classical")] == ["net", "forest"]
    assert found.difference.p_holm is None
    secondary = found.pairs(SECONDARY)
    pairs = {frozenset((one.model, one.versus)) for one in secondary}
    assert len(secondary) == len(pairs) == 9
    assert frozenset(("net", "forest")) not in pairs


def test_corrected_values_are_of_the_whole_family(found):
    secondary = {frozenset((one.model, one.versus)): one for one in found.pairs(SECONDARY)}
    of_baselines = {frozenset((model, "age")) for model in ("net", "forest")}
    family = [one for pair, one in secondary.items() if pair not in of_baselines]
    raw, corrected = ([getattr(one, name) for one in family] for name in ("p", "p_holm"))
    assert corrected == pytest.approx(correct_by_holm(raw))
    against = found.simple_baselines
    held = [one.p_holm for one in against]
    assert held == [one.p_holm for one in correct_over_arms(against)]
    of_age = {one.p_holm for one in against if one.versus == "age"}
    assert {secondary[pair].p_holm for pair in of_baselines} == of_age


@pytest.mark.slow
def test_a_difference_is_that_of_the_single_figures(found):
    figures = {model.outcome.model: model.find("roc_auc").value for model in found.models}
    for pair in found.pairs(SECONDARY):
        assert pair.value == pytest.approx(figures[pair.model] - figures[pair.versus])
        assert pair.low <= pair.value <= pair.high


@pytest.mark.parametrize(
    ("arms", "corrected"),
    [
        # each baseline is beaten where the largest p of the arm, by Holm over the arms, is small
        ({"deep": (0.001, 0.02), "classical": (0.03, 0.04)}, [0.002, 0.04, 0.04, 0.04]),
        # an arm that is behind a baseline claims nothing of all, and single ones twice its p
        ({"deep": (0.001, 0.02), "classical": (0.01, -0.001)}, [0.002, 0.04, 0.02, 0.002]),
        # what both are at once is no third claim, and they are none beside it
        (
            {"deep": (0.01, 0.02), "encoder": (0.01, 0.02), "either": (0.01, 0.02)},
            [0.02, 0.04, 0.02, 0.04, 0.01, 0.02],
        ),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_p_values_of_baselines_are_corrected_over_the_arms_alone(arms, corrected, sign):
    """Of five rows and four baselines a p of .012 became .24; to beat all is one claim."""
    rows = [
        make_row(Estimate(sign * np.sign(p)), SIMPLE_BASELINES, "roc_auc", model=arm, p=abs(p))
        for arm, values in arms.items()
        for p in values
    ]
    found = correct_over_arms(rows, lower_is_better=sign < 0)
    assert [row.p_holm for row in found] == pytest.approx(corrected)


def test_a_trivial_model_is_no_arm_and_must_be_beaten(found):
    assert found.best == {"classical": "forest", "deep": "net"}
    beaten = [(one.model, one.versus, beats_baseline(one)) for one in found.simple_baselines]
    assert beaten == [
        ("deep", "prevalence", True),
        ("deep", "age", False),
        ("classical", "prevalence", True),
        ("classical", "age", False),
    ]
    unbeaten = describe_baselines(found, beaten=False)
    assert unbeaten == (
        "The best network (Net) is not shown to beat Age.",
        "The best classical model (Forest) is not shown to beat Age.",
    )
    assert found.answer.openings[-2:] == unbeaten
    assert not describe_baselines(found, beaten=True)


def test_naming_every_case_alike_sets_the_accuracy_to_beat():
    known = scenario(120, 80)
    sealed = known.sealed.assign(label=[1] * 60 + [0] * 20)
    known.cases.label[:10] = 0
    found = evaluated(known, [finished(known, "svm")], sealed=sealed)
    assert found.majority_accuracy.value == 20 / 80
