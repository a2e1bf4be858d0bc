"""Generated regions: what they hold, the ideal observer's AUC as theory has it, and both arms."""

import numpy as np
import pytest
from scipy import integrate, linalg
from scipy.stats import multivariate_normal, norm
from sklearn.metrics import roc_auc_score

from skiagram.image_store.store import ImageStore
from tests.datasets.sources import ingested
from tests.sources.phantoms import data_set

SMALL = {"size": 12, "patients": {"train": 6, "validation": 2, "test": 4}}


def regions(**changes):
    return data_set("phantom_regions", **changes)


def small(**lesion):
    return regions(**SMALL, lesion={"places": 3, "spacing": 1, "radii": [2.0, 3.0]} | lesion)


def auc(opened):
    """Return the AUC that no model exceeds but by chance: of all shapes, each as often.

    It follows from the moments M₀(β) = E₀[Λ^β] alone (Barrett, Abbey and Clarkson 1998, J Opt Soc
    Am A 15:1520, equation 4.15, here for the convention that guessing has AUC ½):

        AUC = 1 − (1 / 4π) ∫ |M₀(½ + iα)|² / (α² + ¼) dα
    """

    spectra = [spectrum(observer) for observer in opened.observers]

    def squared_moment(angle):  # with 2 α the tangent of the angle
        beta = complex(0.5, np.tan(angle) / 2)
        return float(abs(sum(moment(*of_shape, beta) for of_shape in spectra)) ** 2)

    area, _ = integrate.quad(squared_moment, 0, np.pi / 2, limit=200)
    return float(1 - area / (np.pi * len(opened.observers) ** 2))


def spectrum(observer):
    """Return ν, eigenvalues of Σ₁ where Σ₀ is the identity, and the squared η, means' distance."""
    normal, abnormal = observer.factors
    vectors, roots, _ = linalg.svd(linalg.solve_triangular(normal, abnormal, lower=True))
    step = np.full(len(normal), observer.mean[1] - observer.mean[0])
    distance = np.square(vectors.T @ linalg.solve_triangular(normal, step, lower=True))
    return np.square(roots), distance


def moment(nu, distance, beta):
    """Return M₀(β), the product of ν^(−β/2) a^(−1/2) exp(−β (1−β) η² / (2 ν a)).

    In it a = 1 − β + β / ν.
    """
    a = 1 - beta + beta / nu
    terms = beta * np.log(nu) + np.log(a) + beta * (1 - beta) * distance / (nu * a)
    return complex(np.exp(-0.5 * terms.sum()))


def scores(opened):
    label = opened.entries["label"].to_numpy()
    return label, np.array([opened.truth(row).ideal_score for row in range(len(label))])


@pytest.mark.slow
@pytest.mark.parametrize(
    "lesion",
    [{}, {"contrast": 0.0}, {"abnormal_exponent": 3.0}, {"radii": [2.0, 6.0], "places": 3}],
)
def test_the_ideal_observer_has_the_auc_of_theory(lesion):
    opened = regions(patients={"train": 600, "validation": 0, "test": 2}, lesion=lesion).open(None)
    label, score = scores(opened)
    expected = auc(opened)
    error = (expected * (1 - expected) / (len(label) / 4)) ** 0.5  # more than DeLong's
    assert roc_auc_score(label, score) == pytest.approx(expected, abs=2 * error)
    # A likelihood ratio: its mean over the normal class is 1, and it is its own calibration.
    chance = 1 / (1 + np.exp(-score))
    assert np.mean(chance) == pytest.approx(0.5, abs=0.05)


def test_theory_of_a_level_alone_is_the_textbooks():
    opened = small(abnormal_exponent=3.0, radii=[3.0]).open(None)
    (observer,) = opened.observers
    covariance = observer.factors[0] @ observer.factors[0].T
    step = np.full(len(covariance), 0.3)
    distance = float(np.sqrt(step @ np.linalg.solve(covariance, step)))
    assert auc(opened) == pytest.approx(norm.cdf(distance / np.sqrt(2)), abs=1e-6)


def test_the_score_is_scipys_ratio_of_two_densities():
    opened = small().open(None)
    for position in range(4):
        image = opened.image(position)
        values = opened.volume(position).noisy[image.region.inside]
        observer = opened.observers[opened.volume(position).radius]
        normal, abnormal = (
            multivariate_normal(np.full(len(values), mean), factor @ factor.T).logpdf(values)
            for mean, factor in zip(observer.mean, observer.factors, strict=True)
        )
        assert opened.truth(position).ideal_score == pytest.approx(abnormal - normal, abs=1e-8)


@pytest.mark.slow
def test_texture_inside_has_the_variance_and_level_of_its_class_and_the_mask_tells_nothing():
    opened = regions(patients={"train": 300, "validation": 0, "test": 2}).open(None)
    volume = {0: [], 1: []}
    inner = {0: [], 1: []}
    for position, entry in enumerate(opened.entries.itertuples()):
        image = opened.image(position)
        volume[entry.label].append(int(image.region.inside.sum()))
        inner[entry.label].append(image.pixels[..., 0][image.region.inside])
    assert np.mean(volume[0]) == pytest.approx(np.mean(volume[1]), rel=0.15)
    level = [float(np.concatenate(inner[label]).mean()) for label in (0, 1)]
    spread = [float(np.concatenate(inner[label]).var()) for label in (0, 1)]
    assert level == pytest.approx([0.5, 0.8], abs=0.15)
    assert spread == pytest.approx([1.25, 1.25], rel=0.15)


@pytest.mark.slow
def test_volumes_are_ingested_with_their_regions(tmp_path):
    folders, _ = ingested(small(), tmp_path)
    images = ImageStore(folders.images)
    for case_id, image in images:
        region = images.region(case_id)
        assert 20 < region.inside.sum() < 130
        assert image.shape == (12, 12, 12, 1)
    assert images.spacing(images.case_ids[0]) == (1.0, 1.0, 1.0)
