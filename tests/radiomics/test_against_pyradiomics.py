"""Values of PyRadiomics 3.0.1 on a volume, by three of its parameter files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK

import skiagram
from skiagram.errors import DataError
from skiagram.radiomics.extraction import describe
from skiagram.radiomics.images import as_case
from skiagram.radiomics.settings import make_plan
from tests.radiomics.volume import SPACING, make_volume
from tests.yaml_rows import read_rows

VALUES = pd.read_csv(Path(__file__).with_name("pyradiomics.csv"))
PARAMETERS, MASKS = (read_rows(__file__, family) for family in ("parameters", "masks"))
NOT_HAD = r"_Maximum2DDiameter"


@pytest.mark.slow
@pytest.mark.parametrize("name", PARAMETERS)
def test_same_parameter_file_gives_the_same_table(name):
    theirs = VALUES[VALUES["parameters"] == name].set_index("feature")["value"]
    plan = make_plan(PARAMETERS[name], names="pyradiomics")
    image, mask = make_volume()
    image = image.astype(np.float64)  # as which it was given to PyRadiomics
    ours = pd.Series(describe(as_case(image, mask, SPACING, plan.settings.label), plan))
    had = theirs[~theirs.index.str.contains(NOT_HAD)]
    assert set(ours.index) == set(had.index)
    assert ours.to_dict() == pytest.approx(had.to_dict(), rel=2e-6, abs=1e-9)
    missing = set(theirs.index) - set(had.index)
    said = " ".join(plan.remarks)
    assert all(feature.rpartition("_")[2] in said for feature in missing)


@pytest.mark.parametrize(
    ("within_slices", "values"),
    [  # PyRadiomics 3.0.1: Coarseness, Contrast, Busyness, Complexity, Strength
        (False, [0.009667208312, 0.101650802479, 1.96665920047, 65.4343259292, 0.361759684012]),
        (True, [0.009392998844, 0.0996970953994, 2.02407182992, 64.9635541461, 0.368848882074]),
    ],
)
def test_voxels_without_neighbours_count_in_ngtdm_as_there(within_slices, values):
    image, mask = make_volume()
    z, y, x = np.indices(mask.shape)
    scattered = (mask == 1) & ((z * 7919 + y * 104729 + x * 1299709) ** 2 % 211 % 3 == 0)
    setting = {"binWidth": 20, "force2D": within_slices}
    plan = make_plan({"setting": setting, "featureClass": {"ngtdm": []}})
    case = as_case(image.astype(np.float64), scattered, SPACING)
    found = describe(case, plan)
    names = ("Coarseness", "Contrast", "Busyness", "Complexity", "Strength")
    assert [found[f"original_ngtdm_{name}"] for name in names] == pytest.approx(values)


@pytest.mark.parametrize("title", MASKS)
def test_a_mask_on_voxels_of_its_own_is_resampled_once(title, tmp_path):
    row = MASKS[title]
    first, spacing = row["first"], row["spacing"]
    z, y, x = (
        start + step * at
        for start, step, at in zip(first, spacing, np.indices(row["shape"]), strict=True)
    )
    inside = ((z - 24) / 14) ** 2 + ((y - 17) / 10) ** 2 + ((x - 15) / 9) ** 2 < 1
    image = SimpleITK.GetImageFromArray(make_volume()[0])
    image.SetSpacing(SPACING[::-1])
    mask = SimpleITK.GetImageFromArray(inside.astype(np.uint8))
    mask.SetSpacing(spacing[::-1])
    for each, (slices, rows, columns) in ((image, (0.0, 0.0, 0.0)), (mask, first)):
        each.SetOrigin((10 + columns, 20 + rows, 30 + slices))
    paths = [str(tmp_path / name) for name in ("image.nrrd", "mask.nii.gz")]
    for each, path in zip((image, mask), paths, strict=True):
        SimpleITK.WriteImage(each, path)
    parameters = {
        "setting": {"binWidth": 20, "label": 1, **row["setting"]},
        "featureClass": {
            "shape": ["VoxelVolume"],
            "firstorder": ["Mean", "Kurtosis"],
            "glcm": ["Contrast"],
        },
    }
    names = ("shape_VoxelVolume", "firstorder_Mean", "firstorder_Kurtosis", "glcm_Contrast")
    for given in ((image, mask), paths):
        found = skiagram.extract(*given, parameters=parameters)
        assert [found[f"original_{name}"] for name in names] == pytest.approx(
            row["values"], rel=1e-6
        )
    mask.SetOrigin((-20, 20, 30))
    with pytest.raises(DataError, match="reaches beyond its image"):
        skiagram.extract(image, mask, parameters=parameters)
