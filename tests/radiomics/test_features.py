"""The features of one image in Python, and as a step of scikit-learn's pipelines."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import estimator_checks

import skiagram
from skiagram.errors import DataError, OptionError
from skiagram.radiomics.settings import make_plan
from tests.features.ibsi_reference import PHANTOM
from tests.radiomics.volume import SPACING, make_volume, write_volume
from tests.yaml_rows import load_yaml


def test_the_ibsis_phantom_has_its_published_values():
    # IBSI reference manual, digital phantom: bins of width 1 are the grey levels.
    found = skiagram.extract(PHANTOM, PHANTOM > 0, (2, 2, 2), bin_width=1)
    assert found["morphology_volume_mesh"] == pytest.approx(556, abs=0.5)
    assert found["first_order_excess_kurtosis"] == pytest.approx(-0.355, abs=5e-4)
    assert found["glcm_joint_entropy"] == pytest.approx(2.4, abs=0.05)
    assert found["gldzm_zone_distance_entropy"] == pytest.approx(1.92, abs=5e-3)


def test_arrays_images_and_files_have_equal_features(tmp_path):
    image, mask = write_volume(tmp_path, "image.nii.gz", "mask.nrrd")
    families = ["morphology", "first_order"]
    of_arrays = skiagram.extract(*make_volume(), SPACING, label=1, families=families)
    images = [SimpleITK.ReadImage(str(path)) for path in (image, mask)]
    of_images = skiagram.extract(*images, label=1, families=families)
    of_files = skiagram.extract(image, str(mask), label=1, families=families)
    assert of_images == pytest.approx(of_arrays, rel=1e-9)
    assert of_files == pytest.approx(of_arrays, rel=1e-5)


@pytest.mark.parametrize(
    "direction", [np.diag([1.0, -1, 1]), np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]])]
)
def test_under_pyradiomics_names_a_file_keeps_its_axes(direction, tmp_path):
    paths = write_volume(tmp_path, "image.nrrd", "mask.nrrd", direction)
    parameters = {
        "setting": {"resampledPixelSpacing": [2, 2, 2], "binWidth": 20, "force2D": True},
        "imageType": {"Original": {}, "Wavelet": {}},
        "featureClass": {"firstorder": [], "glcm": []},
    }
    chosen = {"names": "pyradiomics", "parameters": parameters}
    in_memory = [SimpleITK.ReadImage(str(path)) for path in paths]
    assert skiagram.extract(*paths, **chosen) == pytest.approx(
        skiagram.extract(*in_memory, **chosen), rel=1e-9
    )


def test_a_mask_on_other_voxels_is_refused_with_what_brings_it_to_the_images(tmp_path):
    paths = write_volume(tmp_path, "image.nrrd", "mask.nrrd")
    image, mask = (SimpleITK.ReadImage(str(path)) for path in paths)
    mask.SetOrigin(image.TransformIndexToPhysicalPoint((1, 0, 0)))
    SimpleITK.WriteImage(mask, str(paths[1]))
    setting = {"resampledPixelSpacing": [2, 2, 2]}
    chosen = {"names": "pyradiomics", "families": ["first_order"]}
    for given, remedy in (((image, mask), "SimpleITK.Resample"), (paths, "correctMask")):
        with pytest.raises(DataError, match=remedy):
            skiagram.extract(*given, **chosen, parameters={"setting": setting})
    corrected = {"setting": setting | {"correctMask": True}}
    moved = SimpleITK.Resample(mask, image, SimpleITK.Transform(), SimpleITK.sitkNearestNeighbor)
    assert skiagram.extract(*paths, **chosen, parameters=corrected) == pytest.approx(
        skiagram.extract(image, moved, **chosen, parameters=corrected), rel=1e-5
    )


def test_one_bin_for_all_intensities_is_warned_of():
    image = np.random.default_rng(0).random((12, 14))
    with pytest.warns(UserWarning, match="its textures are constant"):
        skiagram.extract(image)
    with warnings.catch_warnings(action="error"):
        skiagram.extract(image, bin_width=0.1)
        skiagram.extract(image, bin_count=8)
        skiagram.extract(image, families=["first_order"])


IMAGE = np.arange(30.0).reshape(5, 6)


REFUSED = load_yaml(Path(__file__).with_name("refused.yaml"))


@pytest.mark.parametrize(
    ("image", "mask", "options", "said"),
    [
        *((IMAGE, None, row["options"], row["said"]) for row in REFUSED),
        (IMAGE, np.ones((6, 5)), {}, "a mask of shape (6, 5)"),
        (IMAGE, np.zeros((5, 6)), {}, "0 everywhere"),
        (IMAGE, np.ones((5, 6)), {"label": 2}, "nothing has the label 2"),
        (IMAGE, np.arange(30).reshape(5, 6), {}, "29 labels"),
        (IMAGE, np.full((5, 6), 0.5), {}, "between whole numbers"),
        (np.where(IMAGE == 3, np.nan, IMAGE), None, {}, "Do this: fill them first"),
        (np.ma.masked_equal(IMAGE, 3), None, {}, "Do this: fill them first"),
        (np.zeros((4, 5, 6)), None, {}, "no spacing"),
        (np.zeros((2, 5, 6, 3)), None, {}, "an array of shape (2, 5, 6, 3)"),
        (np.zeros((9, 8, 3)), None, {"spacing": (1, 1, 1)}, "as of a picture in colour"),
        (np.full((5, 6), "x"), None, {}, "type <U1"),
        (SimpleITK.GetImageFromArray(IMAGE), None, {"spacing": (2, 1)}, "that says (1.0, 1.0)"),
        ("image.nii", IMAGE, {}, "is a path, the other an image in memory"),
        ("absent.nii", "mask.nii", {}, "absent.nii: cannot be opened"),
    ],
)
def test_bad_input_is_one_line(image, mask, options, said):
    with pytest.raises((DataError, OptionError)) as caught:
        skiagram.extract(image, mask, **options)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_not_had_is_said():
    asked = {"featureClass": {"glcm": ["Contrast"], "shape": [], "shape2D": []}}
    with pytest.warns(UserWarning, match=r"Maximum2DDiameterRow|shape2D") as said:
        found = skiagram.extract(IMAGE, names="pyradiomics", parameters=asked)
    assert list(found) == ["original_glcm_Contrast"]
    assert len(said) == 2


def test_a_parameter_file_gives_pyradiomics_names_unless_others_are_chosen():
    asked = {"featureClass": {"firstorder": ["Kurtosis"]}}
    features = skiagram.extract(IMAGE, parameters=asked)
    assert features == skiagram.extract(IMAGE, names="pyradiomics", parameters=asked)
    step = skiagram.RadiomicsFeatures(parameters=asked).fit([IMAGE])
    assert [*step.get_feature_names_out()] == [*features] == ["original_firstorder_Kurtosis"]
    assert "original_firstorder_Kurtosis" not in skiagram.extract(
        IMAGE, names="ibsi", parameters=asked
    )


IMAGES = np.random.default_rng(0).normal(size=(12, 8, 9))


def test_a_pipeline_searches_over_its_options():
    step = skiagram.RadiomicsFeatures(families=["first_order", "glcm"], n_jobs=2)
    model = make_pipeline(step, DecisionTreeClassifier(random_state=0))
    grid = {"radiomicsfeatures__bin_count": [4, 8]}
    labels = (IMAGES.std(axis=(1, 2)) > 1).astype(int)
    found = GridSearchCV(model, grid, cv=2).fit(IMAGES, labels)
    assert found.best_estimator_[:1].get_feature_names_out()[0] == "first_order_mean"


def test_a_data_frame_of_files_and_pairs_of_arrays_give_the_same(tmp_path):
    pixels, labels = make_volume()
    image, mask = write_volume(tmp_path, "image.nii", "mask.nii")
    rows = {"Image": [image] * 2, "Mask": [mask] * 2}
    table = pd.DataFrame({**rows, "Label": [1, 2]}, index=[5, 3])
    step = skiagram.RadiomicsFeatures(families=["first_order"]).set_output(transform="pandas")
    of_files = step.fit_transform(table)
    pairs = [(pixels, labels == 1), (pixels, labels == 2)]
    alone = clone(step).set_params(spacing=SPACING).fit_transform(pairs)
    assert of_files["first_order_mean"].tolist() == pytest.approx(
        alone["first_order_mean"].tolist()
    )
    with pytest.raises(DataError, match="image 0"):
        skiagram.RadiomicsFeatures(label=7).fit(table.drop(columns="Label"))
    with pytest.raises(DataError, match="plane images alone"):
        step.set_params(spacing=None).fit(list(IMAGES)).set_params(families=["glcm"]).transform(
            IMAGES
        )


@pytest.mark.parametrize(
    "name",
    [
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_get_params_invariance",
        "check_no_attributes_set_in_init",
        "check_parameters_default_constructible",
        "check_set_params",
    ],
)
def test_scikit_learns_checks(name):
    getattr(estimator_checks, name)("RadiomicsFeatures", skiagram.RadiomicsFeatures())


def test_one_family_may_be_a_word():
    assert make_plan(families="glcm") == make_plan(families=["glcm"])


@pytest.mark.parametrize(
    "parameters",
    [
        None,
        {"setting": {"resampledPixelSpacing": [2, 2, 2]}},
        {"imageType": {"LoG": {"sigma": [1.0]}}, "featureClass": {"firstorder": ["Variance"]}},
    ],
)
def test_voxels_missing_far_from_the_region_change_nothing(parameters):
    image = np.random.default_rng(0).normal(100, 20, (40, 30, 30))
    inside = np.zeros(image.shape, np.bool_)
    inside[18:23, 12:18, 12:17] = True
    gaps = image.copy()
    gaps[:4], gaps[:, :2], gaps[38:] = np.nan, np.nan, np.inf
    whole, found = (
        skiagram.extract(each, inside, (1, 1, 1), parameters=parameters) for each in (image, gaps)
    )
    assert found == pytest.approx(whole, rel=1e-3, abs=1e-6)
    gaps[17, 12, 12] = np.nan
    if parameters is None:  # nothing looks beyond the region
        assert skiagram.extract(gaps, inside, (1, 1, 1)) == whole
    else:
        with pytest.raises(DataError, match=r"1 voxels near the region .*leave out filters"):
            skiagram.extract(gaps, inside, (1, 1, 1), parameters=parameters)


def test_an_image_without_a_mask_among_others_is_refused():
    step = skiagram.RadiomicsFeatures(families=["first_order"])
    with pytest.raises(DataError, match=r"image 1: no mask, unlike the first"):
        step.fit_transform([(IMAGE, IMAGE > 9), IMAGE])
