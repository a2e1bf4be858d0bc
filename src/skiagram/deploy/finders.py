"""Finders of deployment: marks of restored images, and the scores that follow from them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.datasets.volumes.grid import Grid
from skiagram.deploy.inputs import PreparedImages
from skiagram.deploy.scorers import WHOLE, Scorer, image_families, own
from skiagram.errors import DataError
from skiagram.features.table import FeatureTable
from skiagram.features.windows import Windows, describe_places
from skiagram.finding.candidates import Proposal, propose
from skiagram.finding.inputs import FindingInputs
from skiagram.finding.marks import read_spacing
from skiagram.image_store.shards import Spacing
from skiagram.image_store.store import ImageStore
from skiagram.models.classical.finder import CandidateFinder
from skiagram.models.contract import FittedFinder
from skiagram.models.deployment import DEPLOYMENT, Decision, Deployment, Familiarity
from skiagram.models.fits import finite
from skiagram.models.reading import image_traits
from skiagram.options import check
from skiagram.preparation import PREPARATION, Preparation
from skiagram.records import of_cases, tabulate_places

Describe = Callable[[ImageStore, pd.DataFrame], FeatureTable]
_BATCH = 8  # images


class Mark(NamedTuple):
    """A place that a finder marks.

    Attributes:
        repeat: Training that marked it, counted from 0.
        mark: Its rank in the image by score, from 1.
        x: Pixels counted from 0, as y and z: of plane images as ingest stores them, of volumes as
            their files count voxels.
        z: None in plane images.
        x_mm: As y_mm and z_mm in the patient's coordinates where a volume has them; else from the
            centre of the first pixel; None where the spacing is unknown.
        radius: In mm, in pixels where the spacing is unknown.
        score: Comparable within one training alone.
        image_probability: Calibrated, of an image whose score were this mark's.
    """

    repeat: int
    mark: int
    x: float
    y: float
    z: float | None
    x_mm: float | None
    y_mm: float | None
    z_mm: float | None
    radius: float
    score: float
    image_probability: float

    def stored(self, grid: Grid | None) -> tuple[float, float, float]:
        """Return slice (NaN in plane images), row and column in pixels as ingest stores them."""
        place = (np.nan if self.z is None else self.z, self.y, self.x)
        if grid is None:
            return place
        depth, row, column = grid.from_file(np.array([place]))[0].tolist()
        return depth, row, column

    def of_file(self, grid: Grid | None) -> "Mark":
        """Return a mark, whose place is that of the stored pixels, as its volume's file has it."""
        if grid is None:
            return self
        place = np.array([(self.z, self.y, self.x)], dtype=np.float64)
        z, y, x = grid.to_file(place)[0].tolist()
        x_mm, y_mm, z_mm = grid.positions(place)[0].tolist()
        return self._replace(x=x, y=y, z=z, x_mm=x_mm, y_mm=y_mm, z_mm=z_mm)


