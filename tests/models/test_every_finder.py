"""What every finder with an option file promises; a new one is found by its file alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from skiagram.errors import ModelFailure
from skiagram.finding.inputs import FindingInputs
from skiagram.models.contract import FitContext, FittedFinder, Labelled
from tests.models.classical.families import OPTION_FILES, model, read_options
from tests.models.classical.test_finder import labelled
from tests.models.classical.test_fused_finder import both
from tests.models.deep.test_finders import blobs, learner

pytestmark = pytest.mark.thorough

CONTEXT = FitContext(seed=3, positive=1)
FINDERS = [
    path.stem
    for path in sorted(OPTION_FILES.glob("*.yaml"))
    if "finder" in read_options(path.stem)["_target_"]
]


def prepared(name: str, folder: Path) -> tuple[Any, Labelled[FindingInputs]]:
    """Return a small finder, and images with lesions and what it reads of them."""
    if "classical" in read_options(name)["_target_"]:
        return model(name, apart=15.0), labelled(*both(folder))
    depth = 12 if name.endswith("3d") else None
    return learner(name.removesuffix("_3d"), depth, steps=3), blobs(folder, 12, depth)


@pytest.mark.parametrize("name", FINDERS)
def test_keeps_the_contract(name: str, tmp_path: Path) -> None:
    untrained, cases = prepared(name, tmp_path / "images")
    fitted, inputs = untrained.fit(cases, CONTEXT), cases.inputs
    scores, marks = fitted.scores(inputs), fitted.find(inputs)
    assert isinstance(cast("object", fitted), FittedFinder)
    assert scores.shape == (len(cases), 2)
    assert np.isfinite(scores).all()
    assert set(marks["case_id"]) <= set(cases.case_id)
    # Lesions of scored cases are not read.
    blind = replace(inputs, marks=inputs.marks.iloc[:0])
    pd.testing.assert_frame_equal(fitted.find(blind), marks)
    np.testing.assert_array_equal(fitted.scores(blind), scores)
    # A seed gives equal marks, and so does what is saved.
    pd.testing.assert_frame_equal(untrained.fit(cases, CONTEXT).find(inputs), marks)
    fitted.save(tmp_path / "model")
    loaded = untrained.load(tmp_path / "model")
    pd.testing.assert_frame_equal(loaded.find(inputs), marks)
    np.testing.assert_array_equal(loaded.scores(inputs), scores)
    # Without a lesion there is nothing to learn.
    unmarked = replace(cases, inputs=replace(inputs, marks=inputs.marks.iloc[:0]))
    with pytest.raises(ModelFailure, match=r"lesion"):
        untrained.fit(unmarked, CONTEXT)
