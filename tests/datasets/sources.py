"""A source held in memory, and ingest into a temporary folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from skiagram.datasets.contract import GroundTruth, Mark, OpenSource, tabulate_entries
from skiagram.datasets.ingest import IngestFolders, ingest
from skiagram.images import Image, Spacing
from skiagram.readers.spaced_image import SpacedImage
from skiagram.tasks.cases import Cases, DataCard


@dataclass
class MemorySource(OpenSource):
    """Entries and images as a test gives them."""

    entries: pd.DataFrame
    images: list[Image]
    classes: tuple[str, ...] = ("benign", "malignant")
    positive_class: str | None = "malignant"
    outcome: None = None
    generated: dict[int, GroundTruth] = field(default_factory=dict)
    spacing: Spacing | None = None
    in_gray: bool = False
    lesions: Mapping[int, tuple[Mark, ...]] = field(default_factory=dict)
    known: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    def card(self):
        return DataCard("memory", "Memory", "none", "none", "none", "none", patients_known=True)

    def open(self, root):
        return self

    def image(self, position):
        return SpacedImage(self.images[position], self.spacing)

    def truth(self, position):
        return self.generated.get(position)

    def marks(self, position):
        return self.lesions.get(position, ())


def noise(count, shape=(16, 16)):
    generator = np.random.default_rng(0)
    return [generator.integers(0, 256, shape, dtype=np.uint8) for _ in range(count)]


def entries(label, split, patient=None):
    """Return entries; by default each image has a patient of its own."""
    places = range(len(label))
    patients = [f"P{at}" for at in places] if patient is None else patient
    return tabulate_entries([f"film-{at}.dcm" for at in places], patients, label, split)


def balanced(**changes):
    """Return eight images in three splits, classes alternating, a patient an image."""
    counts = {"train": 4, "validation": 2, "test": 2}
    splits = [split for split, count in counts.items() for _ in range(count)]
    return replace(MemorySource(entries([0, 1] * 4, splits), noise(8)), **changes)


def ingested(source, folder, design="holdout", root=None):
    """Ingest below a folder; return where, and the case table."""
    folders = IngestFolders(folder / "images", folder / "cases", folder / "sealed")
    ingest(source, design, root, folders)
    return folders, Cases.read(folders.cases / "cases.parquet")
