"""How often the audit's probes warn of a data set in which nothing tells the label.

    python simulations/coverage/false_alarms.py [DATA SETS]

Traits and covariates are drawn without regard to the label, constant per patient or with noise of
each image, of patients with equal or very unequal numbers of images. A data set counts once,
however many warnings it has. A second count plants a site that is brighter and has more of one
class. A third looks for marks of text where there are none: on the phantom and on textures. Prints
the tables of docs/results/audit.md.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy import fft
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from skiagram.audit.contract import Appearance, Evidence, ProbedTraits
from skiagram.audit.groups import check_groups
from skiagram.audit.shortcuts import check_shortcuts
from skiagram.datasets.burnt_in_text import find_text
from skiagram.near_duplicates.pairs import Pairs
from skiagram.options import build, read_option_file
from skiagram.records.cases import Cases, DataCard, Task
from skiagram.seeding import stream

DATA_SETS = 200
_SEED = 20_260_713
_NUMBERS = {"border": 8, "brightness": 1, "sharpness": 2, "noise": 2, "lowest_bits": 3}
_COVARIATES = 3
_CARD = DataCard("made", "Made", "none", "CC0", "none", "none", patients_known=True)
_PHANTOM = Path(__file__).resolve().parents[2] / "conf/dataset/phantom.yaml"
_SIDES = (64, 128, 256, 512)

Floats = NDArray[np.float64]
Draws = np.random.Generator
SIZES: dict[str, Callable[[int, Draws], Floats]] = {
    "1 image each": lambda patients, draws: np.ones(patients),
    "2 images each": lambda patients, draws: np.full(patients, 2.0),
    "every tenth has 20 images": lambda patients, draws: np.where(
        np.arange(patients) % 10, 1.0, 20.0
    ),
    "1 to 30 images, 5 in the mean": lambda patients, draws: draws.geometric(0.2, patients).clip(
        1, 30
    ),
    "1 to 60 images, heavy tail": lambda patients, draws: draws.pareto(1.2, patients).clip(1, 60),
}


@dataclass(frozen=True)
class Design:
    """Patients, their numbers of images, and classes of equal numbers of patients.

    Attributes:
        own: Standard deviation of what differs between images of one patient, in that of patients.
    """

    patients: int
    sizes: str
    classes: int
    own: float

    @property
    def title(self) -> str:
        """Return the design in words."""
        traits = "" if self.own else ", traits constant per patient"
        return f"{self.patients} patients, {self.sizes}, {self.classes} classes{traits}"


DESIGNS = (
    Design(60, "every tenth has 20 images", 2, 0.0),
    Design(80, "1 to 30 images, 5 in the mean", 2, 0.0),
    Design(80, "1 to 60 images, heavy tail", 2, 0.0),
    Design(60, "1 image each", 2, 1.0),
    Design(120, "2 images each", 2, 1.0),
    Design(200, "1 image each", 4, 1.0),
)


def draw(design: Design, generator: Draws, *, confounded: bool) -> Evidence:
    """Draw a data set of traits; the site is planted to go with brightness and label, or not."""
    images_of = SIZES[design.sizes](design.patients, generator).astype(np.int64)
    patient = np.repeat(np.arange(design.patients), images_of)
    label = generator.permutation(np.arange(design.patients) % design.classes)
    site = generator.integers(0, 3, design.patients)
    if confounded:
        more = np.where(label > 0, 0.65, 0.35)
        site = (generator.uniform(size=design.patients) < more).astype(int)

    def numbers(count: int) -> Floats:
        of_patient = generator.normal(size=(design.patients, count))[patient]
        return of_patient + design.own * generator.normal(size=(len(patient), count))

    images = {name: numbers(count) for name, count in _NUMBERS.items()}
    images["brightness"] += site[patient, None]  # their classes do not differ, unless planted
    covariates = {f"number {at}": numbers(1) for at in range(_COVARIATES)}
    covariates["site"] = site[patient, None].astype(np.float64)
    cases = Cases(
        np.array([f"case-{at:06d}" for at in range(len(patient))]),
        np.array([f"patient-{at:06d}" for at in patient]),
        np.full(len(patient), "train"),
        label[patient],
    )
    none = Appearance(
        Pairs.of({}),
        np.zeros(len(cases), dtype=np.bool_),
        None,
    )
    classes = tuple(f"class {k}" for k in range(design.classes))
    task = Task(classes, 1 if design.classes == 2 else None, "cv")
    return Evidence(
        cases, task, _CARD, none, ProbedTraits(np.arange(len(cases)), images, covariates)
    )


def alarms(evidence: Evidence) -> set[str]:
    """Return the names of the warnings."""
    findings = [*check_shortcuts(evidence), *check_groups(evidence)]
    return {one.name for one in findings if one.severity == "warning" and one.count}


def _field(side: int, exponent: float, draws: Draws) -> Floats:
    """Draw an image of a power-law spectrum, of variance 1."""
    frequency = np.hypot(fft.fftfreq(side)[:, None], fft.rfftfreq(side))
    frequency[0, 0] = np.inf
    white = fft.rfft2(draws.normal(size=(side, side)))
    image = fft.irfft2(white * frequency ** (-exponent / 2), s=(side, side))
    drawn: Floats = image / image.std()
    return drawn


def _cells(side: int, draws: Draws) -> Floats:
    """Draw plates with sharp borders, each pixel the shade of the nearest centre."""
    centres = draws.uniform(0, side, (int(30 * (side / 64) ** 2 * draws.uniform(0.3, 2)), 2))
    places = np.moveaxis(np.mgrid[:side, :side], 0, -1).reshape(-1, 2)
    shade = draws.uniform(size=len(centres))[cKDTree(centres).query(places)[1]]
    plates: Floats = gaussian_filter(shade.reshape(side, side), 0.7)
    return plates + 0.03 * draws.normal(size=(side, side))


def _woven(side: int, draws: Draws) -> Floats:
    """Draw a lattice of spots, turned by chance."""
    down, across = np.mgrid[:side, :side]
    period, angle = draws.uniform(5, 16), draws.uniform(0, np.pi)
    along = across * np.cos(angle) + down * np.sin(angle)
    beside = down * np.cos(angle) - across * np.sin(angle)
    waves = np.sin(2 * np.pi * beside / period / draws.uniform(0.7, 1.5))
    lattice: Floats = np.sin(2 * np.pi * along / period) * waves
    return lattice + 0.2 * _field(side, 2, draws)


def _spots(side: int, draws: Draws) -> Floats:
    """Draw smooth spots at random places."""
    lit = draws.uniform(size=(side, side)) < draws.uniform(0.001, 0.01)
    spots: Floats = gaussian_filter(lit * draws.uniform(0.5, 2, lit.shape), draws.uniform(1, 3))
    return 50 * spots + 0.05 * draws.normal(size=lit.shape)


TEXTURES: dict[str, Callable[[int, Draws], Floats]] = {
    "tissue": lambda side, draws: _field(side, 3, draws) + 0.3 * draws.normal(size=(side, side)),
    "finer tissue": lambda side, draws: _field(side, draws.uniform(1, 2.5), draws),
    "smooth noise": lambda side, draws: gaussian_filter(
        draws.normal(size=(side, side)), draws.uniform(0.8, 4)
    ),
    "spots": _spots,
    "cells": _cells,
    "woven": _woven,
}


def marks_on_textures(kind: str, each: int) -> int:
    """Return in how many images of a texture marks of text are found, `each` of every side."""
    marked = 0
    for side in _SIDES:
        for number in range(each):
            image = TEXTURES[kind](side, stream(_SEED, kind, side, number))
            levels = 255 * (image - image.min()) / np.ptp(image)
            marked += bool(find_text(levels.astype(np.uint8)))
    return marked


def marks_on_phantom(number: int) -> int:
    """Return in how many of the phantom's first images marks of text are found."""
    phantom = build(read_option_file(_PHANTOM), "dataset").open(None)
    return sum(bool(find_text(phantom.image(at).pixels)) for at in range(number))


def main(data_sets: int) -> None:
    """Print a row a design, then a row a texture."""
    sys.stdout.write("| design | clean sets with a warning | planted site named |\n|---|---|---|\n")
    for design in DESIGNS:
        clean = sum(
            bool(alarms(draw(design, stream(_SEED, design.title, at), confounded=False)))
            for at in range(data_sets)
        )
        drawn = [stream(_SEED, design.title, "planted", at) for at in range(data_sets // 10)]
        named = sum(
            "confounded_groups" in alarms(draw(design, one, confounded=True)) for one in drawn
        )
        row = f"| {design.title} | {clean} of {data_sets} | {named} of {len(drawn)} |\n"
        sys.stdout.write(row)
        sys.stdout.flush()
    sys.stdout.write("\n| images without text | marks of text in |\n|---|---|\n")
    each = max(1, data_sets // 20)
    for kind in TEXTURES:
        total = each * len(_SIDES)
        sys.stdout.write(f"| {kind} | {marks_on_textures(kind, each)} of {total} |\n")
        sys.stdout.flush()
    sys.stdout.write(f"| phantom | {marks_on_phantom(2 * data_sets)} of {2 * data_sets} |\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else DATA_SETS)
