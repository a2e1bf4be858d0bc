"""How often the audit's probes warn of a data set in which nothing tells the label.

    python studies/coverage/false_alarms.py [DATA SETS]

Traits and covariates are drawn without regard to the label, some of them the same for all images of
a patient, as a site is. A data set counts once, however many warnings it has. A second count plants
a site that is brighter and has more of one class. Prints a table for docs/results/audit.md.
"""

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skiagram.audit.contract import Evidence, ProbedTraits
from skiagram.audit.groups import check_groups
from skiagram.audit.shortcuts import check_shortcuts
from skiagram.near_duplicates.pairs import Pairs
from skiagram.near_duplicates.search import TransformedPairs
from skiagram.records import Cases, DataCard, Task
from skiagram.seeding import stream

DATA_SETS = 200
_SEED = 20_260_713
_NUMBERS = {
    "border": 24,
    "brightness": 1,
    "clipping": 2,
    "empty_pixels": 2,
    "sharpness": 2,
    "noise": 2,
    "compression": 2,
    "gray_levels": 2,
    "lowest_bits": 3,
    "case_order": 2,
}
_COVARIATES = 5
_FLAT = np.zeros(0, dtype=np.int64)
_CARD = DataCard("made", "Made", "none", "CC0", "none", "none", patients_known=True)


@dataclass(frozen=True)
class Design:
    """Patients, images of each, and classes of equal size."""

    patients: int
    images: int
    classes: int

    @property
    def title(self) -> str:
        """Return the design in words."""
        return f"{self.patients} patients, {self.images} images each, {self.classes} classes"


DESIGNS = (Design(60, 1, 2), Design(120, 2, 2), Design(300, 1, 2), Design(200, 1, 4))


def draw(design: Design, generator: np.random.Generator, *, confounded: bool) -> Evidence:
    """Draw a data set of traits; the site is planted to go with brightness and label, or not."""
    patient = np.repeat(np.arange(design.patients), design.images)
    label = generator.permutation(np.arange(design.patients) % design.classes)
    site = generator.integers(0, 3, design.patients)
    if confounded:
        site = (generator.uniform(size=design.patients) < np.where(label > 0, 0.65, 0.35)).astype(
            int
        )

    def numbers(count: int) -> NDArray[np.float64]:
        of_patient = generator.normal(size=(design.patients, count))[patient]
        return of_patient + generator.normal(size=(len(patient), count))

    images = {name: numbers(count) for name, count in _NUMBERS.items()}
    images["brightness"] += site[
        patient, None
    ]  # sites differ; their classes do not, unless planted
    covariates = {f"number {at}": numbers(1) for at in range(_COVARIATES)}
    covariates["site"] = site[patient, None].astype(np.float64)
    names = np.array([f"patient-{at:06d}" for at in patient])
    cases = Cases(
        np.array([f"case-{at:06d}" for at in range(len(patient))]),
        names,
        np.full(len(patient), "train"),
        label[patient],
    )
    classes = tuple(f"class {k}" for k in range(design.classes))
    return Evidence(
        cases,
        Task(classes, 1 if design.classes == 2 else None, "cv"),
        _CARD,
        Pairs(_FLAT, _FLAT, np.zeros(0), np.zeros(0, dtype=np.bool_)),
        np.zeros(len(cases), dtype=np.bool_),
        TransformedPairs(_FLAT, _FLAT, np.zeros(0), np.zeros(0, dtype=str)),
        ProbedTraits(np.arange(len(cases)), images, covariates),
    )


def alarms(evidence: Evidence) -> set[str]:
    """Return the names of the warnings."""
    found = [*check_shortcuts(evidence), *check_groups(evidence)]
    return {one.name for one in found if one.severity == "warning" and one.count}


def main(data_sets: int) -> None:
    """Print a row a design."""
    sys.stdout.write(
        "| design | clean sets with any warning | planted site named |\n|---|---|---|\n"
    )
    for design in DESIGNS:
        clean = [
            alarms(draw(design, stream(_SEED, design.title, at), confounded=False))
            for at in range(data_sets)
        ]
        planted = [
            "confounded_groups"
            in alarms(draw(design, stream(_SEED, design.title, "planted", at), confounded=True))
            for at in range(data_sets // 4)
        ]
        sys.stdout.write(
            f"| {design.title} | {sum(map(bool, clean))} of {data_sets} "
            f"| {sum(planted)} of {len(planted)} |\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else DATA_SETS)
