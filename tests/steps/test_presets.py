"""Models, sizes and encoders that fit the images of a folder."""

import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from skiagram.datasets.ingest import ImageNote
from skiagram.images import Region
from skiagram.options import build, flatten_options
from skiagram.projects.option_files import put
from skiagram.restoration.restore import restore_image
from skiagram.steps import presets as fitting
from skiagram.steps.check import CheckedData, CheckedImage
from skiagram.tasks.cases import Cases
from skiagram.tasks.number import Number

REPOSITORY = Path(__file__).parents[2]


def image(
    shape,
    name,
    region=None,
    modality="",
    spacing=(1, 1, 1),
    depth="int16",
    contrast=400.0,
):
    note = ImageNote(modality, 0.0, contrast, spacing, shape, depth, "", 0, False, "", "")
    return CheckedImage(0, name, note, region)


def checked(images, modality="", radii=()):
    return CheckedData(None, [], [], {}, {modality: images}, radii=radii)


@pytest.mark.parametrize("pretrained", [True, False])
@pytest.mark.parametrize(
    ("shape", "region", "size"),
    [((24, 24), False, None), ((300, 300, 3), False, 128), ((9, 24, 24, 1), True, 24)],
)
def test_the_line_of_init_fits_the_images(shape, region, size, pretrained, monkeypatch):
    monkeypatch.setattr(fitting, "_has_pretrained", lambda: pretrained)
    seen = checked([image(shape, "a.nii", (5, 1, 9) if region else None)], "CT_1")
    choices = fitting.fitting_choices("films", seen, "cv")
    assert choices.params["dataset"] == "films"
    assert choices.params["upside_down"] is False
    sizes = [
        values["training.image_size"]
        for file, values in choices.options.items()
        if file.startswith("conf/model/")
        and "fine_tuned" not in file
        and "training.image_size" in values
    ]
    assert set(sizes) == ({size} if size else set())
    fine_tuned = ("fine_tuned_efficientnet",) if pretrained else ()
    assert choices.networks == (() if region else (*fine_tuned, "small_cnn"))
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
        assert "`make setup`" in choices.frozen
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
        ("", "ct/a.nii", "ct", "No header tells what images are: names say CT."),
        ("", "pt_001.nii", "mr", "Headers and names do not tell"),  # a patient
        ("", "ct_pet.nii", "pet", "names say PET"),
        ("", "suv.nii", "pet", "names say PET"),
        ("", "a.nii", "mr", "Headers and names do not tell"),
    ],
)
def test_the_header_is_asked_before_the_name(headers, name, chosen, said):
    images = [
        image((9, 24, 24, 1), name, (5, 1, 9), modality) for modality in headers.split() or [""]
    ]
    choices = fitting.fitting_choices("scans", checked(images), "cv")
    assert choices.params["restoration"] == f"region_{chosen}"
    assert said in choices.why
    assert bool(said) == bool(choices.why)


def test_a_modality_called_pt_is_pet():
    seen = checked([image((9, 24, 24, 1), "a.nii", (5, 1, 9))], "PT_1")
    choices = fitting.fitting_choices("scans", seen, "cv")
    assert choices.params["restoration"] == "region_pet"
    assert "No header tells what images of PT_1 are: names say PET." in choices.why


@pytest.mark.parametrize(
    ("depth", "contrast", "said"),
    [("float32", 0.2, "varies by 0.2 alone"), ("uint8", 60.0, "holds bytes"), ("int16", 60.0, "")],
)
def test_ct_that_is_not_in_hounsfield_units_is_scaled(depth, contrast, said):
    scan = image((9, 24, 24, 1), "a.dcm", (5, 1, 9), "CT", depth=depth, contrast=contrast)
    choices = fitting.fitting_choices("scans", checked([scan]), "cv")
    kind = "mr" if said else "ct"
    assert choices.params["restoration"] == f"region_{kind}"
    assert f"region/{kind}" in choices.params["features"]
    assert said in choices.why
    assert bool(said) == ("not in Hounsfield units" in choices.why)


def test_models_of_an_outcome_read_every_covariate_of_the_line():
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


def test_the_area_of_a_mask_is_a_rule_of_an_outcome():
    outcome = Number(column="size", unit="mm", groups=4)
    for region in ((81, 1, 9), None):
        seen = checked([image((30, 40), "a.png", region)], "P_1")
        choices = fitting.fitting_choices("lesions", seen, "cv", outcome)
        assert ("region_volume" in choices.params["baselines"]) == (region is not None)
        rule = choices.options.get("conf/model/region_volume.yaml", {})
        assert (rule.get("columns") == ["shape_area_mesh"]) == (region is not None)


