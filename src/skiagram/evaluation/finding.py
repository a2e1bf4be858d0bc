"""Lesions searched for: from tables of marks to FROC, JAFROC's figure of merit and a comparison.

Positive images without a known place are left out: whether a mark on them hits cannot be told. So
are images with a near duplicate among the development cases.

No marks have a higher FROC curve than the ideal observer's, by the hit rules for which
`sources.phantom.finding` proves it. No figure of merit is above the AUC of that observer's scores
of whole images: a lesion's rating is at most the highest of its image, on a normal image all marks
are false, and the highest ratings are a score of images, whose AUC is at most the ideal observer's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from skiagram.arrays import Floats
from skiagram.evaluation.arm_selection import (
    MeasuredRun,
    SelectedArm,
    SelectionFigures,
    mean_of_finite,
    select_arms,
)
from skiagram.evaluation.comparisons import correct_over_arms
from skiagram.evaluation.evaluation_record import (
    FINDING,
    FINDING_BASELINES,
    IDEAL_OBSERVER,
    MEAN_SENSITIVITY,
    MERIT,
    VERSUS_CHANCE,
    FindingEvaluation,
)
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.figure_table import FigureRow, FigureTable, make_row
from skiagram.evaluation.finder_selection import measure_for_selection
from skiagram.evaluation.judged_images import JudgedImages
from skiagram.evaluation.results import (
    FINDERS,
    STANDING_FINDERS,
    Band,
    Curve,
    FinderResult,
    Named,
)
from skiagram.finding.marks import HitRule, Spacings
from skiagram.statistics.bootstrap import (
    LEVELS,
    NO_LIMITS,
    PatientDraws,
    bootstrap_difference,
    bootstrap_estimate,
    draw_patients,
)
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.froc import (
    MOST_LESIONS,
    RATES,
    FreeResponse,
    Ratings,
    compare_found,
)
from skiagram.statistics.linearised import Linearised
from skiagram.statistics.variation import effective_patients
from skiagram.tasks.scored_cases import ScoredCases

_DRAWN = 2.0 ** (np.arange(-24, 25) / 8)  # false marks per image, 1/8 to 8


@dataclass(frozen=True)
class FindingTables:
    """Where the lesions are that finders look for.

    Attributes:
        lesions: Places of the reported cases' lesions, with `radius`.
        known: Those of the development cases; under `cv` the same.
        spacing: Case → distances of its pixels.
        ceiling: Share of the development lesions that proposed places reach; None without any.
        ideal: Marks of the ideal observer of generated data, with `score`; else None.
    """

    lesions: pd.DataFrame
    known: pd.DataFrame
    spacing: Spacings
    ceiling: float | None = None
    ideal: pd.DataFrame | None = None


def evaluate_finding(
    tables: FindingTables, run: MeasuredRun
) -> tuple[FindingEvaluation | None, tuple[FigureRow, ...], list[SelectedArm]]:
    """Measure every finder, and compare what stands for the arms; nothing without a known lesion.

    Returns:
        The record of finding, the rows of further analyses of the same marks, and what stands for
        arms in finding alone.
    """
    found = find_finders(tables, run)
    if found is None:
        return None, (), []
    search, contender = found.search, found.contender
    standing = {arm: found.arms[arm] for arm in (contender, "classical") if arm in found.arms}
    responses = {name: response for name, (response, _) in found.finders.items()}
    # The ideal observer of generated data is one more finder.
    if search.ideal:
        responses[IDEAL_OBSERVER] = search.ideal[0]
    arm_responses = {arm: response for arm, (_, (response, _)) in standing.items()}
    rows = search.compare(responses, arm_responses, contender, run.options.analyses.simple_rules)
    # Without a spacing for every image, distances are in pixels.
    judged = search.judged
    unknown = any(judged.spacing[case] is None for case in judged.image)
    evaluation = FindingEvaluation(
        rule=run.options.hit,
        unit="pixels" if unknown else "mm",
        variant="JAFROC" if search.normal else "JAFROC1",
        lesions=len(judged.lesions),
        images=len(judged.image),
        normal=search.normal,
        unplaced=judged.unplaced,
        near_duplicates=int((~judged.kept).sum()) - judged.unplaced,
        ceiling=tables.ceiling,
        finders=tuple(
            search.measure(
                name, *of, selection_sensitivity=mean_of_finite(found.chosen_by[name].values())
            )
            for name, of in found.finders.items()
        ),
        arms={
            arm: search.measure(selected.choice.model, *of, arm=arm)
            for arm, (selected, of) in standing.items()
        },
        chosen={arm: dict(selected.choice.chosen) for arm, (selected, _) in standing.items()},
        contender=contender,
        ideal=search.measure(IDEAL_OBSERVER, *search.ideal) if search.ideal else None,
    )
    names = {model.name for model in run.mixtures}
    own = [each for each, _ in standing.values() if each.choice.model not in names]
    return evaluation, rows, own


Found = tuple[FreeResponse, Floats]  # and the distance of each hit


@dataclass(frozen=True)
class MeasuredFinders:
    """The finders of a run on the reported images, and what stands for each arm of them.

    Attributes:
        finders: Model → its marks there.
        chosen_by: Model → what it may be chosen by: the lesions of development cases that it finds,
            never the AUC of images.
        arms: Arm → what was chosen for it, and its marks: in each fold those of the model that was
            chosen there.
    """

    search: "FindingSearch"
    finders: Mapping[str, Found]
    chosen_by: Mapping[str, SelectionFigures]
    arms: Mapping[str, tuple[SelectedArm, Found]]
    contender: str


def find_finders(tables: FindingTables, run: MeasuredRun) -> MeasuredFinders | None:
    """Measure the models that left marks, and choose among them; None without such or a lesion."""
    setting, options = run.setting, run.options
    search = FindingSearch.of(tables, setting, options.hit, options.replicates)
    marks = {
        model.name: model.predictions.marks
        for model in run.models
        if model.compared and model.predictions.marks is not None
    }
    if search is None or not marks:
        return None
    # Each finder on the reported cases, and on development cases what it may be chosen by.
    models = [model for model in run.models if model.name in marks]
    compared = run.compared
    finders = {name: search.respond(each, compared[name].scored) for name, each in marks.items()}
    chosen_by = {
        model.name: measure_for_selection(
            model.predictions, marks[model.name], tables.known, setting, options.hit, tables.spacing
        )
        for model in models
    }
    selected, contender = select_arms(models, chosen_by, setting, options)
    # What stands for an arm has the marks of one model, or of each fold's own.
    arms = {}
    for arm, chosen in selected.items():
        # Folds that choose the same by images have one mixture, others one of its own.
        of_images = run.arms.get(arm)
        is_same = of_images is not None and of_images.of_folds == chosen.of_folds
        each = chosen if is_same else chosen.called("in finding")
        parts = [
            marks[name][(marks[name]["repeat"] == repeat) & (marks[name]["fold"] == fold)]
            for (repeat, fold), name in each.of_folds.items()
        ]
        if each.mixture is None:
            standing = marks[each.choice.model]
        else:
            standing = pd.concat(parts, ignore_index=True)
        arms[arm] = each, search.respond(standing, each.compared.scored)
    return MeasuredFinders(search, finders, chosen_by, arms, contender)


@dataclass(frozen=True)
class FindingSearch:
    """The reported images, resamples of their patients and the limits of generated data."""

    judged: JudgedImages
    draws: PatientDraws
    part: str
    ideal: Found | None = None
    bound: FreeResponse | None = None

    @property
    def normal(self) -> int:
        return int((~self.judged.placed).sum())

    @classmethod
    def of(
        cls, tables: FindingTables, setting: EvaluationSet, hit: HitRule, replicates: int
    ) -> "FindingSearch | None":
        repeated = setting.has_near_duplicate
        judged = JudgedImages.among(setting.cases, tables.lesions, hit, tables.spacing, repeated)
        if judged is None:
            return None
        # Patients with a lesion bound the resampling.
        patient, placed, lesion_image = judged.patient, judged.placed, judged.lesion_image
        abnormal = len(np.unique(patient[placed]))
        degrees = max(1.0, effective_patients(patient[lesion_image]) - 1)
        draws = draw_patients(patient, abnormal, replicates, setting.seed, degrees)
        search = cls(judged, draws, setting.task.part)
        limited = hit.rule == "distance" and hit.minimum <= judged.lesions["radius"].min()
        # The ideal observer needs a lesion in some images only and a hit by a limited distance.
        if tables.ideal is None or setting.ideal is None or placed.all() or not limited:
            return search
        ratings, distance = judged.rate(tables.ideal)
        score = setting.ideal[judged.kept]
        # The bound: each lesion with the score of its whole image.
        others = np.flatnonzero(~placed)
        whole = Ratings(score[lesion_image], lesion_image, score[others], others)
        return replace(
            search,
            ideal=(FreeResponse((ratings,), patient), distance),
            bound=FreeResponse((whole,), patient),
        )

    def respond(self, marks: pd.DataFrame, scores: ScoredCases) -> Found:
        """Judge a finder's marks on these images, repeat after repeat.

        Args:
            marks: Of all parts, as training left them.
            scores: Of the same model, whose fits tell which marks share a scale.
        """
        reported = marks[marks["part"] == self.part]
        fit = None if scores.has_one_fit else scores.fit
        return self.judged.respond(reported, scores.repeats, fit, scores.folds)

    def measure(
        self,
        name: str,
        response: FreeResponse,
        distance: Floats,
        *,
        arm: str = "",
        selection_sensitivity: float | None = None,
    ) -> FinderResult:
        """Return the figures of one finder.

        Args:
            arm: Which one it stands for; then the rows are of that.
            selection_sensitivity: Its mean sensitivity on development cases, which chose it.
        """
        # The free-response curve, and its band over resamples.
        drawn = np.concatenate(
            [response.sensitivities(_DRAWN, weights) for weights in self.draws.weights()]
        )
        drawn = drawn[np.isfinite(drawn).all(axis=1)]
        curve = response.sensitivities(_DRAWN, np.ones((1, len(response.patient))))[0]
        band = None
        if len(drawn):
            low, high = np.quantile(drawn, LEVELS, axis=0)
            band = Band(tuple(_DRAWN.tolist()), tuple(low.tolist()), tuple(high.tolist()))
        # The figures as rows of the table.
        row = partial(make_row, analysis=STANDING_FINDERS if arm else FINDERS, model=arm or name)
        figures = self._list_figures(response, is_ideal=name == IDEAL_OBSERVER)
        rows = [row(value, figure=figure, group=group) for figure, group, value in figures]
        # How far hits lie from the lesions that they find.
        if len(distance):
            parts = zip(("median", "90 %"), np.quantile(distance, (0.5, 0.9)).tolist(), strict=True)
            rows += [row(value, figure="distance", group=part) for part, value in parts]
        if selection_sensitivity is not None:
            rows.append(row(selection_sensitivity, figure="selection_sensitivity"))
        return FinderResult(
            model=name,
            figures=FigureTable(tuple(rows)),
            froc=Curve(tuple(_DRAWN.tolist()), tuple(curve.tolist())),
            froc_band=band,
        )

    def _list_figures(self, response: FreeResponse, *, is_ideal: bool) -> Iterator[Named]:
        merit = self.bound.merit() if is_ideal and self.bound else self.merit(response)
        # The figures of free response.
        yield MERIT, "", merit.estimate()
        yield MEAN_SENSITIVITY, "", self.mean_sensitivity(response)
        for figure, normal in (("sensitivity", False), ("sensitivity_normal", True)):
            for rate in RATES if self.normal or not normal else ():
                yield figure, f"{rate:g}", self._estimate(response, rate[None], normal=normal)
        # What is found at any rate, and how few images stand behind it.
        yield "found", "", self._estimate(response, np.array([np.inf]))
        yield "fewest_images", "", response.fewest_images()
        yield "fewest_normal", "", response.fewest_images(normal=True)
        if is_ideal or self.ideal is None or self.bound is None:
            return
        # What the ideal observer says, held against it in the same pairs.
        ideal, bound = (
            replace(
                each,
                repeats=each.repeats * len(response.repeats),
                fit=response.fit,
                folds=response.folds,
            )
            for each in (self.ideal[0], self.bound)
        )
        efficiency = bootstrap_estimate(
            compare_found(response, ideal, np.divide),
            self.draws,
            limits=NO_LIMITS,
            kind="percentile",
        )
        yield "efficiency", "", efficiency
        yield "merit_above", "", (response.merit() - bound.merit()).estimate()
        more = bootstrap_difference(compare_found(response, ideal), self.draws)
        yield "sensitivity_above", "", more

    def compare(
        self,
        finders: Mapping[str, FreeResponse],
        arms: Mapping[str, FreeResponse],
        contender: str,
        baselines: Sequence[str],
    ) -> tuple[FigureRow, ...]:
        """Compare what stands for the two arms, and the contender with simple baselines.

        Of the figure of merit and of the mean sensitivity; nothing without both arms.
        """
        if not {contender, "classical"} <= set(arms):
            return ()
        first, second = arms[contender], arms["classical"]
        row = partial(make_row, analysis=FINDING, model=contender, versus="classical")
        first_merit = self.merit(first)
        differences = self.subtract(first, second)
        rows = [
            row(differences[MERIT], figure=MERIT, p=(first_merit - self.merit(second)).p()),
            row(differences[MEAN_SENSITIVITY], figure=MEAN_SENSITIVITY),
        ]
        # A finder that marks nothing has the figure of merit ½.
        row = partial(make_row, analysis=FINDING_BASELINES, figure=MERIT, model=contender)
        nothing = first_merit.estimate().subtract(0.5)
        is_testable = nothing.value is not None and -0.5 < nothing.value < 0.5
        p = first_merit.variation.p(nothing.value or 0.0) if is_testable else None
        against_baselines = [row(nothing, versus=VERSUS_CHANCE, p=p)]
        # Each simple baseline that also marks places.
        for baseline in (name for name in baselines if name in finders):
            difference = first_merit - self.merit(finders[baseline])
            against_baselines.append(row(difference.estimate(), versus=baseline, p=difference.p()))
        return (*rows, *correct_over_arms(against_baselines))

    def subtract(self, first: FreeResponse, second: FreeResponse) -> dict[str, Estimate]:
        """Compute by how much two figures of the one are above those of the other, paired.

        Returns:
            Figure of merit, by the placements of lesions, and mean sensitivity, by the bootstrap.
        """
        more = bootstrap_difference(compare_found(first, second), self.draws)
        merit = self.merit(first) - self.merit(second)
        return {MERIT: merit.estimate(), MEAN_SENSITIVITY: more}

    def mean_sensitivity(self, response: FreeResponse) -> Estimate:
        """Return the share of lesions found, the mean over LUNA16's rates of false marks."""
        return self._estimate(response, RATES)

    def merit(self, response: FreeResponse) -> Linearised:
        """Compute JAFROC's figure of merit; against all images where none is normal (JAFROC1)."""
        return response.merit(against_all=not self.normal)

    def _estimate(self, response: FreeResponse, rates: Floats, *, normal: bool = False) -> Estimate:
        """Estimate the share of lesions found at rates of false marks, by resamples of patients.

        Args:
            response: Marks judged as hits and false ones.
            rates: (k,) false marks an image, over which the mean is taken.
            normal: Whether they are counted on normal images alone.
        """
        return bootstrap_estimate(
            response.share_found(rates, normal=normal),
            self.draws,
            kind="percentile",
            most_cases=MOST_LESIONS,
        )
