"""Colour images of several classes through every classical stage, to the report."""

import numpy as np
import pytest

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.results import CLASSES as OF_CLASSES
from skiagram.evaluation.results import METRICS
from skiagram.records.files import read_record
from tests.pipeline.project import Project, list_stages, source_arrays, write_source

CLASSES = ["plain", "striped", "reddish"]


def colour_arrays() -> dict[str, np.ndarray]:
    """Return the stripes in RGB, with a third class that only its colour tells."""
    arrays = source_arrays()
    for split in ("train", "val", "test"):
        images = np.repeat(arrays[f"{split}_images"][..., None], 3, axis=-1).astype(np.int64)
        label = arrays[f"{split}_labels"]
        label[::3] = 2
        images[::3, :, :, 0] += 40
        arrays[f"{split}_images"] = np.clip(images, 0, 255).astype(np.uint8)
    return arrays


@pytest.mark.slow
def test_colour_images_of_several_classes_reach_the_report(project: Project) -> None:
    write_source(project, colour_arrays())
    project.edit("conf/dataset/tiny.yaml", classes=CLASSES, positive_class=None)
    models = ["logistic_regression", "random_forest"]
    project.edit("params.yaml", baselines=models, networks=[], compare=[models])
    project.stages(*list_stages("tiny", "first_order,colour", models))
    evaluation = read_record(Evaluation, project.folder / "reports/evaluation.json")
    for model in evaluation.models:
        assert (model.find("roc_auc").value or 0) > 0.8
        assert (model.find("hand_till_auc").value or 0) > 0.8
        assert (model.find("roc_auc", OF_CLASSES, "reddish").value or 0) > 0.95
        assert model.figures.get(analysis=METRICS, figure="sensitivity") is None
    difference = evaluation.figures.find(analysis="requested", figure="roc_auc")
    assert difference.low is not None
    assert difference.high is not None
    assert difference.low <= difference.high
    report = (project.folder / "reports/report.html").read_text()
    assert "AUC of each class against all others" in report


@pytest.mark.slow
def test_features_that_the_data_set_cannot_give_are_named(project: Project) -> None:
    for stage, *overrides in (("ingest", "dataset=tiny"), ("restore",), ("propose",)):
        assert project.stage(stage, *overrides).returncode == 0
    grey = project.stage("extract", "features=[first_order,colour]")
    assert grey.returncode == 4
    assert "`colour` is not defined for 1 channel" in grey.stderr
    bare = project.stage("extract", "features=[first_order,covariates]")
    assert bare.returncode == 2
    assert "the data set has no covariates" in bare.stderr
    assert not (project.folder / "data/features.parquet").exists()
