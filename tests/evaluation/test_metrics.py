"""The figures of one model against scikit-learn."""

import numpy as np
import pytest
from scipy.special import logit
from scipy.stats import t
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    recall_score,
    roc_auc_score,
)

from skiagram.evaluation.compared_model import ComparedModel
from skiagram.evaluation.metrics import (
    estimate_balanced_accuracy,
    estimate_brier,
    estimate_metrics,
)
from skiagram.statistics.bootstrap import draw_patients
from skiagram.statistics.delong import macro_auc_of_scores
from skiagram.statistics.proportions import predictive_value_at_prevalence, proportion
from skiagram.statistics.variation import (
    degrees_of_freedom,
    effective_patients,
    variance_of_mean,
)
from tests.evaluation.scenario import finished, scenario


def on_test(known, name, strength):
    return ComparedModel.on(known.opened(), finished(known, name, strength=strength))


def draws_of(model):
    return draw_patients(model.scored.patient, 20, 300, seed=0)


def test_two_classes_equal_sklearn():
    model = on_test(scenario(), "svm", 1.5)
    found = estimate_metrics(model, draws_of(model))
    probability, label = model.scored.estimate[0], model.scored.label
    named, called = probability.argmax(axis=1), probability[:, 1] >= 0.4
    expected = {
        "roc_auc": roc_auc_score(label, probability[:, 1]),
        "average_precision": average_precision_score(label, probability[:, 1]),
        "accuracy": accuracy_score(label, named),
        "balanced_accuracy": balanced_accuracy_score(label, named),
        "sensitivity": recall_score(label, called),
        "specificity": recall_score(label, called, pos_label=0),
        "brier": np.mean((probability[:, 1] - label) ** 2),
    }
    assert {name: one.value for name, one in found.items()} == pytest.approx(expected)
    for one in found.values():
        assert 0 <= one.low < one.value < one.high <= 1


def test_more_classes_equal_sklearn_and_have_no_operating_point():
    known = scenario(90, 90, classes=("a", "b", "c"))
    model = on_test(known, "svm", 1.5)
    found = estimate_metrics(model, draws_of(model))
    probability, label = model.scored.estimate[0], model.scored.label
    named, macro = probability.argmax(axis=1), roc_auc_score(label, probability, multi_class="ovr")
    expected = {
        "roc_auc": macro,
        "average_precision": average_precision_score(np.eye(3)[label], probability),
        "accuracy": accuracy_score(label, named),
        "balanced_accuracy": balanced_accuracy_score(label, named),
        "brier": np.mean(((probability - np.eye(3)[label]) ** 2).sum(axis=1)),
    }
    assert {name: one.value for name, one in found.items()} == pytest.approx(expected)
    projected = macro_auc_of_scores(model.scored.estimate, label, model.scored.patient)
    half = projected.variation.half_width / (macro * (1 - macro))
    reach = logit(macro) - half, logit(macro) + half
    assert logit([found["roc_auc"].low, found["roc_auc"].high]) == pytest.approx(reach)


PPV, NPV = "positive predictive value", "negative predictive value"


def predictive_values(right, positive, patient, prevalence):
    return {
        PPV: predictive_value_at_prevalence(right, positive, patient, prevalence),
        NPV: predictive_value_at_prevalence(right, ~positive, patient, 1 - prevalence),
    }


def cases(hits, misses, rejections, alarms):
    right = np.repeat([1.0, 0.0, 1.0, 0.0], [hits, misses, rejections, alarms])
    return right, np.arange(len(right)) < hits + misses


def test_equals_mercaldo_on_the_papers_counts():
    # ApoE ε4 and Alzheimer's disease: 240 of 418 patients and 87 of 375 controls carry it,
    # prevalence 3 %; bounds by the paper's eqs. 8 to 11 in R 4.2.2
    right, positive = cases(240, 178, 288, 87)
    found = predictive_values(right, positive, np.arange(793), 0.03)
    expected = {
        PPV: (0.07109937006, 0.05887097288, 0.08563666566),
        NPV: (0.9831403887, 0.9809487910, 0.9850837047),
    }
    for name, figures in expected.items():
        one = found[name]
        assert (one.value, one.low, one.high) == pytest.approx(figures, rel=1e-8)


