"""Generated visits: what they hold, and the ideal observer's AUC as theory has it."""

import numpy as np
import pytest
from scipy import fft
from scipy.stats import multivariate_normal, norm
from sklearn.metrics import roc_auc_score

from skiagram.image_store.store import ImageStore
from skiagram.records.files import read_table
from skiagram.sources.phantom.image_model import power_law_spectrum
from skiagram.sources.phantom.visits import VisitObserver
from tests.datasets.sources import ingested
from tests.sources.phantoms import data_set

SMALL = {"size": 16, "patients": {"train": 6, "validation": 2, "test": 4}}
NARROW = {"radius": 5.0}


def visits(name="phantom_visits", **changes):
    return data_set(name, **changes)


def auc(opened, visit, *, earlier, marker):
    """Return the AUC that no model of such knowledge exceeds but by chance.

    It is Φ(d / √2), d² = cᵀ G w; the marker adds its own.
    """
    observer, options = opened._observers[visit - 1], opened._options
    if not earlier:
        alone = opened._contrast[visit - 1 : visit]
        observer = VisitObserver(options, opened._template, alone)
    squared = float(observer._contrast @ observer._gram @ observer._weight)
    return float(norm.cdf(np.sqrt((squared + marker * options.marker**2) / 2)))


def log_density(opened, options, images):
    """Return log of the two densities' ratio, with whole covariance matrices."""
    count, size = len(images), options.size
    lesion = opened._lesion.ravel()
    heights = options.lesion.spread**2 * (
        options.lesion.lasting + (1 - options.lesion.lasting) * np.eye(count)
    )
    row = fft.irfft2(power_law_spectrum(size, options.tissue_exponent), s=(size, size))
    places = np.indices((size, size)).reshape(2, -1)
    apart = (places[:, :, None] - places[:, None]) % size
    tissue = row[apart[0], apart[1]]
    shared = options.shared + (1 - options.shared) * np.eye(count)
    covariance = np.kron(shared, tissue) + options.noise**2 * np.eye(count * size**2)
    covariance += np.kron(heights, np.outer(lesion, lesion))
    shift = options.lesion.contrast + options.lesion.growth * np.arange(count)
    means = [np.kron(options.lesion.height + own * shift, lesion) for own in (0, 1)]
    normal, abnormal = (
        multivariate_normal(mean, covariance).logpdf(images.ravel()) for mean in means
    )
    return float(abnormal - normal)


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{}, {"shared": 0.0}, {"lesion": NARROW | {"lasting": 0.4}}])
def test_the_observer_is_the_likelihood_ratio_of_all_images_so_far(changes):
    options = visits(**SMALL | {"size": 12, "visits": 3, "marker": 0.0, "lesion": NARROW} | changes)
    opened = options.open(None)
    for position in (0, 1, 2, 5):
        patient, number = divmod(position, 3)
        images = opened._images(patient)[1][: number + 1]
        expected = log_density(opened, options, images)
        assert opened.truth(position).ideal_score == pytest.approx(expected, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["phantom_visits", "phantom_visits_unrelated"])
def test_the_ideal_observer_has_the_auc_of_theory(name):
    opened = visits(name, patients={"train": 598, "validation": 0, "test": 2}).open(None)
    label = opened.entries["label"].to_numpy()
    score = np.array([opened.truth(row).ideal_score for row in range(len(label))])
    for visit in (1, 2):
        rows = np.arange(visit - 1, len(label), 2)
        expected = auc(opened, visit, earlier=True, marker=True)
        error = (expected * (1 - expected) / (len(rows) / 4)) ** 0.5  # more than DeLong's
        assert roc_auc_score(label[rows], score[rows]) == pytest.approx(expected, abs=2 * error)


def test_where_nothing_lasts_an_earlier_image_is_of_no_use():
    opened = visits("phantom_visits_unrelated").open(None)
    for marker in (False, True):
        alone, both = (auc(opened, 2, earlier=known, marker=marker) for known in (False, True))
        assert both == pytest.approx(alone, abs=1e-12)
    opened = visits().open(None)
    gain = auc(opened, 2, earlier=True, marker=False) - auc(opened, 2, earlier=False, marker=False)
    assert gain == pytest.approx(0.164, abs=0.001)


def test_ingest_knows_visits_and_markers(tmp_path):
    folders, cases = ingested(visits(**SMALL, lesion=NARROW), tmp_path)
    table = read_table(folders.cases / "visits.parquet").merge(
        read_table(folders.cases / "covariates.parquet"), on="case_id"
    )
    table["patient"] = cases.patient_id
    assert len(table) == len(ImageStore(folders.images)) == 24
    assert set(table.groupby("patient")["visit"].agg(tuple).map(sorted).map(tuple)) == {(1, 2)}
    assert (table.groupby("patient")["marker"].nunique() == 1).all()
