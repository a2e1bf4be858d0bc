"""What is shown of single cases: never a sealed one, no patient twice; and what features mean."""

import numpy as np
import pandas as pd
import pytest

from skiagram.case_features.extraction import feature_definitions
from skiagram.features.feature import find_definition
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.preparation import ImageKinds, Preparation
from skiagram.report.material import (
    choose_examples,
    load_example,
    make_galleries,
)
from skiagram.tasks.cases import SEALED, Cases
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task
from tests import REPOSITORY
from tests.image_store.test_pictures import opened
from tests.yaml_rows import load_yaml

CASES = Cases(
    case_id=np.array(list("abcdef")),
    patient_id=np.array(list("ppqrst")),
    split=np.array(["train", "train", "train", "train", "validation", "test"]),
    label=np.array([0, 0, 0, 1, 1, SEALED]),
)
TASK = Task(Classes(("normal", "abnormal"), 1), "holdout")
SCORES = pd.DataFrame(
    {
        "case_id": CASES.case_id,
        "patient_id": CASES.patient_id,
        "label": ["normal"] * 4 + ["abnormal"] * 2,
        "svm": [0.95, 0.9, 0.6, 0.1, 0.2, 0.8],
    }
)


def stored(folder, images):
    with ShardWriter(folder) as writer:
        for case_id, image in images.items():
            writer.add(case_id, image)
    return ImageStore(folder)


def test_examples_are_the_first_development_cases_of_different_patients():
    first = [("a", "normal"), ("c", "normal"), ("d", "abnormal"), ("e", "abnormal")]
    assert choose_examples(CASES, TASK, 2) == first
    assert "f" not in dict(choose_examples(CASES, TASK, 100))


def test_an_example_is_read_from_both_stores(tmp_path):
    ramp = np.arange(64, dtype=np.float32).reshape(8, 8)
    before = stored(tmp_path / "before", {"a": ramp + np.float32(1000)})
    example = load_example("a", "normal", before, stored(tmp_path / "after", {"a": ramp}))
    assert opened(example.before).min() == 255
    assert opened(example.after).min() == 0


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    shades = {name: np.full((5, 8, 8, 1), shade, np.float32) for shade, name in enumerate("abcdef")}
    return stored(tmp_path_factory.mktemp("restored"), shades)


def test_the_surest_errors_come_first_and_no_patient_twice(images):
    normal, abnormal = make_galleries(SCORES, TASK, "svm", images)
    assert [(one.case_id, one.probability) for one in normal.mistakes] == [("a", 0.95), ("c", 0.6)]
    assert (normal.wrong, normal.cases) == (3, 4)
    assert [(one.case_id, one.named) for one in abnormal.mistakes] == [("e", "normal")]
    assert abnormal.mistakes[0].probability == pytest.approx(0.8)
    assert normal.mistakes[0].picture.startswith("data:image/png;base64,")
    assert normal.mistakes[0].shown == "slice 3 of 5"


def test_the_positive_class_may_stand_first(images):
    turned = SCORES.assign(svm=1 - SCORES["svm"])
    normal, _ = make_galleries(
        turned, Task(Classes(TASK.predicted.classes, 0), "cv"), "svm", images, 1
    )
    assert [one.case_id for one in normal.mistakes] == ["a"]


def test_several_classes_have_a_gallery_each(images):
    classes = ("normal", "abnormal", "other")
    scores = SCORES.drop(columns="svm")
    scores[[f"svm: {one}" for one in classes]] = [[0.1, 0.6, 0.3]] * 5 + [[0.1, 0.2, 0.3]]
    found = make_galleries(scores, Task(Classes(classes, None), "cv"), "svm", images, 2)
    assert [(one.label, one.wrong) for one in found] == [*zip(classes, (4, 1, 0), strict=True)]
    assert found[1].mistakes[0].named == "other"
    assert found[2].mistakes == ()


def test_only_features_of_images_are_defined():
    conf = REPOSITORY / "conf" / "features"
    options = [load_yaml(conf / f"{name}.yaml") for name in ("covariates", "first_order")]
    network = {"_target_": "skiagram.models.deep.of_an_earlier_version.Embedding"}
    kinds = ImageKinds((1,), ("uint8",), (16, 16), (16, 16))
    known = feature_definitions(Preparation(kinds, features=(*options, network)))
    assert all(one.name.startswith("first_order_") for one in known)
    assert find_definition("covariates_age", known) is None
    for column in ("first_order_skewness", "CC.first_order_skewness"):
        found = find_definition(column, known)
        assert found.ibsi == "KE2A"
