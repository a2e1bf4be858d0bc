"""What the combine stage refuses, and what it leaves when there is nothing to combine."""

from pathlib import Path

import pytest
import yaml

from skiagram.errors import OptionError
from skiagram.models.combined.stage import checked, combine_all
from tests.models.combined.cards import CONF, PLAN, cases_of, drawn

RUN = ("logistic_regression", "svm")


@pytest.mark.parametrize(
    ("name", "changed", "words"),
    [
        ("stacking", {"members": ["svm", "nope"]}, r"members: no model `nope`.*logistic_regr"),
        ("stacking", {"members": ["svm", "svm"]}, "named twice"),
        ("svm", {}, r"a model has the same name.*rename the option file"),
        ("stacking", {"inverse_regularisation": 0.0}, r"combinations.stacking.inverse_reg"),
    ],
)
def test_a_wrong_combination_is_refused_by_name(
    name: str, changed: dict[str, object], words: str
) -> None:
    values = yaml.safe_load((CONF / "stacking.yaml").read_text())
    with pytest.raises(OptionError, match=words):
        checked(name, values | {"members": list(RUN)} | changed, RUN)


def test_without_combinations_the_outputs_say_so(tmp_path: Path) -> None:
    cases, task, _ = cases_of(drawn((1.0,)), "holdout")
    assert combine_all(tmp_path / "nowhere", [], cases, task, PLAN, tmp_path) == []
    assert (tmp_path / "scores/index.json").read_text() == '{\n  "combinations": []\n}\n'
