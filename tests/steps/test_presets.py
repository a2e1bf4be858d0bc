"""Models, sizes and encoders that fit the images of a folder."""

import shlex
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from skiagram.datasets.ingest import ImageNote
from skiagram.images import Region
from skiagram.options import build, flatten_options
from skiagram.projects.option_files import put
from skiagram.restoration.restore import restore_image
from skiagram.steps import presets as fitting
from skiagram.steps.check import CheckedData
from skiagram.tasks.number import Number
from tests import REPOSITORY
from tests.cases import make_cases
from tests.terminal import assert_says
from tests.yaml_rows import load_yaml, read_yaml

ROWS = read_yaml(__file__, "presets.yaml")["rows"]


def image(
    shape,
    name,
    region=None,
    modality="",
    spacing=(1, 1, 1),
    depth="int16",
    contrast=400.0,
):
    seen = modality, 0.0, contrast, spacing, shape, depth, "", 0, False, "", ""
    return ImageNote(0, name, *seen, region)


def checked(images, name="scans", modality="", radii=()):
    return CheckedData(source_of(name), None, [], [], {}, {modality: images}, radii=radii)


def source_of(name, outcome=None, covariates=()):
    """Return what is chosen by of a folder of images."""
    columns = SimpleNamespace(covariates=covariates, site=None)
    return SimpleNamespace(name=name, design="cv", outcome=outcome, columns=columns)


def choices_of(row):
    """Return what is chosen for the data of a row of `presets.yaml`."""
    given = [{key: as_tuple(value) for key, value in each.items()} for each in row["images"]]
    images = {key: [image(**each) for each in given] for key in row.get("stores", [""])}
    outcome = Number(column="size", unit="mm", groups=4) if row.get("number") else None
    source = source_of("scans", outcome, row.get("covariates", ()))
    seen = CheckedData(source, None, [], [], {}, images, radii=tuple(row.get("radii", ())))
    return fitting.choices_of(seen, reads_covariates=row.get("reads_covariates", True))


def as_tuple(value):
    return tuple(value) if isinstance(value, list) else value


def names_of(choices, choice):
    chosen = choices.params.get(choice, [])
    return {*(chosen.split(",") if isinstance(chosen, str) else chosen)}


@pytest.mark.parametrize("row", ROWS)
def test_what_data_are_chooses_models_sizes_and_features(row):
    choices = choices_of(row)
    assert {name: choices.params[name] for name in row.get("is", {})} == row.get("is", {})
    for choice, names in row.get("has", {}).items():
        assert {*names} <= names_of(choices, choice)
    for choice, names in row.get("lacks", {}).items():
        assert not {*names} & names_of(choices, choice)
    for file, wanted in row.get("options", {}).items():
        given = choices.options.get(file, {})
        assert {name: given.get(name) for name in wanted} == wanted
    if "image_shape" in row:
        assert choices.image_shape == tuple(row["image_shape"])
    if "why" in row:
        assert_says(choices.why, row["why"])
        assert bool(choices.why) or not row["why"].strip("!")
    # What is chosen is there, and each network of a mask sees the box around it.
    for model in names_of(choices, "baselines") | names_of(choices, "networks"):
        assert (REPOSITORY / f"conf/model/{model}.yaml").exists()
    for network in choices.networks if row.get("boxed") else ():
        assert choices.options[f"conf/model/{network}.yaml"]["training.input.box"]


@pytest.mark.slow  # networks' options import torch
@pytest.mark.parametrize("row", ROWS)
def test_every_option_that_is_chosen_is_one_of_its_file(row):
    for file, options in choices_of(row).options.items():
        given = load_yaml(REPOSITORY / file)
        for dotted, value in options.items():
            assert any(name.startswith(dotted) for name in flatten_options(given))
            put(given, dotted, value)
        if "_target_" in given:
            build(given, file)