def test_regions_in_space_without_a_spacing_are_measured_in_voxels():
    scans = [image((9, 24, 24, 1), "a.tif", (5, 1, 9), spacing=None)]
    scans.append(image((9, 24, 24, 1), "b.nii", (5, 1, 9)))
    choices = fitting.fitting_choices("scans", checked(scans), "cv")
    assert choices.params["restoration"] == "none"
    assert "morphology" in choices.params["features"].split(",")
    assert "forms of regions are in voxels" in choices.why
    for file, options in choices.options.items():
        values = yaml.safe_load((REPOSITORY / file).read_text())
        for dotted, value in options.items():
            put(values, dotted, value)
        if "morphology" in file:
            assert build(values, file).unit == "voxel"
        if "cnn_3d" in file:
            assert values["training"]["input"]["box"]["unit"] == "voxels"
            assert values["training"]["input"]["mask_channel"]
    outcome = Number(column="size", unit="mm", groups=4)
    of_number = fitting.fitting_choices("scans", checked(scans), "cv", outcome)
    assert "region_volume" in of_number.params["baselines"]
    assert "covariates_and_volume" not in of_number.params["baselines"]
    clinic = fitting.fitting_choices("scans", checked(scans), "cv", outcome, ["age"])
    assert "covariates_and_volume" in clinic.params["baselines"]


def test_traits_of_the_file_are_no_rule_where_images_are_cut_to_their_regions():
    outcome = Number(column="size", unit="mm", groups=4)
    scan = image((9, 24, 24, 1), "ct/a.nii", (5, 1, 9))
    for seen in (checked([scan]), CheckedData(None, [], [], {}, {"CT": [scan], "MR": [scan]})):
        for choices in (
            fitting.fitting_choices("scans", seen, "cv"),
            fitting.fitting_choices("scans", seen, "cv", outcome),
        ):
            assert "acquisition" not in choices.params["features"].split(",")
            assert "acquisition" not in choices.params["baselines"]
            assert "region_volume" in choices.params["baselines"]
    whole = fitting.fitting_choices("films", checked([image((30, 40), "a.png")]), "cv", outcome)
    assert "acquisition" in whole.params["baselines"]


@pytest.mark.slow  # what a network sees needs torch
@pytest.mark.parametrize("kind", ["ct", "mr", "pet"])
def test_the_networks_box_of_a_flat_region_lies_in_what_restoration_keeps(kind):
    from skiagram.training.network_input import StoredImage, region_box
    from skiagram.training.options import RegionBox

    seen = checked([image((60, 128, 128, 1), f"{kind}/a.nii", (4, 1, 9))])
    choices = fitting.fitting_choices("scans", seen, "cv")
    restoration = f"conf/restoration/{choices.params['restoration']}.yaml"
    steps = build(yaml.safe_load((REPOSITORY / restoration).read_text()), restoration)
    flat = np.zeros((60, 128, 128), bool)
    flat[28:32, 40:90, 40:90] = True
    pixels = np.random.default_rng(0).integers(-100, 200, (60, 128, 128, 1)).astype(np.int16)
    kept = restore_image("a", pixels, (2.0, 1.0, 1.0), Region(flat), steps, None)
    box = RegionBox(**choices.options["conf/model/cnn_3d.yaml"]["training.input.box"])
    bounds = region_box(StoredImage(kept.pixels, kept.spacing, kept.region), box)
    for (start, stop), side in zip(bounds, kept.pixels.shape, strict=False):
        assert 0 <= start < stop <= side


@pytest.mark.slow  # networks' options import torch
@pytest.mark.parametrize(
    ("shape", "spacing"), [((512, 512), (0.4, 0.4)), ((40, 64, 64, 1), (2.0, 1.0, 1.0))]
)
def test_marked_images_are_searched_at_the_scale_of_development_lesions(shape, spacing):
    images = [image(shape, name, spacing=spacing) for name in "abc"]
    seen = checked(images, radii=(10.0,))
    choices = fitting.fitting_choices("films", seen, "holdout")
    assert choices.params["proposal"] == "grid"
    assert "10 mm" in choices.why
    for file, options in choices.options.items():
        given = yaml.safe_load((REPOSITORY / file).read_text())
        known = flatten_options(given)
        for dotted, value in options.items():
            assert any(name.startswith(dotted) for name in known)
            put(given, dotted, value)
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