@dataclass(frozen=True, kw_only=True)
class Finders(Scorer):
    """Trained finders of all repeats.

    Attributes:
        proposal: Where they look; None for finders that search whole images.
        describe: What they read of each place; None for networks.
    """

    fitted: Sequence[FittedFinder]
    proposal: Proposal | None
    describe: Describe | None

    def _space(self, prepared: PreparedImages) -> FeatureTable:
        """Return plain traits of the images."""
        return image_traits([prepared.images]).select(np.arange(len(prepared.covariates)))

    def scores(self, prepared: PreparedImages) -> list[NDArray[np.float64]]:
        """Mark all images and score them by their marks: (n, 2) per repeat."""
        images = prepared.images
        places = tabulate_places([]) if self.proposal is None else propose(images, self.proposal)
        inputs = FindingInputs(
            case_id=np.array(images.case_ids[: len(prepared.covariates)]),
            images=images,
            candidates=places,
            features=None if self.describe is None else self.describe(images, places),
            marks=tabulate_places([]),
            spacing=read_spacing(images),
            partner=prepared.partner,
        )
        prepared.marks[:] = [fitted.find(inputs) for fitted in self.fitted]
        pairs = zip(self.fitted, prepared.marks, strict=True)
        return [finite(fitted.scores_of(marks, inputs.case_id)) for fitted, marks in pairs]

    def list_marks(
        self, prepared: PreparedImages, decisions: Sequence[Decision], grids: Sequence[Grid | None]
    ) -> list[tuple[Mark, ...]]:
        """Return the marks of each image that was scored, the highest of each repeat first.

        Args:
            grids: Of these images; None of plane ones, and where nobody says.
        """
        found: dict[str, list[Mark]] = {case: [] for case in prepared.images.case_ids}
        fits = zip(self.fitted, prepared.marks, decisions, strict=True)
        for repeat, (fitted, marks, decision) in enumerate(fits):
            ranked = marks.sort_values("score", ascending=False, kind="stable")
            scores = fitted.of_classes(ranked["score"].to_numpy(dtype=np.float64))
            probability = decision.calibration.probabilities(scores)[:, fitted.positive]
            ranked = ranked.assign(image_probability=probability)
            for case, rows in of_cases(ranked).items():
                spacing = prepared.images.spacing(case)
                for number, row in enumerate(ranked.iloc[rows].itertuples(index=False), start=1):
                    found[case].append(_mark(repeat, number, row, spacing))
        return [
            tuple(mark.of_file(grid) for mark in found[case])
            for case, grid in zip(prepared.images.case_ids, grids, strict=False)
        ]


def _mark(repeat: int, number: int, row: Any, spacing: Spacing | None) -> Mark:
    z = None if np.isnan(row.slice) else float(row.slice)
    down, across = (None, None) if spacing is None else spacing[-2:]
    return Mark(
        repeat,
        number,
        x=row.column,
        y=row.row,
        z=z,
        x_mm=None if across is None else row.column * across,
        y_mm=None if down is None else row.row * down,
        z_mm=None if z is None or spacing is None else z * spacing[0],
        radius=row.radius,
        score=row.score,
        image_probability=row.image_probability,
    )


def load_finders(
    folder: Path,
    repeats: Sequence[Path],
    deployment: Deployment,
    preparation: Preparation,
    familiarity: Familiarity | None = None,
) -> Finders:
    """Load the finders of all repeats; torch is imported for networks and encoders alone."""
    fitted: list[FittedFinder]
    describe: Describe | None = None
    if deployment.arm == "deep":
        from skiagram.deploy.network import load_finding_networks

        fitted, looks = load_finding_networks(repeats)
    else:
        looks, path = True, folder / DEPLOYMENT
        options = deployment.options
        options = options["head"] if deployment.arm == "encoder" else options
        finder = own(options, "skiagram.models.classical", "load", path)
        if not isinstance(finder, CandidateFinder):
            raise DataError("is no finder", where=str(path), remedy=WHOLE)
        own(finder.classifier, "skiagram.models.classical", "load", path)
        fitted = [finder.load(repeat) for repeat in repeats]
        describe = _description(folder, deployment, preparation)
    proposal = None
    if looks:
        path = folder / PREPARATION
        if preparation.proposal is None:
            raise DataError("does not say where the finder looks", where=str(path), remedy=WHOLE)
        proposal = own(preparation.proposal, "skiagram.finding", "places", path)
    return Finders(
        familiarity=familiarity,
        batch=_BATCH,
        in_threads=deployment.arm == "classical",
        reads_other=any(one.reads_other for one in fitted),
        fitted=fitted,
        proposal=proposal,
        describe=describe,
    )


def _description(folder: Path, deployment: Deployment, preparation: Preparation) -> Describe:
    """Return what makes features of places: of windows, or an encoder's of them."""
    windows = check(Windows, preparation.windows or {}, f"{folder / PREPARATION}: windows")
    if deployment.arm != "encoder":
        families = image_families(preparation, folder)
        return partial(describe_places, families=families, windows=windows)
    from skiagram.encoders.encoding import encode_windows, encoder_in

    encode = encoder_in(folder, preparation.images)
    return partial(encode_windows, windows=windows, encode=encode)
