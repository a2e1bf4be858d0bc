"""Images that were searched: which marks on them hit, and how a finder ranks lesions and others."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from skiagram.arrays import Flags, Floats, Whole
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.finding.marks import FALSE, HitRule, Spacings, positions
from skiagram.statistics.froc import FreeResponse, Ratings


@dataclass(frozen=True)
class JudgedImages:
    """Images without a lesion, and those whose lesions have a known place.

    On other images nobody can tell whether a mark hits.

    Attributes:
        kept: (n,) marks these images among the cases that they are of.
        image: Case → number of its image, from 0.
        lesions: Their lesions, at least one, with `radius`.
        lesion_image: (l,) image of each.
        patient: (images,) numbered from 0.
        placed: (images,) whether it has a lesion.
        unplaced: Number of images left out as the places of their lesions are not known.
    """

    kept: Flags
    image: dict[str, int]
    lesions: pd.DataFrame
    lesion_image: Whole
    patient: Whole
    placed: Flags
    unplaced: int
    hit: HitRule
    spacing: Spacings

    @classmethod
    def among(
        cls,
        cases: LabelledCases,
        lesions: pd.DataFrame,
        hit: HitRule,
        spacing: Spacings,
        left_out: Flags | None = None,
    ) -> "JudgedImages | None":
        """Return those of some cases; None without a lesion whose place is known.

        Args:
            left_out: (n,) marks cases that do not count for another reason.
        """
        # Judged are cases whose lesion has a place, and those without the condition.
        placed = np.isin(cases.case_id, lesions["case_id"].to_numpy(dtype=str))
        judged = placed | (cases.label != cases.positive)
        is_kept = judged if left_out is None else judged & ~left_out
        image = {case: k for k, case in enumerate(cases.case_id[is_kept].tolist())}
        in_images = lesions[lesions["case_id"].isin(list(image))].reset_index(drop=True)
        if in_images.empty:
            return None
        return cls(
            kept=is_kept,
            image=image,
            lesions=in_images,
            lesion_image=in_images["case_id"].map(image).to_numpy(dtype=np.int64),
            patient=np.unique(cases.patient[is_kept], return_inverse=True)[1].astype(np.int64),
            placed=placed[is_kept],
            unplaced=int((~judged).sum()),
            hit=hit,
            spacing=spacing,
        )

    def rate(self, marks: pd.DataFrame) -> tuple[Ratings, Floats]:
        """Return the ratings of the marks of one repeat, and the distance of each hit.

        Args:
            marks: Those on other images count for nothing.
        """
        in_images = marks[marks["case_id"].isin(list(self.image))].reset_index(drop=True)
        matched = self.hit.match(in_images, self.lesions, self.spacing)
        score = in_images["score"].to_numpy(dtype=np.float64)
        image = in_images["case_id"].map(self.image).to_numpy(dtype=np.int64)
        hits, false = np.flatnonzero(matched >= 0), matched == FALSE
        rating = np.full(len(self.lesions), -np.inf)
        rating[matched[hits]] = score[hits]
        apart = positions(in_images.iloc[hits], self.spacing) - positions(
            self.lesions.iloc[matched[hits]], self.spacing
        )
        ratings = Ratings(rating, self.lesion_image, score[false], image[false])
        return ratings, np.linalg.norm(apart, axis=1)

    def respond(
        self, marks: pd.DataFrame, repeats: int, fit: Whole | None, folds: int
    ) -> tuple[FreeResponse, Floats]:
        """Return a finder's marks repeat after repeat, and the distance of each hit.

        Args:
            marks: With `repeat`, from 0; a repeat may have none.
            fit: (repeats, n) the fit that marked each of the n cases; None where one marked all.
            folds: Fits of each repeat, whose training sets overlap; 0 where one fit marked all.
        """
        rated = [self.rate(marks[marks["repeat"] == repeat]) for repeat in range(repeats)]
        response = FreeResponse(
            tuple(ratings for ratings, _ in rated),
            self.patient,
            None if fit is None else fit[:, self.kept],
            folds,
        )
        return response, np.concatenate([distance for _, distance in rated])