def test_patients_whose_two_images_are_compared_as_sides_are_counted():
    """Two patients have two images, one has one, and one has three, of which none is a side."""
    patient = np.array([*"aabbcddd"])
    case_id, label = np.array([f"c{k}" for k in range(8)]), np.zeros(8, np.int64)
    cases = Cases(case_id, patient, np.full(8, "train"), label)
    images = [image((64, 64), f"{k}.png", spacing=(1.0, 1.0)) for k in range(8)]
    seen = replace(checked(images, radii=(5.0,)), cases=cases)
    said = "two images: 2. Finders compare these as left and right side"
    assert said in fitting.fitting_choices("films", seen, "holdout").why
    assert not fitting.describe_sides(replace(seen, radii=()))
    assert not fitting.describe_sides(replace(seen, cases=cases.select(np.arange(4, 8))))


@pytest.mark.parametrize(
    ("shape", "in_colour"), [((64, 64, 3), True), ((64, 64), False), ((9, 64, 64, 1), False)]
)
def test_colours_around_places_are_measured_where_there_are_any(shape, in_colour):
    spacing = (1.0,) * (3 if len(shape) == 4 else 2)
    seen = checked([image(shape, "a.png", spacing=spacing)], radii=(5.0,))
    choices = fitting.fitting_choices("skin", seen, "holdout")
    assert ("colour" in choices.params["features"].split(",")) == in_colour
    assert ("heat_map_finder, sees luminance alone" in choices.why) == in_colour


@pytest.mark.parametrize(("shape", "in_colour"), [((30, 40, 3), True), ((30, 40), False)])
def test_colours_are_measured_where_there_are_any(shape, in_colour):
    of_folder = fitting.fitting_choices("skin", checked([image(shape, "a.png")], "P_1"), "cv")
    for params in (of_folder.params, fitting.choices_of_array("skin", (500, *shape)).params):
        families = params.get("features", "").split(",")
        assert ("colour" in families) == in_colour
        assert ("glcm" in families) == in_colour  # beside those of params.yaml


def test_within_masks_their_form_is_measured_and_colour_where_there_is_any():
    for shape, in_colour in (((30, 40, 3), True), ((30, 40), False)):
        seen = checked([image(shape, "a.png", (1, 9, 9))], "P_1")
        choices = fitting.fitting_choices("skin", seen, "cv")
        families = choices.params["features"].split(",")
        assert ("colour" in families) == in_colour
        assert {"shape", "gradient", "lbp"} <= set(families)
        assert choices.options["conf/features/shape.yaml"]["region"] == "whole"
        for network in choices.networks:  # each sees the box around the mask
            assert choices.options[f"conf/model/{network}.yaml"]["training.input.box"]
        assert choices.networks[-1] == "small_cnn"
        assert choices.image_shape == ((3,) if in_colour else (1,)) + (21, 21)


def test_a_few_larger_images_do_not_enlarge_the_others():
    shapes = [(50, 50)] * 6 + [(47, 50), (90, 90)]
    choices = fitting.fitting_choices("patches", checked([image(s, "a.png") for s in shapes]), "cv")
    small = choices.options["conf/model/small_cnn.yaml"]
    assert small["training.image_size"] == 50
    assert small["training.augmentation.rotation"] == 10.0
    assert choices.image_shape == (1, 50, 50)


@pytest.mark.parametrize(
    ("side", "size", "fine_tuned"), [(28, 160, 96), (64, 160, 96), (65, None, 112)]
)
def test_pretrained_networks_enlarge_small_images_less(side, size, fine_tuned):
    choices = fitting.fitting_choices("films", checked([image((side, 20), "a.png")]), "cv")
    chosen = choices.options.get("conf/encoder/efficientnet_lite0.yaml", {})
    assert chosen.get("preprocessing.size") == size
    network = choices.options["conf/model/fine_tuned_efficientnet.yaml"]
    assert network["training.image_size"] == fine_tuned


def test_a_project_may_change_its_presets(tmp_path, monkeypatch):
    text = (REPOSITORY / "conf/presets.yaml").read_text(encoding="utf-8")
    (tmp_path / "conf").mkdir()
    own = text.replace("choose: {restoration: padding, proposal: grid}", "choose: {proposal: own}")
    (tmp_path / "conf/presets.yaml").write_text(own, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    seen = checked([image((64, 64), "a.png", spacing=(1, 1))], radii=(5.0,))
    assert fitting.fitting_choices("films", seen, "cv").params["proposal"] == "own"


def test_presets_name_what_is_there():
    presets = yaml.safe_load((REPOSITORY / "conf/presets.yaml").read_text(encoding="utf-8"))
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
