"""Every study's option file stands alone and names files that exist."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from skiagram.options import build

CONF = Path(__file__).parents[2] / "conf"
GROUPS = {"baselines": "model", "networks": "model", "features": "features"}


@pytest.mark.parametrize(
    "path", sorted((CONF / "study").glob("*.yaml")), ids=lambda path: path.stem
)
def test_the_option_file_of_a_study_is_whole(path: Path) -> None:
    study: Any = build(yaml.safe_load(path.read_text()), "study")
    assert callable(study.run)
    for field, group in GROUPS.items():
        for name in getattr(study, field, ()):
            assert (CONF / group / f"{name}.yaml").is_file(), name
