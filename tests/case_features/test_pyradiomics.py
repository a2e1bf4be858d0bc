"""PyRadiomics' names beside the IBSI's."""

from pathlib import Path

import numpy as np
import pytest

from make_reference.pages import families
from skiagram.case_features.pyradiomics import pyradiomics_table
from skiagram.features.family import families_of_images
from skiagram.records.feature_table import FeatureTable

PROJECT = Path(__file__).resolve().parents[2]


def definitions():
    found = families_of_images(list(families(PROJECT).values()))
    return [one for each in found for one in each.definitions()]


def test_every_class_of_pyradiomics_is_whole():
    counts = {}
    for one in definitions():
        if (name := one.pyradiomics) and "." not in one.name:
            kind, feature = name.split("_")
            counts.setdefault(kind, set()).add(feature)
    # All of PyRadiomics' classes but total energy, standard deviation, MCC, and in shape the 2D
    # diameters.
    sizes = {kind: len(names) for kind, names in counts.items()}
    expected = {"shape": 14, "firstorder": 17, "glcm": 23, "glrlm": 16, "glszm": 16}
    assert sizes == expected | {"ngtdm": 5, "gldm": 14}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("glcm_distance_1_angular_second_moment", "original_glcm_JointEnergy_distance_1"),
        ("log_3mm.glcm_contrast", "log_3mm_glcm_Contrast"),
        ("ngldm_low_dependence_emphasis", "original_gldm_SmallDependenceEmphasis"),
        ("morphology_flatness", "original_shape_Flatness"),
    ],
)
def test_a_column_is_renamed(ours, theirs):
    table = FeatureTable(np.array(["a"]), (ours,), np.ones((1, 1), dtype=np.float32))
    assert list(pyradiomics_table(table, definitions())) == ["case_id", theirs]


def test_kurtosis_is_that_of_pyradiomics_and_other_columns_stay_out():
    names = ("first_order_excess_kurtosis", "hog_1", "shape_major_axis_length")
    names += ("morphology_major_axis_length", "morphology_least_axis_length")  # over n - 1 voxels
    table = FeatureTable(np.array(["a"]), names, np.array([[0.5, 1, 1, 1, 1]], dtype=np.float32))
    found = pyradiomics_table(table, definitions())
    assert list(found) == ["case_id", "original_firstorder_Kurtosis"]
    assert found["original_firstorder_Kurtosis"].tolist() == [3.5]
