"""Places of images where a detector looks: a grid over the body part, or blobs at several scales.

They are made of an image alone, without labels. Distances are mm, or pixels where the spacing is
unknown.
"""

from abc import ABC, abstractmethod
from dataclasses import asdict
from dataclasses import dataclass as plain_dataclass
from functools import partial
from itertools import chain
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic.dataclasses import dataclass
from scipy import ndimage

from skiagram.arrays import Flags, Floats, Whole
from skiagram.compute.progress import Progress
from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.errors import refusal
from skiagram.finding.marks import HitRule, read_spacing
from skiagram.image_store.store import ImageStore, Span, spans
from skiagram.images import (
    Image,
    Spacing,
    luminance,
)
from skiagram.options import composed
from skiagram.records.places import tabulate_places
from skiagram.strict import STRICT, AboveZero, FromZero, OneOrMore

Body = Literal["all", "not_darkest", "bright"]
Places = list[tuple[tuple[float, ...], float]]  # [slice,] row and column, radius in mm
_SPAN_VALUES = 2**19
Millimetres = AboveZero


def grey_values(image: Image) -> Floats:
    """Read grey values of a stored image: of colour its luminance, of a volume as they are.

    Args:
        image: (height, width[, channels]), or (depth, height, width, 1).

    Returns:
        (height, width) or (depth, height, width) float64.
    """
    if image.ndim == 4:
        return image[..., 0].astype(np.float64)
    grey: Floats = luminance(np.asarray(image)[None], "proposal")[0]
    return grey


def body_part(values: Floats, body: Body) -> Flags:
    """Find where the body part is.

    Args:
        values: (height, width) or (depth, height, width) grey values.
        body: `all`; `not_darkest`, where the background was set to one value; `bright`, what Li's
            minimum cross-entropy leaves (Li & Tam 1998), with holes filled.

    Returns:
        Of the same shape; all of an image of one value.
    """
    if body == "all" or values.min() == values.max():
        return np.ones(values.shape, dtype=np.bool_)
    if body == "not_darkest":  # background that was set to one value
        part: Flags = values > values.min()
        return part
    from skimage.filters import threshold_li  # of projects alone, and long to import

    return np.asarray(ndimage.binary_fill_holes(values > threshold_li(values)), dtype=np.bool_)


class Proposal(ABC):
    """What proposes places."""

    @abstractmethod
    def places(self, image: Image, spacing: Spacing | None) -> Places:
        """Find the places of one image.

        Args:
            image: (height, width[, channels]), or (depth, height, width, 1).
            spacing: Distances of its pixels, mm; None counts in pixels.

        Returns:
            Centre, in pixels, and radius in mm of each.
        """


@dataclass(**STRICT)
class NoProposal(Proposal):
    """Proposes nothing: the data set is not searched."""

    def places(self, image: Image, spacing: Spacing | None) -> Places:
        """Return no place."""
        return []


@dataclass(**STRICT)
class Grid(Proposal):
    """A regular grid over the body part.

    Attributes:
        step: Between places, along each axis.
        radius: Given to each place.
        body: `all` of the image, what is `not_darkest` (a masked background is), or `bright`.
    """

    step: Millimetres
    radius: Millimetres
    body: Body

    def places(self, image: Image, spacing: Spacing | None) -> Places:
        """List the grid's places on the body part, in order of slices, rows and columns.

        Along each axis as many steps as fit, centred, so that both edges are alike.
        """
        values = grey_values(image)
        inside = body_part(values, self.body)
        # Along each axis: points a step apart, as many as fit, centred.
        axes = []
        for length, side in zip(values.shape, spacing or (1.0,) * values.ndim, strict=True):
            pixels = max(self.step / side, 1.0)
            number = int((length - 1) / pixels)
            axes.append((length - 1 - number * pixels) / 2 + pixels * np.arange(number + 1))
        # All combinations of them that lie on the body part.
        centres = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
        at = np.round(centres).astype(np.int64)
        return [(tuple(centre), self.radius) for centre in centres[inside[tuple(at.T)]].tolist()]


