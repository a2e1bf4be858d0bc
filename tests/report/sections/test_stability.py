"""The features chosen most stand with their share, code and meaning."""

import dataclasses
from pathlib import Path

import yaml

from skiagram.evaluation.results import ChosenFeature, Estimate, FeatureSelection
from skiagram.features.first_order import FirstOrder
from skiagram.options import composed
from skiagram.preparation import ImageKinds, Preparation
from skiagram.report.sections.stability import (
    feature_definitions,
    find_definition,
    tabulate_chosen_features,
)
from tests.report.examples_of_results import binary

NETWORK = {"_target_": "skiagram.models.deep.of_an_earlier_version.Embedding", "weights": "none"}
KINDS = ImageKinds((1,), ("uint8",), (64, 64), (64, 64))
KNOWN = feature_definitions(
    Preparation(KINDS, None, features=(composed(FirstOrder(region="whole")), NETWORK))
)


def test_codes_are_those_of_the_manual_and_a_network_has_none() -> None:
    found = find_definition("first_order_skewness", KNOWN)
    assert found is not None
    assert found.ibsi == "KE2A"
    assert find_definition("age", KNOWN) is None


def test_each_choosing_model_lists_its_features_most_often_chosen_first() -> None:
    plain = binary()
    assert tabulate_chosen_features(plain, KNOWN) is None
    first = plain.models[0]
    assert first.stability is not None
    often = (ChosenFeature("first_order_skewness", 1.0), ChosenFeature("age", 0.4))
    found = FeatureSelection(Estimate(0.6), 5, 40, 2.4, often)
    changed = dataclasses.replace(
        first, stability=dataclasses.replace(first.stability, selection=found)
    )
    table = tabulate_chosen_features(
        dataclasses.replace(plain, models=(changed, *plain.models[1:])), KNOWN
    )
    assert table is not None
    ((heading, rows),) = table.groups
    assert heading == f"{first.outcome.title}: 2.4 of 40 features per fit, 5 fits"
    assert [row.title for row in rows] == ["first_order_skewness", "age"]
    assert [cell.value for cell in rows[0].cells[:2]] == ["100\N{NO-BREAK SPACE}%", "KE2A"]
    assert [cell.value for cell in rows[1].cells] == ["40\N{NO-BREAK SPACE}%", "none", ""]


CONF = Path(__file__).resolve().parents[3] / "conf" / "features"


def test_only_features_of_images_are_defined() -> None:
    names = ("covariates", "gradient")
    options = tuple(yaml.safe_load((CONF / f"{name}.yaml").read_text()) for name in names)
    kinds = ImageKinds((1,), ("uint8",), (16, 16), (16, 16))
    known = feature_definitions(Preparation(kinds, None, features=options))
    assert known
    assert all(one.name.startswith("gradient_") for one in known)
    assert find_definition("covariates_age", known) is None
