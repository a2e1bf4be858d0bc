"""Scores of cases that a fold holds out know neither their labels nor what else they are."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from skiagram.models.contract import Labelled
from skiagram.models.cross_validation import CrossValidator
from skiagram.models.deep.network_model import NetworkModel
from skiagram.options import build
from skiagram.splits import Partition
from skiagram.training.data import ImageSet
from tests import stand_ins
from tests.models.deep.spots import noise_table, spots
from tests.stand_ins import CPU

pytestmark = pytest.mark.slow

CONF = Path(__file__).resolve().parents[3] / "conf" / "model"
PLAN = replace(stand_ins.PLAN, repeats=1)


def learner(name: str) -> NetworkModel:
    options = yaml.safe_load((CONF / f"{name}.yaml").read_text())
    options["training"] |= {"epochs": 2, "patience": 2, "augmentation": None, "image_size": None}
    return NetworkModel(build(options, "model"), CPU, threads=1)


def blind_scores(
    model: NetworkModel, cases: Labelled[ImageSet], fold: Partition
) -> NDArray[np.float64]:
    fitted = CrossValidator(model, PLAN, positive=1).fit(cases.select(fold.training), None, "fold0")
    return fitted.scores(cases.select(fold.held_out).inputs)


@pytest.mark.parametrize("name", ["refitted_head", "image_and_table"])
def test_labels_of_held_out_cases_change_no_score_of_theirs(tmp_path: Path, name: str) -> None:
    cases = spots(tmp_path / "images", 48, noise=0.5)
    fold = PLAN.make_folds(cases.label, cases.patient_id, 2, "repeat0")[0]
    label = cases.label.copy()
    label[fold.held_out] = 1 - label[fold.held_out]
    other = replace(cases, label=label)
    found = blind_scores(learner(name), cases, fold)
    np.testing.assert_array_equal(found, blind_scores(learner(name), other, fold))


def test_covariates_of_other_held_out_cases_change_no_score(tmp_path: Path) -> None:
    cases = spots(tmp_path / "images", 48, noise=0.5)
    fold = PLAN.make_folds(cases.label, cases.patient_id, 2, "repeat0")[0]
    table = noise_table(cases.case_id)
    one, *others = fold.held_out
    values = table.values.copy()
    values[others] = values[others][:, [0, 2, 1]] + 100
    changed = replace(table, values=values)
    found = [
        blind_scores(
            learner("image_and_table"),
            replace(cases, inputs=replace(cases.inputs, table=each)),
            fold,
        )
        for each in (table, changed)
    ]
    at = fold.held_out.tolist().index(int(one))
    np.testing.assert_allclose(found[0][at], found[1][at], rtol=1e-6)
    assert not np.allclose(found[0], found[1])
