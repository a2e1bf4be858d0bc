"""Values of PyRadiomics 3.0.1 on a volume, by three of its parameter files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skiagram.radiomics.extraction import describe
from skiagram.radiomics.images import as_case
from skiagram.radiomics.settings import make_plan
from tests.radiomics.volume import SPACING, make_volume
from tests.yaml_rows import read_rows

VALUES = pd.read_csv(Path(__file__).with_name("pyradiomics.csv"))
PARAMETERS = read_rows(__file__, "parameters")
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
