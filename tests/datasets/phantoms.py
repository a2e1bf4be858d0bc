"""The project's own phantom, and smaller ones for tests."""

from pathlib import Path
from typing import Any

import yaml

from skiagram.datasets.phantom.source import Phantom
from skiagram.options import build

OPTION_FILE = Path(__file__).parents[2] / "conf" / "dataset" / "phantom.yaml"


def phantom(**changes: Any) -> Phantom:
    """Return the project's phantom with some options changed; groups are merged."""
    values = yaml.safe_load(OPTION_FILE.read_text())
    for name, change in changes.items():
        values[name] = {**values.get(name, {}), **change} if isinstance(change, dict) else change
    made = build(values, "dataset")
    assert isinstance(made, Phantom)
    return made


def small_phantom(**changes: Any) -> Phantom:
    """Return a phantom of 12 patients with two images of 32 × 32 pixels each."""
    patients = {"train": 6, "validation": 2, "test": 4} | changes.pop("patients", {})
    nodule = {"places": 7} | changes.pop("nodule", {})
    return phantom(size=32, patients=patients, nodule=nodule, **changes)
