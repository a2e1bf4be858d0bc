"""The study of repeatable features, on a small phantom without regions and volumes with them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from skiagram.options import build
from skiagram.report.index import render_study
from skiagram.report.studies.feature_stability import describe_data_set, tabulate_shares
from skiagram.studies.feature_stability import TOGETHER, FeatureStability, FeatureStabilityResult
from tests.studies.small_phantom import CONF, small_place

pytestmark = pytest.mark.thorough


def study(**changed: Any) -> FeatureStability:
    values = yaml.safe_load((CONF / "study/feature_stability.yaml").read_text())
    values |= {"features": ["first_order", "gradient"], "copies": 3} | changed
    built: FeatureStability = build(values, "study")
    return built


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("feature_stability")


@pytest.fixture(scope="module")
def result(folder: Path) -> FeatureStabilityResult:
    return study().run(small_place(folder))


def test_every_feature_has_a_correlation_for_every_change(result: FeatureStabilityResult) -> None:
    (found,) = result.datasets
    assert list(found.kinds) == ["rotation", "shift", "noise", TOGETHER]  # no regions
    assert found.patients == 40
    for correlations in found.kinds.values():
        assert {each.family for each in correlations} == {"first_order", "gradient"}
        assert all(each.low <= each.value <= each.high <= 1 for each in correlations)
    mean = {kind: each[0] for kind, each in found.kinds.items()}
    assert mean["noise"].feature == "first_order_mean"
    assert mean["noise"].low > 0.99


def test_a_rerun_makes_nothing_again(result: FeatureStabilityResult, folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (folder / "work").rglob("*")}
    assert study().run(small_place(folder)) == result
    assert {path: path.stat().st_mtime_ns for path in (folder / "work").rglob("*")} == before


def test_the_page_counts_repeatable_features(result: FeatureStabilityResult) -> None:
    (found,) = result.datasets
    (group,) = tabulate_shares(found, result.least).groups
    assert [row.title for row in group.rows] == ["first_order", "gradient", "all"]
    lasting = sum(each.low >= result.least for each in found.kinds[TOGETHER])
    words = describe_data_set(found, result.least)
    assert f"{lasting} of {len(found.kinds[TOGETHER])} features are repeatable" in words
    page = render_study(result)
    assert words in page
    assert "first_order_mean" in page