@dataclass(**STRICT)
class Blobs(Proposal):
    """Bright blobs, at the maxima of the negative Laplacian of Gaussian over place and scale.

    Responses are normalised by scale (Lindeberg, Int. J. Comput. Vision 30:79, 1998), peaks those
    of scikit-image.

    Attributes:
        radii: Least and greatest radius of a blob.
        scales: Radii tried, evenly in their logarithm.
        most: Places of an image, the strongest ones.
        apart: Smallest distance of two places, as a share of the greater radius.
        body: As of `Grid`.
    """

    radii: tuple[Millimetres, Millimetres]
    scales: OneOrMore
    most: OneOrMore
    apart: FromZero
    body: Body

    def places(self, image: Image, spacing: Spacing | None) -> Places:
        """Find the strongest blobs on the body part, the strongest first."""
        from skimage.feature import peak_local_max  # of projects alone, and long to import

        # Volumes have a spacing per axis; without one a pixel counts as 1 mm.
        values = grey_values(image)
        sides = np.array(spacing or (1.0,) * values.ndim)
        radii = np.geomspace(*self.radii, self.scales)
        # How strongly each place answers to a blob of each radius.
        responses = []
        for radius in radii:
            # A blob of this radius answers most to it; a narrower Gaussian is not sampled well.
            sigma = np.maximum(radius / sides / np.sqrt(values.ndim), 0.7)
            curved = [
                sigma[axis] ** 2 * ndimage.gaussian_filter(values, sigma, order=order)
                for axis, order in enumerate((2 * np.eye(values.ndim, dtype=int)).tolist())
            ]
            responses.append(-np.sum(curved, axis=0))
        # The strongest answers over places and radii.
        stack = np.stack(responses, axis=-1)
        stack[~body_part(values, self.body)] = 0
        peaks = peak_local_max(stack, min_distance=1, threshold_abs=0, exclude_border=False)
        order = np.argsort(-stack[tuple(peaks.T)], kind="stable")
        # From the strongest on: places that are apart from all chosen so far.
        chosen: list[Whole] = []
        for peak in peaks[order]:
            if len(chosen) == self.most:
                break
            are_apart = (
                np.linalg.norm((peak[:-1] - other[:-1]) * sides)
                >= self.apart * max(radii[peak[-1]], radii[other[-1]])
                for other in chosen
            )
            if all(are_apart):
                chosen.append(peak)
        return [(tuple(map(float, peak[:-1])), float(radii[peak[-1]])) for peak in chosen]


def propose(store: ImageStore, proposal: Proposal, compute: Compute = IN_PROCESS) -> pd.DataFrame:
    """Tabulate the places of all images, in the store's order.

    Args:
        store: Restored images.
        proposal: What proposes.
        compute: How much of the machine is used; places do not depend on it.
    """
    rows: list[tuple[str, tuple[float, ...], float]] = []
    if isinstance(proposal, NoProposal):
        return tabulate_places(rows)
    with Progress("Propose places", len(store)) as progress:
        for batch in compute.map(partial(_of_span, proposal), spans(store, _SPAN_VALUES)):
            rows += chain.from_iterable(batch)
            progress.advance(len(batch))
    return tabulate_places(rows)


def _of_span(proposal: Proposal, span: Span) -> list[list[tuple[str, tuple[float, ...], float]]]:
    """List the places of each image."""
    spacing = span.store().spacing
    return [
        [(case, *place) for place in proposal.places(image, spacing(case))] for case, image in span
    ]


@plain_dataclass(frozen=True)
class Ceiling:
    """What a proposal can reach at best.

    Attributes:
        proposal: `_target_` and options of the proposal.
        hit: Options of the hit rule.
        places: Places in an image, in the mean.
        lesions: Development lesions whose place is known.
        reached: How many of them any place reaches.
    """

    proposal: dict[str, Any]
    hit: dict[str, Any]
    places: float
    lesions: int
    reached: int


def measure_ceiling(
    places: pd.DataFrame,
    lesions: pd.DataFrame,
    store: ImageStore,
    proposal: Proposal,
    rule: HitRule,
) -> Ceiling:
    """Count the development lesions that the places of all images reach.

    No detector that judges these places can find more.

    Args:
        places: Proposed, of all images.
        lesions: Of development cases, as `MARKS` has them.
        store: Images, for their spacing.
        proposal: What proposed, for the record.
        rule: When a place reaches a lesion.
    """
    reached = rule.reached(places, lesions, read_spacing(store))
    mean = len(places) / max(len(store), 1)
    return Ceiling(composed(proposal), asdict(rule), mean, len(lesions), int(reached.sum()))


def check_grid(stored: ImageStore, restored: ImageStore, proposal: Proposal) -> None:
    """Refuse to search images that were restored to other sides: marks are in stored pixels.

    Raises:
        OptionError: An image has another shape than it was stored in.
    """
    if isinstance(proposal, NoProposal):
        return
    for case in stored.case_ids:
        before, after = stored.image(case).shape, restored.image(case).shape
        if before != after:
            raise refusal("finding.moved_pixels", before=before, after=after, case=case)
