"""The code that the how-to shows works as it is printed."""

import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from skiagram.features.batch import FeatureBatch
from skiagram.fitting.contract import FitContext
from skiagram.models.deep.fitted import load_network
from skiagram.models.deep.network_model import NetworkModel
from skiagram.options import build
from tests.models.deep.spots import spots
from tests.stand_ins import CPU

PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "extend.md"
NETWORK, FAMILY = range(2)  # the examples in the order of the page
pytestmark = pytest.mark.slow
Load = Callable[..., Any]


def block(language: str, example: int) -> str:
    text = PAGE.read_text(encoding="utf-8")
    whole = re.findall(rf"```{language}\n(\"\"\".*?|_target_.*?|# @.*?)```", text, re.DOTALL)
    return str(whole[example])


def options(example: int) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load(block("yaml", example))
    return values


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Return a function from an example to what its Python and YAML block define."""

    def make(example: int, **values: Any) -> Any:
        code, group = block("python", example), options(example) | values
        target = group["_target_"].rpartition(".")[0]
        path = tmp_path / f"{target}.py"
        path.write_text(code)
        spec = importlib.util.spec_from_file_location(target, path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, target, module)
        spec.loader.exec_module(module)
        return build(group, "extend")

    return make


def test_the_network_learns_scores_and_is_saved(load: Load, tmp_path: Path) -> None:
    short = {"epochs": 8, "patience": 8, "augmentation": None}
    training = options(NETWORK)["training"] | short
    network, cases = load(NETWORK, training=training), spots(tmp_path, 48, noise=0.0)
    fitted = NetworkModel(network, CPU, threads=1).fit(cases, FitContext(0, validation=cases))
    losses = fitted.summary.curves["training_loss"].to_numpy()
    assert losses[-1] < 0.8 * losses[0]
    fitted.save(tmp_path / "saved")
    again = load_network(tmp_path / "saved")
    np.testing.assert_array_equal(again.scores(cases.inputs), fitted.scores(cases.inputs))


def test_the_feature_family_describes_rings(load: Load) -> None:
    family = load(FAMILY, rings=2)
    image = np.zeros((1, 33, 33), dtype=np.float32)
    image[0, 13:20, 13:20] = 1
    inner, outer = family.extract(FeatureBatch(image))[0]
    assert family.names() == ("rings_1_mean", "rings_2_mean")
    assert inner > 0
    assert outer == 0
    assert np.isfinite(family.extract(FeatureBatch(np.ones((1, 1, 1), dtype=np.float32)))).all()