def test_a_patient_of_many_images_lengthens_a_predictive_value_on_both_sides():
    """Thirty positive and thirty negative patients; one of each has 25 images, a few are wrong."""
    sizes = np.ones(60, dtype=np.int64)
    sizes[[0, 30]] = 25
    patient = np.repeat(np.arange(60), sizes)
    positive = patient < 30
    right = np.ones(len(patient))
    right[(patient % 10 == 3) | (np.arange(len(patient)) % 25 < 3)] = 0.0
    found = predictive_values(right, positive, patient, 0.1)[PPV]
    one, other = (proportion(right[side], patient[side]) for side in (positive, ~positive))
    reach = np.hypot(
        np.log(one.high / one.value),
        np.log((1 - other.value) / (1 - other.high)),
    )
    assert logit(found.high) - logit(found.value) >= reach - 1e-12
    # Its odds are a share of right cases by one of wrong ones, in logarithms.
    terms = np.where(positive, right / one.value - 1, 1 - (1 - right) / (1 - other.value))
    terms /= np.where(positive, positive.sum(), (~positive).sum())
    error = np.sqrt(variance_of_mean(len(patient) * terms, patient) * 59 / 60)
    half = t.ppf(0.975, effective_patients(patient) - 1) * error
    assert logit(found.value) - logit(found.low) >= half - 1e-12


def test_extremes_keep_their_doubt_and_absent_classes_say_why():
    right, positive = cases(20, 0, 30, 10)
    found = predictive_values(right, positive, np.arange(60), 0.1)[NPV]
    assert found.value == 1
    assert 0.9 < found.low < 1
    alone = predictive_values(right[:20], positive[:20], np.arange(20), 0.1)
    assert alone[PPV].reason == alone[NPV].reason == "a class has no case"


def test_a_balanced_accuracy_has_an_interval_where_each_class_gets_one_decision():
    """By Wilson's bounds of 15 of 15 and 0 of 15 by Student's t, squared, added and halved."""
    label = np.repeat([1, 0], 15)
    patient = np.arange(30)
    found = estimate_balanced_accuracy(np.ones((1, 30), dtype=np.int64), label, 2, patient)
    least = 15 / (15 + t.ppf(0.975, 14) ** 2)
    assert found.value == 0.5
    assert found.low == pytest.approx(0.5 - (1 - least) / 2)
    assert found.high == pytest.approx(0.5 + (1 - least) / 2)
    # One training decides all rightly, the other calls all positive.
    both = np.stack([label, np.ones_like(label)])
    found = estimate_balanced_accuracy(both, label, 2, patient)
    assert found.value == 0.75
    assert found.low < 0.6 < 0.9 < found.high
    # Patients with a case of each class who are decided alike, rightly or wrongly, know less.
    right = np.where(np.arange(30) % 15 < 10, label, 1 - label)[None]
    apart = estimate_balanced_accuracy(right, label, 2, patient)
    paired = estimate_balanced_accuracy(right, label, 2, patient % 15)
    assert paired.high - paired.low > 1.3 * (apart.high - apart.low)


def test_the_brier_score_of_more_classes_rests_on_all_patients_and_reaches_two():
    label, patient = np.repeat(np.arange(12) % 4, 3), np.repeat(np.arange(12), 3)
    label[0] = 4  # a single case of a class
    is_wrong = np.arange(36) < 17
    probability = np.eye(5)[np.where(is_wrong, (label + 1) % 5, label)] * 0.96 + 0.008
    draws = draw_patients(patient, 1, 500, 0, degrees_of_freedom(patient, label))
    assert draws.degrees == 1
    found = estimate_brier(probability[None], label, None, draws)
    of_all = estimate_brier(probability[None], label, None, draw_patients(patient, 1, 500, 0))
    assert (found.low, found.high) == (of_all.low, of_all.high)
    assert 0 < found.low < found.value < 1 < found.high < 2
    perfect = estimate_brier(np.eye(5)[label][None], label, None, draws)
    assert (perfect.value, perfect.low) == (0, 0)
    assert perfect.high > 0
