"""Models of every kind score new films as training scored them, from their folder and a package."""

import shutil

import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skiagram.deploy.inputs import NO_COVARIATES, read_covariates
from skiagram.deploy.model import load_model
from skiagram.deploy.new_cases import NewCase
from skiagram.deploy.package import opened_model, pack
from skiagram.errors import DataError
from skiagram.fitting.deployment import write_checksums
from tests.deploy.scored import predict
from tests.deploy.trained import (
    table_of,
    trained_baseline,
    trained_combination,
)

pytestmark = pytest.mark.slow


def network(folder, model="small_cnn", **options):
    from tests.deploy.networks import trained_network

    return trained_network(folder, model, **options)


def head(folder, columns):
    from tests.deploy.networks import trained_head

    return trained_head(folder, columns)


KINDS = {
    "features": trained_baseline,
    "network": network,
    "films filled with the mean": lambda folder: trained_baseline(folder, "training_mean"),
    "features and covariates": lambda folder: trained_baseline(folder, covariates=("side", "age")),
    "covariates": lambda folder: trained_baseline(
        folder, covariates=("side", "age"), model="covariates"
    ),
    "network on film and table": lambda folder: network(
        folder, "image_and_table", columns=["side", "age"]
    ),
    "encoder": lambda folder: head(folder, None),
    "encoder and features": lambda folder: head(folder, ["encoding", "first_order"]),
    "tuned network": lambda folder: network(
        folder, "tuned_small_cnn", budget={"trials": 2, "folds": 2}
    ),
    "combination": trained_combination,
}


def covariates_for(model, trained, folder):
    """Return the covariates that a model reads, from a table of the films."""
    if not model.scorer.covariates:
        return NO_COVARIATES
    cases = [NewCase.of_file(film) for film in trained.films]
    return read_covariates(table_of(trained, folder / "table.csv"), model.scorer.covariates, cases)


@pytest.mark.parametrize("kind", KINDS)
def test_new_films_get_the_scores_of_the_train_stage(kind, tmp_path):
    trained = KINDS[kind](tmp_path)
    model = load_model(trained.model)
    found = predict(model, trained.films, covariates_for(model, trained, tmp_path))
    assert_allclose(found.rows, trained.expected(), rtol=1e-4, atol=1e-6)
    assert found.files == trained.films
    assert not found.refused
    assert not found.unusual
    assert not found.unseen
    # Of the mean of two trainings, and above the mean of theirs or near it.
    thresholds = trained.test.groupby("repeat")["threshold"].first()
    assert model.threshold == model.fingerprint.threshold
    assert model.threshold == pytest.approx(thresholds.mean(), abs=0.1)
    copy = shutil.copytree(trained.model, tmp_path / "copies/model")
    write_checksums(copy)
    for name in ("model", "again"):
        pack(copy, tmp_path / f"{name}.skiagram")
    bytes_of = [(tmp_path / f"{name}.skiagram").read_bytes() for name in ("model", "again")]
    assert bytes_of[0] == bytes_of[1]
    with opened_model(tmp_path / "model.skiagram") as packed:
        again = predict(packed, trained.films, covariates_for(packed, trained, tmp_path))
    assert_array_equal(again.rows, found.rows)
    if kind == "encoder":  # its folder carries the weights of the encoder
        shutil.rmtree(trained.model / "learned")
        with pytest.raises(DataError, match="no such file of weights"):
            load_model(trained.model)
