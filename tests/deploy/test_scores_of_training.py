"""Models of every kind score new films as training scored them, from their folder and a package."""

import shutil

import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skiagram.deploy.inputs import require_covariates
from skiagram.deploy.model import load_model
from skiagram.deploy.new_cases import list_cases
from skiagram.deploy.package import opened_model, pack
from skiagram.errors import DataError
from skiagram.fitting.deployment import write_checksums
from skiagram.tables.frames import read_csv
from tests.deploy.networks import trained_head, trained_network
from tests.deploy.scored import predict
from tests.deploy.trained import table_of, trained_baseline, trained_combination

pytestmark = pytest.mark.slow


SEARCH = {"trials": 2, "folds": 2}
KNOWN = ("side", "age")
KINDS = {  # how each is trained
    "features": (trained_baseline, {}),
    "network": (trained_network, {}),
    "films filled with the mean": (trained_baseline, {"restoration": "training_mean"}),
    "features and covariates": (trained_baseline, {"covariates": KNOWN}),
    "covariates": (trained_baseline, {"covariates": KNOWN, "model": "covariates"}),
    "network on film and table": (
        trained_network,
        {"model": "image_and_table", "columns": [*KNOWN]},
    ),
    "encoder": (trained_head, {"columns": None}),
    "encoder and features": (trained_head, {"columns": ["encoding", "first_order"]}),
    "tuned network": (trained_network, {"model": "tuned_small_cnn", "budget": SEARCH}),
    "combination": (trained_combination, {}),
}


def covariates_for(model, trained, folder):
    """Return the covariates that a model reads of each film, from a table."""
    if not model.scorer.covariates:
        return {}
    place, table = trained.films[0].parent, table_of(trained, folder / "table.csv")
    cases = list_cases(place, read_csv(table), ())
    require_covariates(model.scorer.covariates, cases)
    return {f"{place}/{case.name}": case.cells for case in cases}


@pytest.mark.parametrize("kind", KINDS)
def test_new_films_get_the_scores_of_the_train_stage(kind, tmp_path):
    train, how = KINDS[kind]
    trained = train(tmp_path, **how)
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
    assert model.threshold == pytest.approx(thresholds.mean(), abs=0.15)
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
