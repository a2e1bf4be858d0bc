"""Feature families by their configs, and what they say of an image, by name."""

from pathlib import Path

import pandas as pd

from skiagram.features.batch import FeatureBatch
from skiagram.options import build
from tests.yaml_rows import load_yaml

FOLDER = Path(__file__).resolve().parents[2] / "conf" / "features"
OF_TABLES = {"covariates", "earlier", "measured", "site"}
OF_IMAGES = sorted({path.stem for path in FOLDER.glob("*.yaml")} - OF_TABLES)


def read_family(name):
    return load_yaml(FOLDER / f"{name}.yaml")


def family(name, **options):
    """Return the family of a config, some values changed."""
    return build(read_family(name) | options, name)


def described(of, *batch, **more):
    """Return the features of the first image of a batch."""
    row = of.extract(FeatureBatch(*batch, **more))[0].tolist()
    return dict(zip(of.names(), row, strict=True))


def of_cases(case_ids, **columns):
    """Return a row of covariates a case, as ingest writes them; each letter is a case."""
    return pd.DataFrame({"case_id": list(case_ids), **columns})
