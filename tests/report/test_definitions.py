"""Features of images are explained in the report; covariates and numbers of networks are not."""

from pathlib import Path

import yaml

from skiagram.preparation import ImageKinds, Preparation
from skiagram.report.definitions import definition_of, definitions

CONF = Path(__file__).resolve().parents[2] / "conf" / "features"


def test_only_features_of_images_are_defined() -> None:
    names = ("covariates", "embedding", "gradient")
    options = tuple(yaml.safe_load((CONF / f"{name}.yaml").read_text()) for name in names)
    kinds = ImageKinds((1,), ("uint8",), (16, 16), (16, 16))
    known = definitions(Preparation(kinds, None, features=options))
    assert known
    assert all(one.name.startswith("gradient_") for one in known)
    assert definition_of("covariates_age", known) is None