@pytest.mark.parametrize("pretrained", [True, False])
def test_networks_that_others_trained_are_chosen_where_their_weights_are(pretrained, monkeypatch):
    monkeypatch.setattr(fitting, "_has_pretrained", lambda: pretrained)
    choices = fitting.choices_of(checked([image((24, 24), "a.nii")], "films", "CT_1"))
    assert choices.params["dataset"] == "films"
    assert choices.params["upside_down"] is False
    assert choices.networks == (*(("fine_tuned_efficientnet",) * pretrained), "small_cnn")
    assert choices.params.get("encoders") == (["efficientnet_lite0"] if pretrained else None)
    assert ("pretrained_svm" in choices.params["baselines"]) == pretrained
    said = "no medical images; licence Apache-2.0" if pretrained else "`make setup`"
    assert said in choices.frozen
    typed = shlex.split(choices.line().replace("\\\n", " "))
    assert typed[:4] == ["dvc", "exp", "run", "-S"]


@pytest.mark.slow  # what a network sees needs torch
@pytest.mark.parametrize("kind", ["ct", "mr", "pet"])
def test_the_networks_box_of_a_flat_region_lies_in_what_restoration_keeps(kind):
    from skiagram.training.network_input import StoredImage, region_box
    from skiagram.training.options import RegionBox

    seen = checked([image((60, 128, 128, 1), f"{kind}/a.nii", (4, 1, 9))])
    choices = fitting.choices_of(seen)
    restoration = f"conf/restoration/{choices.params['restoration']}.yaml"
    steps = build(load_yaml(REPOSITORY / restoration), restoration)
    flat = np.zeros((60, 128, 128), bool)
    flat[28:32, 40:90, 40:90] = True
    pixels = np.random.default_rng(0).integers(-100, 200, (60, 128, 128, 1)).astype(np.int16)
    kept = restore_image("a", pixels, (2.0, 1.0, 1.0), Region(flat), steps, None)
    box = RegionBox(**choices.options["conf/model/cnn_3d.yaml"]["training.input.box"])
    bounds = region_box(StoredImage(kept.pixels, kept.spacing, kept.region), box)
    for (start, stop), side in zip(bounds, kept.pixels.shape, strict=False):
        assert 0 <= start < stop <= side


@pytest.mark.parametrize(
    ("shape", "spacing"), [((512, 512), (0.4, 0.4)), ((40, 64, 64, 1), (2.0, 1.0, 1.0))]
)
def test_marked_images_are_searched_at_the_scale_of_development_lesions(shape, spacing):
    images = [image(shape, name, spacing=spacing) for name in "abc"]
    seen = checked(images, radii=(10.0,))
    choices = fitting.choices_of(seen)
    assert choices.params["proposal"] == "grid"
    assert "10 mm" in choices.why
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


def test_patients_whose_two_images_are_compared_as_sides_are_counted():
    """Two patients have two images, one has one, and one has three, of which none is a side."""
    cases = make_cases(np.zeros(8, np.int64), patient=[*"aabbcddd"])
    images = [image((64, 64), f"{k}.png", spacing=(1.0, 1.0)) for k in range(8)]
    seen = replace(checked(images, radii=(5.0,)), cases=cases)
    said = "two images: 2. Finders compare these as left and right side"
    assert said in fitting.choices_of(seen).why
    assert not fitting.describe_sides(replace(seen, radii=()))
    assert not fitting.describe_sides(replace(seen, cases=cases.select(np.arange(4, 8))))


def test_a_project_may_change_its_presets(tmp_path, monkeypatch):
    text = (REPOSITORY / "conf/presets.yaml").read_text(encoding="utf-8")
    (tmp_path / "conf").mkdir()
    own = text.replace("choose: {restoration: padding, proposal: grid}", "choose: {proposal: own}")
    (tmp_path / "conf/presets.yaml").write_text(own, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    seen = checked([image((64, 64), "a.png", spacing=(1, 1))], radii=(5.0,))
    assert fitting.choices_of(seen).params["proposal"] == "own"


def test_presets_name_what_is_there():
    presets = load_yaml(REPOSITORY / "conf/presets.yaml")
    rows = [*presets["data"], *presets["frozen"]]
    said = {key for row in rows for key in row.get("say", [])}
    assert said == {*presets["sentences"]}
    for row in rows:
        for file in row.get("options", {}):
            assert (REPOSITORY / file).is_file()
        for choice in ("baselines", "networks"):
            names = row.get("choose", {}).get(choice, [])
            for name in names if isinstance(names, list) else []:
                assert (REPOSITORY / f"conf/model/{name}.yaml").is_file()
