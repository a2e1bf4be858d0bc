"""Values of PyRadiomics 3.0.1 on a volume, by three of its parameter files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skiagram.radiomics.extraction import describe
from skiagram.radiomics.images import as_case
from skiagram.radiomics.settings import make_plan
from tests.radiomics.volume import PARAMETERS, SPACING, make_volume

VALUES = pd.read_csv(Path(__file__).with_name("pyradiomics.csv"))
NOT_HAD = r"_MCC$|_Maximum2DDiameter"


@pytest.mark.slow
@pytest.mark.parametrize("name", list(PARAMETERS))
def test_same_parameter_file_gives_the_same_table(name: str) -> None:
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
