"""Combinations by their configs, and scores whose worth is known."""

from pathlib import Path

import numpy as np

from skiagram.fitting.contract import Labelled
from skiagram.models.combined import CombinationInputs
from skiagram.options import build
from skiagram.tasks.classes import Classes
from tests.yaml_rows import load_yaml

CONF = Path(__file__).resolve().parents[3] / "conf" / "combination"


def combination(name, **values):
    options = load_yaml(CONF / f"{name}.yaml")
    return build(options | values, "combinations")


def drawn(strengths, n_classes=2):
    """Return two cases a patient; each member's scores hold that much of the class, and noise."""
    generator = np.random.default_rng(11)
    patient = np.repeat(np.arange(150), 2)
    label = (patient % n_classes).astype(np.int64)
    noise = generator.normal(size=(len(label), len(strengths), n_classes))
    scores = noise + np.array(strengths)[:, None] * np.eye(n_classes)[label][:, None]
    case_id = np.array([f"c{at:03d}" for at in range(len(label))])
    inputs = CombinationInputs(scores, np.zeros(len(scores), dtype=np.int64))
    return Labelled(
        inputs,
        case_id,
        label,
        np.array([f"p{one}" for one in patient]),
        Classes(tuple(map(str, range(n_classes)))),
    )
