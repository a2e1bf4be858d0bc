"""Figures of one row of a sweep: of every model, of the best of each arm, and their differences.

`selection_auc` is of development cases alone, by which may be chosen; all others are of the
reported cases.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from skiagram.evaluation.arm_selection import MeasuredModel, figure_by_auc, select_arms
from skiagram.evaluation.auc_difference import ComparedModel, compare_auc
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.metrics import binary_placements, estimate_metric
from skiagram.evaluation.options import EvaluationOptions
from skiagram.evaluation.results import ModelResult
from skiagram.evaluation.scores import Scores, align_scores
from skiagram.evaluation.stability import selection_auc
from skiagram.image_store.shards import Image, is_volume
from skiagram.image_store.store import ImageStore
from skiagram.records.cases import Cases
from skiagram.records.predictions import Predictions
from skiagram.statistics.delong import estimate_efficiency
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.variation import Variation, effective_patients, variance_of_mean
from skiagram.sweeps.rows import BEST, SELECTION

AUC, DIFFERENCE, EFFICIENCY = "roc_auc", "difference", "efficiency"
LATER = "later_"  # before a figure of the cases with an earlier image alone
LATER_AUC, LATER_DIFFERENCE = f"{LATER}{AUC}", f"{LATER}{DIFFERENCE}"
OTHER_CASES = "the row that it is compared with reports other cases"
IMAGES = "images"  # stands for a model in figures of restored images
CLEAN = "sealed/clean"  # of an ingested phantom: its images without faults
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Figure:
    """One figure of a row.

    Attributes:
        model: Name of its option file, or `best_<arm>`.
        title: The model's name for people; of the best of an arm, which model it is.
        figure: `selection_auc`, of development cases; `difference`, AUC minus that of the same
            model in the reference row, paired by patient; or the name of a metric.
    """

    model: str
    title: str
    arm: str
    figure: str
    estimate: Estimate


@dataclass(frozen=True)
class RowFigures:
    """Figures of a row.

    Attributes:
        cases: How many are reported.
        patients: Of how many patients these are.
        reason: Why no difference from the reference row is there; empty otherwise.
        margin: Smallest difference in AUC that counts.
    """

    figures: tuple[Figure, ...] = ()
    cases: int = 0
    patients: int = 0
    reason: str = ""
    margin: float = 0.0

    def of(self, model: str, figure: str) -> Estimate | None:
        """Return a figure of a model; None where there is none."""
        return next(
            (
                each.estimate
                for each in self.figures
                if (each.model, each.figure) == (model, figure)
            ),
            None,
        )

    def selection(self, model: str) -> float | None:
        """Return what a model, or `best_<arm>`, may be chosen by."""
        estimate = self.of(model, SELECTION)
        return None if estimate is None else estimate.value


@dataclass(frozen=True)
class _Shown:
    """A model, or what stands for an arm, as a row shows it; not compared where it failed."""

    title: str
    arm: str
    metrics: Mapping[str, Estimate]
    selection: Estimate
    compared: ComparedModel | None


@dataclass(frozen=True)
class MeasuredRow:
    """A row's models by their names, and what stands for each arm as `best_<arm>`, measured.

    Attributes:
        cases: Those that are reported.
        later: (n,) which of them have an earlier image; None to give them no figures.
    """

    models: Mapping[str, _Shown]
    cases: EvaluationSet
    options: EvaluationOptions
    later: Flags | None

    def figures(self, shown: Sequence[str], reference: "MeasuredRow | None") -> RowFigures:
        """Return its figures.

        Args:
            shown: Models whose figures are returned; empty for all.
            reference: The row that it is compared with.
        """
        others: Mapping[str, _Shown] = {}
        reason = ""
        if reference is not None:
            if np.array_equal(self.cases.cases.case_id, reference.cases.cases.case_id):
                others = reference.models
            else:
                reason = OTHER_CASES
        figures = [
            Figure(name, each.title, each.arm, figure, estimate)
            for name, each in self.models.items()
            if not shown or name in shown or name.startswith(BEST)
            for figure, estimate in (
                *_list_figures(each, others.get(name)),
                *self._list_later_figures(each, others.get(name)),
            )
        ]
        counted = len(self.cases.cases), self.cases.cases.patients
        return RowFigures(tuple(figures), *counted, reason, self.options.margin)

    def _list_later_figures(
        self, each: _Shown, reference: _Shown | None
    ) -> Iterator[tuple[str, Estimate]]:
        """Yield AUC and difference on the cases with an earlier image."""
        if self.later is None or each.compared is None:
            return
        if not self.later.any():
            yield LATER_AUC, Estimate(None, reason="no reported case has an earlier image")
            return
        part = self.cases.cases.select(self.later)
        draws = part.draws(self.options.replicates, self.cases.seed)
        of_part = ComparedModel(each.compared.scores.select(self.later), part, draws)
        yield LATER_AUC, estimate_metric(AUC, of_part.scores, part, draws)
        if reference is not None and reference.compared is not None:
            other = ComparedModel(reference.compared.scores.select(self.later), part, draws)
            yield LATER_DIFFERENCE, compare_auc(of_part, other).estimate


def measure_row(
    models: Sequence[Predictions],
    cases: EvaluationSet,
    options: EvaluationOptions,
    wanted: Sequence[str] = (),
    later: Flags | None = None,
) -> MeasuredRow:
    """Measure the models of a row.

    Args:
        models: All of them.
        wanted: Names of metrics of the reported cases.
        later: (n,) which reported cases have an earlier image; None to give them no figures.

    Raises:
        OptionError: A metric is not of this task.
    """
    measured = [_measure(model, cases, wanted) for model in models]
    represented = {
        model.name: _Shown(
            model.predictions.outcome.title,
            model.predictions.outcome.arm,
            model.result.metrics,
            model.result.selection_auc,
            model.compared,
        )
        for model in measured
    }
    by_auc = {model.name: figure_by_auc(model, cases) for model in measured}
    rules = options.analyses.simple_rules
    arms, _ = select_arms(measured, by_auc, cases, rules, options.deep_arm)
    for arm, selected in arms.items():
        titles = [represented[name].title for name in selected.choice.chosen]
        represented[f"{BEST}{arm}"] = _Shown(
            ", ".join(titles),
            arm,
            _metrics(selected.compared.scores, cases, wanted),
            Estimate(selected.choice.selection_auc),
            selected.compared,
        )
    return MeasuredRow(represented, cases, options, later)


def _measure(model: Predictions, cases: EvaluationSet, wanted: Sequence[str]) -> MeasuredModel:
    outcome = model.outcome
    if outcome.status == "failed":
        missing = Estimate(None, reason=outcome.reason)
        of_models = [name for name in wanted if name not in NO_METRICS]
        result = ModelResult(outcome, dict.fromkeys(of_models, missing), missing)
        return MeasuredModel(model, result, None)
    scores = align_scores(model, cases.part, cases.cases)
    result = ModelResult(
        outcome,
        _metrics(scores, cases, (AUC, *wanted)),
        selection_auc(model, cases.development, nested=cases.design == "cv"),
    )
    return MeasuredModel(model, result, ComparedModel(scores, cases.cases, cases.draws))


def _metrics(scores: Scores, cases: EvaluationSet, wanted: Sequence[str]) -> dict[str, Estimate]:
    return {
        name: _efficiency(scores, cases)
        if name == EFFICIENCY
        else estimate_metric(name, scores, cases.cases, cases.draws)
        for name in wanted
        if name not in NO_METRICS
    }


def _efficiency(scores: Scores, cases: EvaluationSet) -> Estimate:
    """Estimate (d_a / d_ideal)² on generated data; no value on real images."""
    ranked, ideal = binary_placements(scores, cases.cases), cases.ideal_observer(scores.fit)
    known = estimate_efficiency(ranked, ideal) if ranked and ideal else None
    return known or Estimate(
        None, reason="the best possible score is known of generated data alone"
    )


def measure_images(data: Path, restored: ImageStore, wanted: Sequence[str]) -> list[Figure]:
    """Return how near restored test images are to the clean ones, where these are known.

    PSNR in dB and SSIM, means over patients with Student's intervals; peak and range are those of
    the clean image (SSIM: Wang et al. 2004, IEEE Trans. Image Process. 13(4)). Pixels still missing
    count as the least known intensity.

    Args:
        data: Folder that step ingest wrote.
        wanted: Names of figures, `psnr` and `ssim` among others.
    """
    names = [name for name in FIDELITY if name in wanted]
    if not names or not (data / CLEAN).is_dir():
        return []
    clean, test = ImageStore(data / CLEAN), Cases.read(data / "cases/cases.parquet").test()
    pairs = [(clean.image(case), restored.image(case)) for case in test.case_id.tolist()]
    return [
        Figure(
            IMAGES,
            "Restored images",
            "",
            name,
            mean_over_patients([FIDELITY[name](*pair) for pair in pairs], test.patient_id),
        )
        for name in names
    ]


def _psnr(clean: Image, restored: Image) -> float:
    truth, known = _comparable(clean, restored)
    return float(peak_signal_noise_ratio(truth, known, data_range=float(np.ptp(truth))))


def _ssim(clean: Image, restored: Image) -> float:
    truth, known = _comparable(clean, restored)
    return float(structural_similarity(truth, known, data_range=float(np.ptp(truth))))


def _comparable(clean: Image, restored: Image) -> tuple[Floats, Floats]:
    if is_volume(clean):
        clean, restored = clean[..., 0], restored[..., 0]
    known = np.where(np.isfinite(restored), restored, np.nanmin(restored))
    return clean.astype(np.float64), known.astype(np.float64)


def mean_over_patients(values: Sequence[float], patient: NDArray[np.str_]) -> Estimate:
    """Estimate the mean, with Student's interval by patient."""
    number = np.unique(patient, return_inverse=True)[1].astype(np.int64)
    mean, variance = float(np.mean(values)), variance_of_mean(np.array(values), number)
    half = Variation(variance, max(1.0, effective_patients(number) - 1)).half
    return Estimate(mean, mean - half, mean + half, "Student's t over patients")


FIDELITY = {"psnr": _psnr, "ssim": _ssim}  # of restored images, in place of a model
NO_METRICS = {*FIDELITY, LATER_AUC}  # measured apart


def _list_figures(each: _Shown, reference: _Shown | None) -> Iterator[tuple[str, Estimate]]:
    yield SELECTION, each.selection
    yield from each.metrics.items()
    if reference is None or each.compared is None:
        return
    if reference.compared is None:
        yield DIFFERENCE, Estimate(None, reason="failed in the row that it is compared with")
    else:
        yield DIFFERENCE, compare_auc(each.compared, reference.compared).estimate
