"""The project's own data sets, options changed, and small phantoms for tests."""

from skiagram.options import build
from tests import REPOSITORY
from tests.yaml_rows import load_yaml

CONF = REPOSITORY / "conf" / "dataset"


def data_set(name, **changes):
    """Return a data set of the project with some options changed; groups are merged."""
    values = load_yaml(CONF / f"{name}.yaml")
    for option, change in changes.items():
        merged = isinstance(change, dict) and isinstance(values.get(option), dict)
        values[option] = values[option] | change if merged else change
    return build(values, "dataset")


def phantom(**changes):
    """Return the project's phantom with some options changed; groups are merged."""
    return data_set("phantom", **changes)


def small_phantom(**changes):
    """Return a phantom of 12 patients with two images of 32 × 32 pixels each."""
    patients = {"train": 6, "validation": 2, "test": 4} | changes.pop("patients", {})
    nodule = {"places": 7} | changes.pop("nodule", {})
    return phantom(size=32, patients=patients, nodule=nodule, **changes)
