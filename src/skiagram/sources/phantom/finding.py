"""Generated films and volumes to be searched for nodules, with the best possible marks.

Every second patient has from one to some nodules in one of the patient's films; the other film, of
the other side, shares a part of its tissue and has none. The field is large, and a nodule may lie
in any cell of a grid, at one of several offsets from the cell's centre, nowhere twice.

The ideal observer knows all of this and looks at both sides. With the joint covariance K of a
patient's films, a nodule at x in film f is seen through A(x) = ⟨s_x, K⁻¹g⟩, and a set X of nodules
has the likelihood ratio exp(Σ_X (A − B(0)/2) − Σ_pairs B(x − y)), where B(d) = ⟨s_0, K⁻¹s_d⟩. With
u = exp(A − B(0)/2) and E = exp(−B), 0 within a cell, the sums over all pairs and triples of places
are exact products of matrices:

    Σ_{y<z} over sets with x:  u_x (E u)_x   and   u_x Σ_y E_xy u_y (E diag(u) E)_xy / 2

K⁻¹ of two films is that of their sum and difference, which are independent, with the spectra
(1 ± ρ) P + σ².

It marks each cell's centre with the odds of a nodule in that cell. **No marks have a higher FROC
curve.** A mark within the radius of a nodule hits it; cells are so far apart that a mark can hit a
nodule of one cell at most, and the centre hits it wherever it lies in the cell. So marks are worth
what their cells are: marks in cells C hit Σ_C p(c) lesions and make Σ_C (1 − p(c)) false marks, in
the mean given the images, and at equal false marks none hit more than those with the highest p
(Neyman and Pearson 1933; Khurd, Liu and Gindi 2010, IEEE Trans Med Imaging 29:375). This holds for
the hit rule by distance with a radius that is at least the rule's minimum.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from math import comb, log, sqrt
from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass
from scipy import fft
from scipy.special import logsumexp

from skiagram.arrays import Floats, Whole
from skiagram.datasets.contract import GroundTruth, Mark, OpenSource
from skiagram.errors import OptionError
from skiagram.readers.spaced_image import SpacedImage
from skiagram.seeding import stream
from skiagram.sources.phantom.image_model import (
    Exponent,
    Height,
    Nodule,
    as_stored,
    centred_nodule,
    colour_noise,
    power_law_spectrum,
)
from skiagram.sources.phantom.source import GeneratedDataSet
from skiagram.strict import STRICT, AboveZero, OneOrMore, ShareBelowOne, TwoOrMore
from skiagram.tasks.cases import DataCard

_ABNORMAL = 0.5  # share of patients with a nodule


@dataclass(**STRICT)
class Nodules:
    """The nodules of an abnormal film.

    Attributes:
        amplitude: Height at the centre, in standard deviations of tissue.
        radius: In pixels; within it of the centre a mark hits.
        cells: Cells a side of the grid, each with one nodule at most.
        apart: Distance of neighbouring cells in pixels.
        offsets: Offsets of a nodule from its cell's centre along each axis, in pixels.
        most: Nodules of a film; 1 to so many are equally likely.
    """

    amplitude: Height
    radius: AboveZero
    cells: TwoOrMore
    apart: OneOrMore
    offsets: Annotated[tuple[int, ...], Field(min_length=1)]
    most: Annotated[int, Field(ge=1, le=3)]


@dataclass(**STRICT)
class PhantomFinding(GeneratedDataSet):
    """Options of a phantom to be searched.

    Attributes:
        axes: 2 for films, 3 for volumes.
        sides: Films of a patient.
        size: Side of a film in pixels.
        spacing: Distance of pixels in mm.
        tissue_exponent: β of the tissue, whose variance is 1.
        shared: ρ, correlation of the tissue of two sides, which are oriented alike.
        noise: Standard deviation of white noise.
    """

    modality: ClassVar[str] = "synthetic projection, {size} × {size} pixels"

    axes: Literal[2, 3]
    sides: Literal[1, 2]
    size: Annotated[int, Field(ge=16, le=1024)]
    spacing: AboveZero
    tissue_exponent: Exponent
    shared: ShareBelowOne
    noise: Annotated[float, Field(gt=0, le=2)]
    nodules: Nodules

    def __post_init__(self) -> None:
        """Refuse a grid on which the proof of the best marks would not hold.

        Raises:
            OptionError: A nodule would leave the image, a mark on a cell's centre could miss its
                nodule, or one mark could hit nodules of two cells.
        """
        super().__post_init__()
        nodules, strays = self.nodules, max(map(abs, self.nodules.offsets))
        # How far nodules reach: none leaves the image, no mark hits two.
        reach = nodules.apart * (nodules.cells - 1) / 2 + strays + nodules.radius
        # How far a nodule may lie from its cell's centre, along the diagonal.
        off_centre = sqrt(self.axes) * strays
        # The first condition of the proof that does not hold is named.
        for bad, fault, allowed in (
            (
                reach > self.size / 2,
                f"nodules reach {reach:g} pixels from the centre",
                f"at most {self.size / 2:g}, half of the size",
            ),
            (
                off_centre > nodules.radius,
                f"nodules lie up to {off_centre:.3g} pixels from their cell's centre",
                f"at most the radius, {nodules.radius:g}: a mark on the centre must hit",
            ),
            (
                nodules.apart < 2 * (nodules.radius + off_centre),
                f"cells lie {nodules.apart} pixels apart",
                f"at least {2 * (nodules.radius + off_centre):.3g}: no mark may hit in two cells",
            ),
        ):
            if bad:
                raise OptionError(fault, where="dataset.nodules", allowed=allowed)

    def card(self) -> DataCard:
        # Volumes have a third side, of voxels; all else is said of films as well.
        if self.axes == 2:
            return super().card()
        sides = f"{self.size} × {self.size} × {self.size}"
        return replace(super().card(), modality=f"synthetic volume, {sides} voxels")

    def open(self, root: Path | None) -> "OpenPhantomFinding":
        return OpenPhantomFinding(self)


class SearchedFilm(NamedTuple):
    """One film, or volume, of a patient.

    Attributes:
        clean: Tissue and nodules.
        noisy: The same with noise.
        centres: Centres of its nodules in pixels.
    """

    clean: Floats
    noisy: Floats
    centres: tuple[tuple[float, ...], ...]


class Searched(NamedTuple):
    """What the ideal observer says of one film.

    Attributes:
        log_odds: That the film has a nodule, given all films of the patient.
        cells: (cells,) the same of each cell.
    """

    log_odds: float
    cells: Floats


class ScanningObserver:
    """The ideal observer of a patient's films.

    Args:
        tissue: (size, …, size // 2 + 1) half spectrum of the tissue, without noise.
        nodule: (size, …) nodule centred on the first pixel.
        places: (cells, offsets, axes) where nodules may be centred.
    """

    def __init__(
        self, options: PhantomFinding, tissue: Floats, nodule: Floats, places: Whole
    ) -> None:
        """Prepare what is the same for all patients: filters, overlaps of nodules, and the prior.

        Args:
            options: Of the phantom; films of a patient, noise, and how many nodules a film has at
                most.
            tissue: (size, …, size // 2 + 1) half spectrum of the tissue, without noise.
            nodule: (size, …) nodule centred on the first pixel.
            places: (cells, offsets, axes) where nodules may be centred, pixels.
        """
        # The matched filter of a nodule in tissue and noise.
        noise, sides, most = options.noise, options.sides, options.nodules.most
        template = fft.rfftn(nodule)
        if sides == 1:
            inverse = [1 / (tissue + noise**2)]
        else:
            both = [1 / ((1 + sign * options.shared) * tissue + noise**2) for sign in (1, -1)]
            inverse = [(both[0] + both[1]) / 2, (both[0] - both[1]) / 2]
        self._filters = [template.conj() * part for part in inverse]
        # How far nodules at two places overlap after the filter.
        overlap = fft.irfftn(np.abs(template) ** 2 * inverse[0], s=nodule.shape)
        cells, offsets, axes = places.shape
        flat = places.reshape(-1, axes)
        self._places = tuple(flat.T)
        apart = (flat[:, None] - flat[None]) % nodule.shape[0]
        self._energy = float(overlap.flat[0])
        self._pairs = np.exp(-overlap[tuple(np.moveaxis(apart, -1, 0))])
        # A cell has one nodule at most: no weight for two places of one cell.
        cell = np.repeat(np.arange(cells), offsets)
        self._pairs[cell[:, None] == cell] = 0.0
        self._cells, self._offsets = cells, offsets
        # The prior of one, two or three nodules.
        self._prior = [
            log(_ABNORMAL / sides / most / comb(cells, count)) - count * log(offsets)
            for count in range(1, most + 1)
        ]

    def search(self, films: tuple[Floats, ...]) -> list[Searched]:
        """Weigh what all films of a patient say of each.

        Args:
            films: (size, …) with noise, one or two, in the order of their sides.

        Returns:
            Of each film the log-odds that it has a nodule, and those of each of its cells. Sums
            over sets of nodules are products of matrices, as the module says.
        """
        spectra = [fft.rfftn(film) for film in films]
        sums = []
        for number, film in enumerate(films):
            spectrum = spectra[number] * self._filters[0]
            if len(films) == 2:
                spectrum = spectrum + spectra[1 - number] * self._filters[1]
            # the log weight of a nodule in each cell, and that of any in the film: a sum over
            # places counts a set of nodules once for each of them
            height = fft.irfftn(spectrum, s=film.shape)[self._places] - self._energy / 2
            top = float(height.max())
            u = np.exp(height - top)
            single = [u]
            if len(self._prior) > 1:
                joined = self._pairs * u
                single.append(u * joined.sum(axis=1))
            if len(self._prior) > 2:
                single.append(u * (joined * (joined @ self._pairs)).sum(axis=1) / 2)
            weights = [
                prior + count * top + np.log(np.maximum(each, 1e-300))
                for count, (prior, each) in enumerate(
                    zip(self._prior, single, strict=True), start=1
                )
            ]
            # Over all sets of nodules of each number.
            sets = [logsumexp(each) - log(count) for count, each in enumerate(weights, start=1)]
            cell_sums = np.array(
                [logsumexp(each.reshape(self._cells, -1), axis=1) for each in weights]
            )
            sums.append((logsumexp(cell_sums, axis=0), float(logsumexp(sets))))
        # At most one film of a patient has nodules: the odds of one are against no nodule at all
        # and against all other films.
        nothing = log(1 - _ABNORMAL)
        film_sums = [film_sum for _, film_sum in sums]
        everything = float(logsumexp([nothing, *film_sums]))
        searched = []
        for k, (cell_sums, film_sum) in enumerate(sums):
            others = float(logsumexp([nothing, *film_sums[:k], *film_sums[k + 1 :]]))
            chance = np.minimum(cell_sums - everything, -1e-15)  # its logarithm
            searched.append(Searched(film_sum - others, chance - np.log(-np.expm1(chance))))
        return searched


class OpenPhantomFinding(OpenSource):
    """Makes the films of one phantom on demand."""

    def __init__(self, options: PhantomFinding) -> None:
        """List the films, and prepare tissue, nodule, places and the observer.

        Films and what the observer says of them are kept of two patients: image, truth and marks of
        a patient are asked for one after the other.

        Args:
            options: Of the phantom.
        """
        # Every film: patients in order, the sides of a patient together.
        self._options, nodules = options, options.nodules
        entries = options.patients.entries(options.sides, "side")
        places = (divmod(position, options.sides) for position in entries.index)
        self.entries = entries.assign(label=[int(self.side(one) == side) for one, side in places])
        # The tissue and the nodule, and every place where one may lie.
        self._tissue = power_law_spectrum(options.size, options.tissue_exponent, options.axes)
        self.shape = Nodule(amplitude=nodules.amplitude, radius=nodules.radius, places=1, spacing=1)
        self._nodule = centred_nodule(options.size, self.shape, options.axes)
        # The centres of the cells, and the offsets within each.
        along = options.size // 2 + np.rint(
            nodules.apart * (np.arange(nodules.cells) - (nodules.cells - 1) / 2)
        ).astype(np.int64)
        self._centres = np.array(list(itertools.product(along, repeat=options.axes)))
        offsets = np.array(list(itertools.product(nodules.offsets, repeat=options.axes)))
        self.places = self._centres[:, None] + offsets
        observer = ScanningObserver(options, self._tissue, self._nodule, self.places)
        self.films = lru_cache(maxsize=2)(self._make)
        self.searched = lru_cache(maxsize=2)(
            lambda patient: observer.search(tuple(film.noisy for film in self.films(patient)))
        )

    def side(self, patient: int) -> int | None:
        """Draw the side with nodules, from 0; None for every second patient, who has none."""
        if patient % 2 == 0:
            return None
        return int(stream(self._options.seed, "side", patient).integers(self._options.sides))

    def image(self, position: int) -> SpacedImage:
        """Make what the pipeline sees: (size, size) float32, or (size, size, size, 1).

        Args:
            position: Row of `entries`; patients in order, the sides of a patient together.
        """
        patient, side = divmod(position, self._options.sides)
        pixels = as_stored(self.films(patient)[side].noisy)
        return SpacedImage(pixels, (self._options.spacing,) * self._options.axes)

    def truth(self, position: int) -> GroundTruth:
        """Tell the clean image, the film's log-likelihood ratio and the ideal marks.

        Each cell's centre is marked with the log-odds of a nodule in that cell, as no marks have a
        higher FROC curve. The score of the film is its log-odds less those of the prior, so that it
        is a ratio of likelihoods as of all phantoms.

        Args:
            position: Row of `entries`.
        """
        patient, side = divmod(position, self._options.sides)
        film, searched = self.films(patient)[side], self.searched(patient)[side]
        marks = tuple(
            (self._mark(centre), float(odds))
            for centre, odds in zip(self._centres.tolist(), searched.cells, strict=True)
        )
        centre = next(iter(film.centres), (float("nan"),) * self._options.axes)
        share = _ABNORMAL / self._options.sides
        score = searched.log_odds - log(share / (1 - share))
        return GroundTruth(as_stored(film.clean), score, self._mark(centre).centre, marks)

    def marks(self, position: int) -> tuple[Mark, ...]:
        """Mark every nodule of a film, with the radius within which a mark hits."""
        patient, side = divmod(position, self._options.sides)
        return tuple(map(self._mark, self.films(patient)[side].centres))

    def _mark(self, centre: Sequence[float]) -> Mark:
        return Mark(tuple(map(float, centre)), self._options.nodules.radius)

    def _make(self, patient: int) -> tuple[SearchedFilm, ...]:
        """Make all films of a patient at once: they share tissue, and one side alone has nodules.

        Returns:
            One a side, in their order.
        """
        # The tissue that both sides share, and that of each side.
        options, shape = self._options, self._nodule.shape
        common = stream(options.seed, "patient", patient).standard_normal(shape)
        weights = np.sqrt([options.shared, 1 - options.shared])
        films = []
        for side in range(options.sides):
            side_stream = stream(options.seed, "image", patient, side)
            white = weights[0] * common + weights[1] * side_stream.standard_normal(shape)
            clean = colour_noise(white, self._tissue)
            noise = options.noise * side_stream.standard_normal(shape)
            # Some nodules, on one side of every second patient.
            centres: Whole = np.empty((0, options.axes), dtype=np.int64)
            if self.side(patient) == side:
                count = int(side_stream.integers(1, options.nodules.most + 1))
                cells = side_stream.choice(len(self.places), count, replace=False)
                offsets = side_stream.integers(self.places.shape[1], size=count)
                centres = self.places[cells, offsets]
            for centre in centres:
                clean = clean + np.roll(self._nodule, centre, axis=tuple(range(options.axes)))
            films.append(SearchedFilm(clean, clean + noise, tuple(map(tuple, centres.tolist()))))
        return tuple(films)
