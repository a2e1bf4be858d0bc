"""Obuchowski–Rockette against published figures, the jackknife, and trivial cases."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from skiagram.evaluation.figure_table import FigureTable
from skiagram.evaluation.reader_study import MEAN_READER, READERS, study_readers
from skiagram.statistics.delong import auc_of_placements, auc_of_scores
from skiagram.statistics.readers import covariance_of_readers, mean_over_readers
from tests.evaluation.test_contract import TWO, whole

# Five radiologists read 114 patients, 45 with a dissection of the aorta, on spin echo and on cine
# MR images (Van Dyke et al. 1993). AUCs, variances and covariances as Chakraborty (*Observer
# performance methods*, "Obuchowski Rockette applications", dataset02) prints them; his results
# agree with those of OR-DBM MRMC 2.51.
SPIN_ECHO = np.array([0.9196, 0.8588, 0.9039, 0.9731, 0.8298])
CINE = np.array([0.9478, 0.9053, 0.9217, 0.9994, 0.9300])


def equally_correlated(variance, covariance):
    return np.full((5, 5), covariance) + np.eye(5) * (variance - covariance)


def bounds(found):
    half = found.variation.half_width
    return found.value - half, found.value + half


@pytest.mark.parametrize(
    ("figures", "variance", "covariance", "expected"),
    [
        (SPIN_ECHO, 0.0010141, 0.0004840, (0.8970, 0.03317, 12.74, 0.8252, 0.9689)),
        (CINE, 0.0005905, 0.0002042, (0.9408, 0.02157, 12.71, 0.8941, 0.9875)),
    ],
)
def test_a_mean_over_readers_is_as_published(figures, variance, covariance, expected):
    found = mean_over_readers(figures, equally_correlated(variance, covariance))
    degrees = found.variation.degrees
    own = (found.value, np.sqrt(found.variation.variance), degrees, *bounds(found))
    assert own == pytest.approx(expected, rel=1e-3)


def test_a_difference_of_two_modalities_is_as_published():
    """F(1, 15.26) = 4.456, p = .0517, −.0438 (−.0880 to .0004); Cov2 − Cov3 = .0001051."""
    covariance = equally_correlated(
        2 * (0.0008023 - 0.0003466), 2 * (0.00034407483 - 0.00023902837)
    )
    found = mean_over_readers(SPIN_ECHO - CINE, covariance)
    assert found.value**2 / found.variation.variance == pytest.approx(4.456, rel=2e-3)
    assert found.variation.degrees == pytest.approx(15.26, rel=2e-3)
    assert found.variation.p(found.value) == pytest.approx(0.05167, abs=2e-4)
    assert bounds(found) == pytest.approx((-0.08796, 0.00036), abs=1e-4)


def read_cases(readers, seed):
    generator = np.random.default_rng(seed)
    patient = np.arange(120)
    positive = patient % 2 == 0
    shared = generator.normal(size=120) + 1.2 * positive
    scores = [shared + generator.normal(size=120) for _ in range(readers + 1)]
    *read, model = (auc_of_scores(one[None], positive, patient) for one in scores)
    return read, model


@pytest.mark.slow
def test_covariances_are_those_of_a_jackknife():
    generator = np.random.default_rng(0)
    positive = np.arange(150) % 3 == 0
    skill = generator.normal(size=150) + 1.2 * positive
    scores = skill + generator.normal(size=(3, 150))
    patient = np.arange(150)
    found = covariance_of_readers([auc_of_scores(one[None], positive, patient) for one in scores])
    kept = ~np.eye(150, dtype=np.bool_)
    left_out = np.array(
        [[roc_auc_score(positive[row], one[row]) for row in kept] for one in scores]
    )
    expected = np.cov(left_out) * 149**2 / 150
    assert found == pytest.approx(expected, rel=0.03)


def test_trainings_of_the_model_widen_its_difference():
    read, model = read_cases(3, seed=4)
    others = [read_cases(1, seed=seed)[1].influence for seed in (4, 14, 24)]
    single = auc_of_placements(np.mean(others, axis=0), model.kind == 1, model.patient)
    several = auc_of_placements(np.concatenate(others), model.kind == 1, model.patient)
    named = {str(number): one for number, one in enumerate(read)}
    alone, together = (
        FigureTable(study_readers(named, {"cnn": one})).find(model="cnn", figure="roc_auc")
        for one in (single, several)
    )
    assert alone.value == pytest.approx(together.value)
    assert together.high - together.low > alone.high - alone.low


@pytest.mark.slow
@pytest.mark.parametrize("design", ["holdout", "cv"])
def test_a_run_with_two_readers_holds_its_models_against_their_mean(design):
    found = whole(design, TWO)
    readers = found.figures.select(analysis=READERS)
    against = readers.select(versus=MEAN_READER)
    assert list(readers.select(versus="").by_model("roc_auc")) == ["dr_gray", "dr_white"]
    assert set(against.by_model("roc_auc")) >= {"classical", "deep"}
    trained = [model for model in found.models if model.outcome.status == "finished"]
    own = {model.outcome.model: model.find("roc_auc").value for model in trained}
    mean = (own["dr_gray"] + own["dr_white"]) / 2
    assert readers.find(group=MEAN_READER).value == pytest.approx(mean)
    for arm, name in found.best.items():
        (row,) = against.select(model=arm).rows
        assert row.value == pytest.approx(own[name] - mean)
        assert row.p_holm >= row.p
