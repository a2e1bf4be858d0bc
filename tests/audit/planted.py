"""Data sets without a fault, for tests that plant one."""

import dataclasses

import numpy as np
import pandas as pd

from skiagram.audit.run import collect_evidence, judge, tabulate_copies
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.images import Image, Spacing
from skiagram.tasks.cases import Cases, DataCard
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task
from tests.cases import make_cases

TASK = Task(Classes(("benign", "malignant"), 1), "holdout")
CARD = DataCard("made", "Made", "none", "CC0", "none", "none", patients_known=True)


def audit(*given):
    """Audit images and cases as a stage does; return the report and the table of copies."""
    evidence = collect_evidence(*given)
    return judge(evidence), tabulate_copies(evidence)


@dataclasses.dataclass
class Planted:
    """A data set that a test spoils."""

    images: list[Image]
    cases: Cases
    covariates: pd.DataFrame | None = None
    spacing: list[Spacing] | None = None

    def findings(
        self,
        folder,
        task=TASK,
        card=CARD,
        acquisition=(),
    ):
        store = self.store(folder)
        report, _ = audit([store], self.cases, task, card, self.covariates, acquisition)
        return {finding.name: finding for finding in report.findings}

    def store(self, folder):
        with ShardWriter(folder / "images") as writer:
            spacing = self.spacing or [None] * len(self.images)
            for stored in zip(self.cases.case_id.tolist(), self.images, spacing, strict=True):
                writer.add(*stored)
        return ImageStore(folder / "images")


def clean_set(seed=0):
    """Return noise: 24 train, 12 validation and 12 test images, each of a patient of its own."""
    draws = np.random.default_rng(seed)
    split = np.repeat(["train", "validation", "test"], (24, 12, 12))
    images = list(draws.integers(0, 256, (48, 28, 28)).astype(np.uint8))
    return Planted(images, make_cases(np.arange(48) % 2, split, patients(48)))


def patients(number, images=1):
    """Return the ids of patients, each once an image."""
    return np.repeat([f"patient-{at:06d}" for at in range(number)], images)
