"""Learning curves of real fits on a small phantom."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from skiagram.errors import OptionError
from skiagram.records import read_table
from skiagram.studies.crossover.study import Crossover, CrossoverResult
from skiagram.studies.workspace import Workspace
from tests.studies.small_phantom import MODELS, ON_PHANTOM, PLAN, small_place

pytestmark = pytest.mark.thorough


def study(**changed: Any) -> Crossover:
    values = MODELS | ON_PHANTOM | {"baselines": ("logistic_regression", "decision_tree")}
    values |= {"networks": ("small_cnn",), "sizes": (24, 40, 64, 1000), "draws": 2}
    return Crossover(**(values | {"plan": replace(PLAN, folds=2), "replicates": 100} | changed))


def place(folder: Path) -> Workspace:
    return small_place(folder, (28, 4, 20))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("crossover")


@pytest.fixture(scope="module")
def result(folder: Path) -> CrossoverResult:
    return study().run(place(folder))


def test_sizes_that_the_data_lack_are_left_out(result: CrossoverResult) -> None:
    assert (result.least, result.most, result.reach) == (24, 64, 128)
    assert all(curve.cases == (24, 40, 64) for curve in result.curves)
    assert [curve.model for curve in result.curves][-1] == "best_baseline"
    assert result.ideal is not None


def test_a_draw_is_the_auc_of_its_scores_on_the_sealed_cases(
    result: CrossoverResult, folder: Path
) -> None:
    (data,) = (folder / "work").glob("ingested-*")
    label = read_table(data / "sealed/labels.parquet").sort_values("case_id")["label"]
    files = (folder / "work").glob("point-decision_tree-*/scores.npy")
    theirs = sorted(roc_auc_score(label == 1, np.load(file)) for file in files)
    (tree,) = (one for one in result.curves if one.model == "decision_tree")
    ours = sorted(area for row in tree.draws for area in row if area is not None)
    np.testing.assert_allclose(ours, theirs)


def test_the_best_baseline_is_one_of_the_baselines_at_every_size(result: CrossoverResult) -> None:
    baselines = [one.draws for one in result.curves if one.model in study().baselines]
    chosen = result.curves[-1].draws
    for size, row in enumerate(chosen):
        for draw, area in enumerate(row):
            assert area in [one[size][draw] for one in baselines]


def test_a_rerun_fits_nothing_again(result: CrossoverResult, folder: Path) -> None:
    before = sorted(path.name for path in (folder / "work").iterdir())
    assert study().run(place(folder)) == result
    assert sorted(path.name for path in (folder / "work").iterdir()) == before


def test_cross_validated_sets_test_on_patients_set_aside(folder: Path) -> None:
    found = study(design="cv", networks=("small_cnn",), sizes=(40,)).run(place(folder))
    assert found.test_patients == pytest.approx(52 / 5, abs=1)
    assert found.curves[0].band is None
    assert found.crossings == ()


def test_too_small_a_set_is_refused(folder: Path) -> None:
    with pytest.raises(OptionError, match=r"64 cases to train on.*at least the least size, 500"):
        study(sizes=(500,)).run(place(folder))
