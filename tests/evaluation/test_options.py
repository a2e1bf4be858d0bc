"""The questions as options: what stands in the file, and what is refused."""

import pytest
import yaml

from skiagram.errors import OptionError
from skiagram.evaluation.options import RequestedAnalyses
from skiagram.options import check
from tests import REPOSITORY

SENSITIVITY = yaml.safe_load((REPOSITORY / "params.yaml").read_text())["sensitivity"]


def committed():
    text = (REPOSITORY / "conf/evaluate.yaml").read_text()
    filled = text.replace('"${params.sensitivity}"', str(SENSITIVITY))
    return yaml.safe_load(filled)["analyses"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"prevalence": 0.0}, r"evaluate\.analyses\.prevalence: 0\.0 was given"),
        ({"prevalence": 5}, r"prevalence: 5 was given\. Allowed: .*less than 1"),
        ({"operating_points": [{"aim": "recall", "level": 0.9}]}, "'sensitivity' or 'specificity'"),
        ({"operating_points": [{"aim": "sensitivity", "level": 1}]}, r"level: 1 was given"),
        ({"trivia": []}, "no such option"),
    ],
)
def test_what_cannot_be_asked_names_the_option(changed, message):
    with pytest.raises(OptionError, match=message):
        check(RequestedAnalyses, {**committed(), **changed}, "evaluate.analyses")
