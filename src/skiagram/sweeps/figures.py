"""Figures of one row of a sweep: of every model, of the best of each arm, and their differences.

They are rows of the table of figures. Those of the analysis `selection` are of development cases
alone, and by them may be chosen; those of `costs` are timed or counted; all others are of the
reported cases.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from skiagram.arrays import Flags
from skiagram.compute.workers import IN_PROCESS
from skiagram.errors import refusal
from skiagram.evaluation.arm_selection import MeasuredRun, mean_of_chosen, mean_of_finite
from skiagram.evaluation.compared_model import ComparedModel
from skiagram.evaluation.evaluation_record import MEAN_SENSITIVITY, MERIT
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.figure_table import FigureRow, FigureTable, make_row
from skiagram.evaluation.finding import (
    FindingSearch,
    FindingTables,
    MeasuredFinders,
    find_finders,
)
from skiagram.evaluation.measurement import measure_run
from skiagram.evaluation.options import EvaluationOptions
from skiagram.evaluation.results import LIMIT, METRICS, ModelResult
from skiagram.evaluation.results import SELECTION as OF_SELECTION
from skiagram.image_store.store import ImageStore
from skiagram.images import is_volume
from skiagram.records.predictions import Predictions
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.froc import FreeResponse
from skiagram.statistics.proportions import mean_by_patient
from skiagram.sweeps.rows import BEST, COSTS, SELECTION, SELECTIONS
from skiagram.tasks.cases import Cases
from skiagram.tasks.predicted import Predicted

AUC, DIFFERENCE, EFFICIENCY = "roc_auc", "difference", "efficiency"
LATER = "later_"  # before a figure of the cases with an earlier image alone
LATER_AUC, LATER_DIFFERENCE = f"{LATER}{AUC}", f"{LATER}{DIFFERENCE}"
FINDER = "_finder"  # after `best_<arm>`, for the finder that stands for an arm
SELECTION_SENSITIVITY = f"{SELECTIONS}sensitivity"  # of development lesions; it chooses finders
MERIT_DIFFERENCE = f"{MERIT}_{DIFFERENCE}"
SENSITIVITY_DIFFERENCE = f"{MEAN_SENSITIVITY}_{DIFFERENCE}"
REFERENCE = "reference"  # what a difference is from: the same model in the reference row
OTHER_CASES = "the row that it is compared with reports other cases"
IMAGES = "images"  # stands for a model in figures of restored images
CLEAN = "sealed/clean"  # of an ingested phantom: its images without faults


@dataclass(frozen=True)
class NamedModel:
    """A model in a result.

    Attributes:
        model: Name of its config; of a head that of its encoder stands before it; `best_<arm>`, or
            `best_<arm>_finder`.
        title: The model's name for people; of the best of an arm, which model it is.
    """

    model: str
    title: str
    arm: str


RESTORED = NamedModel(IMAGES, "Restored images", "")


@dataclass(frozen=True)
class RowFigures(FigureTable):
    """Figures of a row: of development cases, of reported cases, and `versus` the reference row.

    A `difference` is of the primary figure, that of the same model in the reference row taken off,
    paired by patient.

    Attributes:
        models: Those that have figures, and what stands for one.
        cases: How many are reported.
        patients: Of how many patients these are.
        reason: Why no difference from the reference row is there; empty otherwise.
        margin: Smallest difference in AUC that counts.
        primary: The figure that a `difference` is of.
        primary_is_error: Whether less of it is better.
    """

    models: tuple[NamedModel, ...] = ()
    cases: int = 0
    patients: int = 0
    reason: str = ""
    margin: float = 0.0
    primary: str = AUC
    primary_is_error: bool = False

    def find(self, **values: str) -> Estimate:
        """Find the first figure with these values, or say why it is not in the row."""
        return self.get(**values) or Estimate(None, reason=self.reason or "not in this row")

    def named(self, model: str) -> NamedModel:
        """Find what a model is called."""
        return next(each for each in self.models if each.model == model)

    def chosen_by(self, model: str) -> str:
        """Find the figure of development cases that chooses a model, or `best_<arm>`."""
        names = self.select(analysis=OF_SELECTION, model=model).list_distinct("figure")
        if SELECTION_SENSITIVITY in names:
            return SELECTION_SENSITIVITY
        return next(iter(names), SELECTION)

    def judged_by(self, model: str) -> tuple[str, str]:
        """Find the like figure of reported cases, and its difference from the reference."""
        if self.chosen_by(model) == SELECTION_SENSITIVITY:
            return MEAN_SENSITIVITY, SENSITIVITY_DIFFERENCE
        return self.primary, DIFFERENCE

    def selection(self, model: str) -> float | None:
        """Find what a model, or `best_<arm>`, may be chosen by."""
        return self.find(model=model, figure=self.chosen_by(model)).value

    def worth(self, model: str) -> float | None:
        """Return the same such that more is better: an error with a minus sign."""
        value = self.selection(model)
        return -value if value is not None and self.primary_is_error else value


def resolve(figures: FigureTable, objective: str, swept: str = "") -> str:
    """Find what an objective means: a model, `best_<arm>`, or that of finders.

    Args:
        figures: Of a row, or of all of them.
        objective: A model, `best_<arm>`, or nothing.
        swept: The only model whose options differ between rows; it stands in for nothing.

    Returns:
        The best of the first arm where both name nothing that is there.
    """
    models = figures.list_distinct("model")
    if f"{objective}{FINDER}" in models:
        return f"{objective}{FINDER}"
    if objective or swept in models:
        return objective or swept
    best = [model for model in models if model.startswith(BEST)]
    return next(iter((*(name for name in best if name.endswith(FINDER)), *best, *models)), "")


@dataclass(frozen=True)
class ShownModel:
    """A model, or what stands for an arm, as a row shows it.

    Attributes:
        rows: Its figures: that of development cases, then those of the reported cases; without
            values where it failed.
        compared: None where it failed.
        later: (n,) which cases have an earlier image, which the reference row need not have read;
            None where nobody asks, or where there are none.
        search: Where a finder left marks, and these; None for any other model.
    """

    title: str
    arm: str
    rows: tuple[FigureRow, ...]
    compared: ComparedModel | None
    later: Flags | None = None
    search: tuple[FindingSearch, FreeResponse] | None = None

    def subtract(self, reference: "ShownModel") -> Iterator[FigureRow]:
        """Yield its figures minus those of the model in the reference row."""
        row = partial(make_row, analysis=METRICS, versus=REFERENCE)
        # A model that failed in either row has no difference.
        if self.compared is None:
            return
        if reference.compared is None:
            missing = Estimate(None, reason="failed in the row that it is compared with")
            yield row(missing, figure=DIFFERENCE)
            return
        yield row(self.compared.subtract(reference.compared).estimate(), figure=DIFFERENCE)
        # The difference among patients with an earlier image.
        if self.later is not None:
            both = (each.select(self.later) for each in (self.compared, reference.compared))
            first, second = both
            yield row(first.subtract(second).estimate(), figure=LATER_DIFFERENCE)
        # The difference in finding.
        if self.search is not None and reference.search is not None:
            searched, marks = self.search
            for figure, estimate in searched.subtract(marks, reference.search[1]).items():
                yield row(estimate, figure=f"{figure}_{DIFFERENCE}")


@dataclass(frozen=True)
class MeasuredRow:
    """A row's models by their names, and what stands for each arm as `best_<arm>`, measured.

    Attributes:
        setting: The reported cases.
        margin: Smallest difference in the primary figure that counts.
    """

    models: Mapping[str, ShownModel]
    setting: EvaluationSet
    margin: float

    def figures(self, reference: "MeasuredRow | None") -> RowFigures:
        """Return its figures.

        Args:
            reference: The row that it is compared with.
        """
        # Models of the reference row, where both report the same cases.
        others: Mapping[str, ShownModel] = {}
        reason = ""
        if reference is not None:
            if np.array_equal(self.setting.cases.case_id, reference.setting.cases.case_id):
                others = reference.models
            else:
                reason = OTHER_CASES
        # Figures of development cases, of reported cases, and differences.
        rows = [
            replace(row, model=name)
            for name, each in self.models.items()
            for row in (*each.rows, *(each.subtract(others[name]) if name in others else ()))
        ]
        named = tuple(NamedModel(name, each.title, each.arm) for name, each in self.models.items())
        cases, task = self.setting.cases, self.setting.task
        return RowFigures(
            tuple(rows),
            named,
            len(cases),
            cases.patients,
            reason,
            self.margin,
            task.predicted.primary,
            task.predicted.lower_is_better,
        )


def measure_row(
    models: Sequence[Predictions],
    setting: EvaluationSet,
    options: EvaluationOptions,
    figure_names: Sequence[str] = (),
    later: Flags | None = None,
    finding: FindingTables | None = None,
) -> MeasuredRow:
    """Measure the models of a row.

    Args:
        models: All of them.
        figure_names: Names of figures of the reported cases, besides the primary one.
        later: (n,) which reported cases have an earlier image; None to give them no figures.
        finding: Where the lesions are that finders look for; None without a finder.

    Raises:
        OptionError: A figure is not of this task.
    """
    # Figures that this outcome has, without those that are measured elsewhere.
    task, selection = setting.task, setting.task.predicted.selection
    figure_names = [name for name in figure_names if name not in MEASURED_APART]
    names = [figure.name for figure in task.predicted.all_figures]
    if unknown := [name for name in figure_names if name not in names]:
        raise refusal(
            "sweeps.no_figure",
            name=unknown[0],
            outcome=task.predicted.kind,
            names=names,
        )
    # The models as evaluate measures them; the efficiency comes with the ideal observer.
    asked = [name for name in figure_names if name != EFFICIENCY]
    run = measure_run(models, setting, options, IN_PROCESS, asked)
    metrics = {
        model.name: _list_metrics(model.result, task.predicted, figure_names)
        for model in (*run.models, *run.mixtures)
    }
    shown = {
        model.name: ShownModel(
            model.predictions.outcome.title,
            model.arm,
            (*model.result.figures.select(analysis=OF_SELECTION).rows, *metrics[model.name]),
            model.compared,
        )
        for model in run.models
    }
    # The best of each arm, with its figures and the names of those chosen.
    for arm, selected in run.arms.items():
        titles = [shown[name].title for name in selected.choice.chosen]
        value = None if selected.selection is None else task.predicted.direct(selected.selection)
        chosen_by = make_row(Estimate(value), OF_SELECTION, selection)
        rows = (chosen_by, *metrics[selected.choice.model])
        shown[f"{BEST}{arm}"] = ShownModel(", ".join(titles), arm, rows, selected.compared)
    # Figures of finding.
    found = None if finding is None else find_finders(finding, run)
    if found is not None:
        shown |= _describe_finders(shown, found, run)
    # The AUC on the cases with an earlier image, of models that did not fail.
    for name, each in shown.items():
        if later is None or each.compared is None:
            continue
        area = Estimate(None, reason="no test case has an earlier image")
        if later.any():
            area = each.compared.select(later).estimate()
        rows = (*each.rows, make_row(area, METRICS, LATER_AUC))
        shown[name] = replace(each, rows=rows, later=later if later.any() else None)
    return MeasuredRow(shown, setting, options.margin * task.predicted.margin_unit)


def _describe_finders(
    shown: Mapping[str, ShownModel], found: MeasuredFinders, run: MeasuredRun
) -> dict[str, ShownModel]:
    """Return the finders with figures of finding, and what stands for each arm of them."""
    search = found.search

    def describe(model: ShownModel, response: FreeResponse, value: float | None) -> ShownModel:
        chosen_by, *metrics = model.rows
        rows = (
            chosen_by,
            make_row(Estimate(value), OF_SELECTION, SELECTION_SENSITIVITY),
            *metrics,
            make_row(search.merit(response).estimate(), METRICS, MERIT),
            make_row(search.mean_sensitivity(response), METRICS, MEAN_SENSITIVITY),
        )
        return replace(model, rows=rows, search=(search, response))

    described = {
        name: describe(shown[name], response, mean_of_finite(found.chosen_by[name].values()))
        for name, (response, _) in found.finders.items()
    }
    by_auc = {each.name: each.chosen_by for each in run.models}
    for arm, (selected, (response, _)) in found.arms.items():
        titles = [shown[name].title for name in selected.choice.chosen]
        # The AUC of images stands beside the sensitivity by which they were chosen.
        image_auc = Estimate(mean_of_chosen(by_auc, selected.of_folds))
        rows = (
            make_row(image_auc, OF_SELECTION, SELECTION),
            make_row(selected.compared.estimate(), METRICS, AUC),
        )
        model = ShownModel(", ".join(titles), arm, rows, selected.compared)
        described[f"{BEST}{arm}{FINDER}"] = describe(model, response, selected.selection)
    return described


def _list_metrics(
    result: ModelResult, predicted: Predicted, figure_names: Sequence[str]
) -> tuple[FigureRow, ...]:
    """List the figures that were asked for; those of a model that failed have its reason."""
    # Figures as evaluate names them.
    rows = result.figures.select(analysis=METRICS).rows
    # A model that failed has a reason instead of a figure; the limit exists for generated data.
    if result.outcome.status == "failed":
        missing = Estimate(None, reason=result.outcome.reason)
        names = dict.fromkeys([predicted.primary, *figure_names])
        return tuple(make_row(missing, METRICS, name) for name in names)
    if EFFICIENCY in figure_names:
        reason = "the best possible score is known of generated data alone"
        known = result.figures.get(analysis=LIMIT, figure=EFFICIENCY)
        rows += (make_row(known or Estimate(None, reason=reason), METRICS, EFFICIENCY),)
    return rows


def measure_images(
    data: Path, restored: ImageStore, figure_names: Sequence[str]
) -> list[FigureRow]:
    """Measure how near restored test images are to the clean ones, where these are known.

    PSNR in dB and SSIM, means over patients with Student's intervals; peak and range are those of
    the clean image (SSIM: Wang et al. 2004, IEEE Trans. Image Process. 13(4)). Pixels still missing
    count as the least known intensity.

    Args:
        data: Folder that step ingest wrote.
        figure_names: Names of figures, `psnr` and `ssim` among others.
    """
    # Clean images exist of generated data alone.
    names = [name for name in FIDELITY if name in figure_names]
    if not names or not (data / CLEAN).is_dir():
        return []
    clean, test = ImageStore(data / CLEAN), Cases.read(data / "cases/cases.parquet").test()
    values: dict[str, list[float]] = {name: [] for name in names}
    # Each image against its clean one, missing pixels as its darkest.
    for case in test.case_id.tolist():
        truth, image = clean.image(case), restored.image(case)
        if is_volume(truth):
            truth, image = truth[..., 0], image[..., 0]
        truth = truth.astype(np.float64)
        complete_image = np.where(np.isfinite(image), image, np.nanmin(image)).astype(np.float64)
        for name in names:
            values[name].append(
                float(FIDELITY[name](truth, complete_image, data_range=np.ptp(truth)))
            )
    means = {
        name: mean_by_patient(np.array(each), test.patient_id) for name, each in values.items()
    }
    return [make_row(mean, METRICS, name, model=IMAGES) for name, mean in means.items()]


FIDELITY = {  # of restored images, in place of a model
    "psnr": peak_signal_noise_ratio,
    "ssim": structural_similarity,
}
MEASURED_APART = {*FIDELITY, *COSTS, LATER_AUC, MERIT, MEAN_SENSITIVITY}
