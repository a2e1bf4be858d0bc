import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skiagram.evaluation.results import Estimate
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.records import Task
from skiagram.report.sections.errors import confusion_matrices, make_galleries, natural_frequencies
from tests.report.examples_of_results import binary, several_classes, with_failure


def test_every_trained_model_has_a_matrix() -> None:
    assert len(confusion_matrices(binary())) == 7
    assert len(confusion_matrices(with_failure("diverged"))) == 6


def test_shares_are_of_the_true_class_and_the_diagonal_is_right() -> None:
    (matrix,) = confusion_matrices(several_classes())
    assert [name for name, _ in matrix.rows] == ["melanoma", "nevus", "keratosis"]
    for true, (_, squares) in enumerate(matrix.rows):
        assert sum(square.share for square in squares) == pytest.approx(1)
        assert [square.right for square in squares] == [named == true for named in range(3)]
    assert matrix.rows[0][1][0].count == "30"
    assert matrix.rows[0][1][0].share == pytest.approx(0.75)


def test_hits_and_false_alarms_are_counted_out_of_a_hundred() -> None:
    evaluation = binary()
    forest = next(one for one in evaluation.models if one.outcome.model == "random_forest")
    metrics = {"sensitivity": Estimate(0.914), "specificity": Estimate(0.706)}
    changed = dataclasses.replace(
        evaluation, models=(dataclasses.replace(forest, metrics=metrics),)
    )
    (sentence,) = natural_frequencies(changed)
    assert "of 100 abnormal cases it detects 91 and misses 9" in sentence
    assert "of 100 other cases, 29 are false alarms" in sentence


def test_no_frequencies_without_a_condition_looked_for() -> None:
    assert natural_frequencies(several_classes()) == ()


CASES = list("abcdef")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> ImageStore:
    folder = tmp_path_factory.mktemp("restored")
    with ShardWriter(folder) as writer:
        for shade, case_id in enumerate(CASES):
            pixels = np.full((8, 8), shade, np.float32)
            pixels[0] = 100
            writer.add(case_id, pixels)
    return ImageStore(folder)


SCORES = pd.DataFrame(
    {
        "case_id": CASES,
        "patient_id": ["p", "p", "q", "r", "s", "t"],
        "label": ["normal"] * 4 + ["abnormal"] * 2,
        "svm": [0.95, 0.9, 0.6, 0.1, 0.2, 0.8],
    }
)


def test_the_surest_errors_come_first_and_no_patient_twice(images: ImageStore) -> None:
    task = Task(("normal", "abnormal"), 1, "holdout")
    normal, abnormal = make_galleries(SCORES, task, ["svm"], images, 4)
    assert [(one.case_id, one.probability) for one in normal.mistakes] == [("a", 0.95), ("c", 0.6)]
    assert (normal.wrong, normal.cases) == (3, 4)
    assert [(one.case_id, one.named) for one in abnormal.mistakes] == [("e", "normal")]
    assert abnormal.mistakes[0].probability == pytest.approx(0.8)
    assert normal.mistakes[0].picture.startswith("data:image/png;base64,")


def test_errors_on_volumes_show_a_slice_and_say_which(tmp_path: Path) -> None:
    with ShardWriter(tmp_path) as writer:
        for shade, case_id in enumerate(CASES):
            writer.add(case_id, np.full((5, 8, 8, 1), shade, np.float32))
    task = Task(("normal", "abnormal"), 1, "holdout")
    for gallery in make_galleries(SCORES, task, ["svm"], ImageStore(tmp_path), 4):
        assert {one.shown for one in gallery.mistakes} == {"slice 3 of 5"}


def test_the_positive_class_may_stand_first(images: ImageStore) -> None:
    turned = SCORES.assign(svm=1 - SCORES["svm"])
    (normal, _) = make_galleries(turned, Task(("normal", "abnormal"), 0, "cv"), ["svm"], images, 1)
    assert [one.case_id for one in normal.mistakes] == ["a"]


def test_several_classes_have_a_gallery_each(images: ImageStore) -> None:
    classes = ("normal", "abnormal", "other")
    scores = SCORES.drop(columns="svm")
    scores[[f"svm: {one}" for one in classes]] = [[0.1, 0.6, 0.3]] * 5 + [[0.1, 0.2, 0.3]]
    found = make_galleries(scores, Task(classes, None, "cv"), ["svm"], images, 2)
    assert [(one.label, one.wrong) for one in found] == [
        ("normal", 4),
        ("abnormal", 1),
        ("other", 0),
    ]
    assert found[1].mistakes[0].named == "other"
    assert found[2].mistakes == ()
