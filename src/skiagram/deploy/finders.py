"""Marks of new images, as people read them: places in their files, ranked within each training."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from skiagram.fitting.contract import FittedFinder, split_score
from skiagram.fitting.deployment import Decision
from skiagram.image_store.store import ImageStore
from skiagram.readers.grid import VoxelGrid
from skiagram.records.places import of_cases


class FoundMark(NamedTuple):
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

    def stored(self, grid: VoxelGrid | None) -> tuple[float, float, float]:
        """Return slice (NaN in plane images), row and column in pixels as ingest stores them."""
        place = (np.nan if self.z is None else self.z, self.y, self.x)
        if grid is None:
            return place
        depth, row, column = grid.from_file(np.array([place]))[0].tolist()
        return depth, row, column


def list_marks(
    fits: Sequence[FittedFinder],
    marks: Mapping[int, pd.DataFrame],
    decisions: Sequence[Decision],
    images: ImageStore,
    grids: Mapping[str, VoxelGrid | None],
) -> dict[str, tuple[FoundMark, ...]]:
    """List the marks of images, the highest of each repeat first.

    Args:
        fits: A finder per repeat.
        marks: What they found, by repeat.
        grids: Image → its grid, of the images asked for; None of plane ones, and where nobody says.
    """
    # Marks of each repeat, the highest first, with the chance that its image is positive.
    by_case: dict[str, list[FoundMark]] = {case: [] for case in grids}
    for repeat, (fitted, decision) in enumerate(zip(fits, decisions, strict=True)):
        ranked = marks[repeat].sort_values("score", ascending=False, kind="stable")
        scores = split_score(ranked["score"].to_numpy(dtype=np.float64), fitted.positive)
        probability = decision.calibration.probabilities(scores)[:, fitted.positive]
        ranked = ranked.assign(image_probability=probability)
        for case, rows in of_cases(ranked).items():
            grid, spacing = grids[case], images.spacing(case)
            row: Any
            for number, row in enumerate(ranked.iloc[rows].itertuples(index=False), start=1):
                depth = None if np.isnan(row.slice) else float(row.slice)
                down, across = (None, None) if spacing is None else spacing[-2:]
                mark = FoundMark(
                    repeat,
                    number,
                    x=row.column,
                    y=row.row,
                    z=depth,
                    x_mm=None if across is None else row.column * across,
                    y_mm=None if down is None else row.row * down,
                    z_mm=None if depth is None or spacing is None else depth * spacing[0],
                    radius=row.radius,
                    score=row.score,
                    image_probability=row.image_probability,
                )
                # Places in pixels of the file, as the user sees them.
                if grid is not None:
                    place = np.array([(row.slice, row.row, row.column)], dtype=np.float64)
                    z, y, x = grid.to_file(place)[0].tolist()
                    x_mm, y_mm, z_mm = grid.positions(place)[0].tolist()
                    mark = mark._replace(x=x, y=y, z=z, x_mm=x_mm, y_mm=y_mm, z_mm=z_mm)
                by_case[case].append(mark)
    return {case: tuple(marks_of_case) for case, marks_of_case in by_case.items()}
