"""A combination's folder scores new films as the run did, with copies of its members."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skiagram.deploy.inputs import CovariateTable
from skiagram.deploy.model import load_model
from skiagram.errors import DataError
from skiagram.models.arm import ArmFolders, Member, train
from skiagram.models.combined import check_combination, combine
from skiagram.models.deployment import CHECKSUMS
from skiagram.options import build
from skiagram.preparation import propagate_preparation
from skiagram.records.predictions import Predictions, probabilities_of
from tests.deploy.scored import predict
from tests.deploy.trained import TASK, covariates_of, options, prepared
from tests.stand_ins import PLAN

MEMBERS = ("svm", "logistic_regression_covariates")


@pytest.fixture(scope="module")
def combined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project whose members see images and covariates; do not change it."""
    root = tmp_path_factory.mktemp("combined")
    features = [options("features/first_order.yaml"), options("features/covariates.yaml")]
    features[1]["columns"] = ["age", "side"]
    cases, table = prepared(root, options("restoration/none.yaml"), features)
    for name in MEMBERS:
        composed = options(f"model/{name}.yaml")
        known, new = (table.of(part.case_id) for part in (cases.development(), cases.test()))
        member = Member(name, build(composed, "model"), composed, known, new)
        made = train(member, cases, TASK, PLAN, ArmFolders.under(root, name))
        assert made.outcome.status == "finished"
        propagate_preparation(root / "preparation", root / "models" / name)
    values = options("combination/stacking.yaml", members=list(MEMBERS))
    chosen = check_combination("stacking", values, MEMBERS)
    folders = ArmFolders.under(root / "combined", "stacking")
    outcome = combine(root, chosen, cases, TASK, PLAN, folders)
    assert outcome.status == "finished", outcome.reason
    return root


@pytest.mark.slow
def test_films_get_the_scores_of_the_run(combined: Path) -> None:
    model = load_model(combined / "combined/models/stacking")
    test = Predictions.read(combined / "combined/scores/stacking").part("test")
    names = test["case_id"].unique()
    films = [combined / "films" / f"{name}.png" for name in names]
    known = covariates_of(names.astype(str)).astype(object)
    cells = {
        str(film): {
            str(name): str(one) if pd.notna(one := known[name].iloc[at]) else "" for name in known
        }
        for at, film in enumerate(films)
    }
    covariates = CovariateTable(model.scorer.covariates, cells)
    found = predict(model, films, covariates)
    assert not found.refused
    repeats = [probabilities_of(rows) for _, rows in test.groupby("repeat")]
    np.testing.assert_allclose(found.rows, np.mean(repeats, axis=0), rtol=0, atol=1e-12)


@pytest.mark.slow
def test_the_folder_stands_alone_and_misses_a_lost_member(combined: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(combined / "combined/models/stacking", tmp_path / "elsewhere")
    assert load_model(folder).task == TASK
    shutil.rmtree(folder / "members/svm")
    with pytest.raises(DataError, match=r"svm.*is missing.*copy the whole folder"):
        load_model(folder)


def test_weights_of_other_members_are_refused(combined: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(combined / "combined/models/stacking", tmp_path / "changed")
    path = folder / "repeat1/combination.json"
    text = path.read_text()
    path.write_text(text[: text.index('"weights"')] + '"weights": [1.0]\n}\n')
    with pytest.raises(DataError, match="is altered"):
        load_model(folder)
    (folder / CHECKSUMS).unlink()
    with pytest.raises(DataError, match="of other members than these"):
        load_model(folder)
