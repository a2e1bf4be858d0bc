"""Lesions searched for: from tables of marks to FROC, JAFROC's figure of merit and a comparison.

Positive images without a known place are left out: whether a mark on them hits cannot be told. So
are images with a near duplicate among the development cases.

No marks have a higher FROC curve than the ideal observer's, by the hit rules for which
`datasets.phantom.finding` proves it. No figure of merit is above the AUC of that observer's scores
of whole images: a lesion's rating is at most the highest of its image, on a normal image all marks
are false, and the highest ratings are a score of images, whose AUC is at most the ideal observer's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.evaluation.arm_selection import (
    MeasuredModel,
    SelectedArm,
    choose_within_folds,
    select_arms,
)
from skiagram.evaluation.evaluation_record import FindingEvaluation
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.options import EvaluationOptions
from skiagram.evaluation.results import Band, Curve, FinderResult
from skiagram.evaluation.scores import Scores
from skiagram.finding.candidates import Ceiling
from skiagram.finding.marks import FALSE, HitRule, Spacings, positions, read_spacing
from skiagram.image_store.store import ImageStore
from skiagram.records import IDEAL_MARKS, MARKS, Task, read_record, read_table
from skiagram.statistics.bootstrap import (
    LEVELS,
    PatientDraws,
    bootstrap_difference,
    bootstrap_estimate,
    draw_patients,
)
from skiagram.statistics.delong import (
    auc_estimate,
    combination,
    difference_estimate,
    has_leaked,
)
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.froc import (
    RATES,
    FreeResponse,
    Ratings,
    difference_found,
    ratio_found,
)
from skiagram.statistics.proportions import wilson_interval
from skiagram.statistics.significance import relate_to_margin
from skiagram.statistics.variation import effective_patients

Floats = NDArray[np.float64]
_DRAWN = 2.0 ** (np.arange(-24, 25) / 8)  # false marks per image, 1/8 to 8
_ALL = np.array([np.inf])


@dataclass(frozen=True)
class FindingTables:
    """What finders left, and where the lesions are.

    Attributes:
        lesions: Places of the reported cases' lesions, with `radius`.
        marks: Model → its marks: `part`, `repeat`, `fold`, place, `radius`, `score`.
        spacing: Case → distances of its pixels.
        ceiling: Share of the development lesions that proposed places reach; None without any.
        ideal: Marks of the ideal observer of generated data, with `score`; else None.
    """

    lesions: pd.DataFrame
    marks: Mapping[str, pd.DataFrame]
    spacing: Spacings
    ceiling: float | None = None
    ideal: pd.DataFrame | None = None


def read_finding(root: Path, score_folders: Sequence[Path], task: Task) -> FindingTables | None:
    """Read what finders left; None where no model left marks."""
    marks = {
        folder.name: read_table(folder / MARKS)
        for folder in score_folders
        if (folder / MARKS).exists()
    }
    if not marks:
        return None
    sealed = root / "data/sealed"
    known = read_record(Ceiling, root / "data/candidates/proposal.json")
    ideal = sealed / IDEAL_MARKS
    return FindingTables(
        lesions=read_table((sealed if task.design == "holdout" else root / "data/cases") / MARKS),
        marks=marks,
        spacing=read_spacing(ImageStore(root / "data/images")),
        ceiling=known.reached / known.lesions if known.places and known.lesions else None,
        ideal=read_table(ideal) if ideal.exists() else None,
    )


def evaluate_finding(
    tables: FindingTables,
    models: Sequence[MeasuredModel],
    setting: EvaluationSet,
    options: EvaluationOptions,
) -> FindingEvaluation | None:
    """Measure every finder, and compare what stands for the arms; None without a known lesion."""
    search = _Search.of(tables, setting, options.hit, options.replicates)
    finders = [model for model in models if model.compared and model.name in tables.marks]
    if search is None or not finders:
        return None
    responses = {
        model.name: search.respond(tables.marks[model.name], model.compared.scores)
        for model in finders
        if model.compared
    }
    results = tuple(search.measure(name, *found) for name, found in responses.items())
    arms, contender = select_arms(finders, setting, options.analyses.simple_rules, options.deep_arm)
    standing = {
        arm: search.respond(_marks_of(arms[arm], finders, tables.marks, setting), own.scores)
        for arm in (contender, "classical")
        if arm in arms and (own := arms[arm].compared)
    }
    evaluation = FindingEvaluation(
        rule=options.hit,
        unit=search.unit,
        variant=search.variant,
        lesions=len(search.lesions),
        images=int(search.kept.sum()),
        normal=search.normal,
        unplaced=search.unplaced,
        near_duplicates=int((~search.kept).sum()) - search.unplaced,
        ceiling=tables.ceiling,
        finders=results,
        arms={arm: search.measure(arms[arm].choice.model, *of) for arm, of in standing.items()},
        chosen={arm: dict(arms[arm].choice.chosen) for arm in standing},
        contender=contender,
        ideal=search.measure("ideal", *search.ideal) if search.ideal else None,
    )
    if len(standing) < 2:
        return evaluation
    one, other = standing[contender][0], standing["classical"][0]
    pair = [each.merit(against_all=not search.normal) for each in (one, other)]
    difference = difference_estimate(*pair)
    variation = combination([(1.0, pair[0]), (-1.0, pair[1])]).variation
    return replace(
        evaluation,
        difference=difference,
        sensitivity_difference=bootstrap_difference(
            difference_found(one, other, RATES), search.draws
        ),
        p=None if difference.value is None else variation.p(difference.value),
        relation=relate_to_margin(difference, options.margin),
    )


def _marks_of(
    arm: SelectedArm,
    finders: Sequence[MeasuredModel],
    marks: Mapping[str, pd.DataFrame],
    setting: EvaluationSet,
) -> pd.DataFrame:
    """Return the marks of what stands for an arm: in each fold those of the model chosen there."""
    if arm.mixture is None:
        return marks[arm.choice.model]
    members = [model.scores for model in finders if model.name in arm.choice.chosen]
    parts = []
    for (repeat, fold), name in choose_within_folds(members, setting.development).items():
        own = marks[name]
        parts.append(own[(own["repeat"] == repeat) & (own["fold"] == fold)])
    return pd.concat(parts, ignore_index=True)


_Found = tuple[FreeResponse, Floats]  # and the distance of each hit


@dataclass(frozen=True)
class _Search:
    """The reported images, their lesions and how marks on them are judged."""

    kept: NDArray[np.bool_]
    image: dict[str, int]
    lesions: pd.DataFrame
    lesion_image: NDArray[np.int64]
    patient: NDArray[np.int64]
    normal: int
    draws: PatientDraws
    hit: HitRule
    spacing: Spacings
    unit: Literal["mm", "pixels"]
    part: str
    unplaced: int
    ideal: _Found | None = None
    bound: FreeResponse | None = None

    @property
    def variant(self) -> Literal["JAFROC", "JAFROC1"]:
        return "JAFROC" if self.normal else "JAFROC1"

    @classmethod
    def of(
        cls, tables: FindingTables, setting: EvaluationSet, hit: HitRule, replicates: int
    ) -> "_Search | None":
        cases = setting.cases
        placed = np.isin(cases.case_id, tables.lesions["case_id"].to_numpy(dtype=str))
        judged = placed | (cases.label != cases.positive)
        kept = judged & ~setting.has_near_duplicate
        image = {case: k for k, case in enumerate(cases.case_id[kept].tolist())}
        own = tables.lesions["case_id"].isin(list(image))
        lesions = tables.lesions[own].reset_index(drop=True)
        if lesions.empty:
            return None
        patient = np.unique(cases.patient[kept], return_inverse=True)[1].astype(np.int64)
        lesion_image = lesions["case_id"].map(image).to_numpy(dtype=np.int64)
        normal = int((~placed[kept]).sum())
        abnormal = len(np.unique(patient[placed[kept]]))
        degrees = max(1.0, effective_patients(patient[lesion_image]) - 1)
        known = {tables.spacing[case] is not None for case in image}
        search = cls(
            kept=kept,
            image=image,
            lesions=lesions,
            lesion_image=lesion_image,
            patient=patient,
            normal=normal,
            draws=draw_patients(patient, abnormal, replicates, setting.seed, degrees),
            hit=hit,
            spacing=tables.spacing,
            unit="mm" if known == {True} else "pixels",
            part=setting.part,
            unplaced=int((~judged).sum()),
        )
        limited = hit.rule == "distance" and hit.minimum <= lesions["radius"].min()
        if tables.ideal is None or setting.ideal is None or not normal or not limited:
            return search
        marks = tables.ideal[tables.ideal["case_id"].isin(list(image))].assign(repeat=0)
        ratings, distance = search.rate(marks.reset_index(drop=True))
        score = setting.ideal[kept]
        others = np.flatnonzero(~placed[kept])
        whole = Ratings(score[lesion_image], lesion_image, score[others], others)
        return replace(
            search,
            ideal=(FreeResponse((ratings,), patient), distance),
            bound=FreeResponse((whole,), patient),
        )

    def rate(self, marks: pd.DataFrame) -> tuple[Ratings, Floats]:
        """Return the ratings of one repeat, and the distance of each hit."""
        matched = self.hit.match(marks, self.lesions, self.spacing)
        score = marks["score"].to_numpy(dtype=np.float64)
        image = marks["case_id"].map(self.image).to_numpy(dtype=np.int64)
        hits, false = np.flatnonzero(matched >= 0), matched == FALSE
        rating = np.full(len(self.lesions), -np.inf)
        rating[matched[hits]] = score[hits]
        apart = positions(marks.iloc[hits], self.spacing) - positions(
            self.lesions.iloc[matched[hits]], self.spacing
        )
        ratings = Ratings(rating, self.lesion_image, score[false], image[false])
        return ratings, np.linalg.norm(apart, axis=1)

    def respond(self, marks: pd.DataFrame, scores: Scores) -> _Found:
        """Return a finder's marks on these images, repeat after repeat."""
        own = marks[(marks["part"] == self.part) & marks["case_id"].isin(list(self.image))]
        repeats = sorted(own["repeat"].unique().tolist())
        missing = len(scores.probability) - len(repeats)  # repeats without any mark
        rated = [
            self.rate(own[own["repeat"] == repeat].reset_index(drop=True))
            for repeat in [*repeats, *[-1] * missing]
        ]
        fit = None if scores.fit is None else scores.fit[:, self.kept]
        response = FreeResponse(
            tuple(ratings for ratings, _ in rated), self.patient, fit, scores.folds
        )
        return response, np.concatenate([distance for _, distance in rated])

    def measure(self, name: str, response: FreeResponse, distance: Floats) -> FinderResult:
        """Return the figures of one finder."""
        drawn = np.concatenate(
            [response.sensitivities(_DRAWN, weights) for weights in self.draws.weights()]
        )
        drawn = drawn[np.isfinite(drawn).all(axis=1)]
        curve = response.sensitivities(_DRAWN, np.ones((1, len(self.patient))))[0]
        band = None
        if len(drawn):
            low, high = np.quantile(drawn, LEVELS, axis=0)
            band = Band(tuple(_DRAWN.tolist()), tuple(low.tolist()), tuple(high.tolist()))
        result = FinderResult(
            model=name,
            merit=auc_estimate(response.merit(against_all=not self.normal)),
            sensitivity=self._sensitivities(response, normal=False),
            sensitivity_normal=self._sensitivities(response, normal=True) if self.normal else {},
            mean_sensitivity=self._estimate(response, RATES),
            froc=Curve(tuple(_DRAWN.tolist()), tuple(curve.tolist())),
            froc_band=band,
            found=self._estimate(response, _ALL),
            distance=tuple(np.quantile(distance, (0.5, 0.9)).tolist()) if len(distance) else (),
        )
        return self._against_ideal(result, response)

    def _sensitivities(self, response: FreeResponse, *, normal: bool) -> dict[str, Estimate]:
        return {
            f"{rate:g}": self._estimate(response, RATES[k : k + 1], normal=normal)
            for k, rate in enumerate(RATES.tolist())
        }

    def _estimate(self, response: FreeResponse, rates: Floats, *, normal: bool = False) -> Estimate:
        share = bootstrap_estimate(
            response.share_found(rates, normal=normal), self.draws, kind="percentile"
        )
        if share.value in (0.0, 1.0):  # where resamples vary, their percentiles are too near
            low, high = wilson_interval(share.value, self.draws.smallest_class)
            return Estimate(share.value, low, high, "Wilson on the patients with lesions")
        return share

    def _against_ideal(self, result: FinderResult, response: FreeResponse) -> FinderResult:
        """Add what the ideal observer says, held against it in the same pairs."""
        if self.ideal is None or self.bound is None:
            return result
        if result.model == "ideal":
            return replace(result, merit=auc_estimate(self.bound.merit()))
        ideal, bound = (
            replace(
                each,
                repeats=each.repeats * len(response.repeats),
                fit=response.fit,
                folds=response.folds,
            )
            for each in (self.ideal[0], self.bound)
        )
        above = difference_estimate(response.merit(), bound.merit())
        more = bootstrap_difference(difference_found(response, ideal, RATES), self.draws)
        return replace(
            result,
            efficiency=bootstrap_estimate(
                ratio_found(response, ideal, RATES), self.draws, share=False, kind="percentile"
            ),
            merit_above=above,
            sensitivity_above=more,
            leaked=has_leaked(above) or has_leaked(more),
        )
