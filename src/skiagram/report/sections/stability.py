"""Stability: spread over folds and seeds, the order of the models, and the features chosen."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from skiagram.evaluation.evaluation_record import Evaluation, Ranking
from skiagram.evaluation.results import Estimate, FeatureSelection, ModelResult, Stability
from skiagram.features.family import families_of_images
from skiagram.features.feature import Definition
from skiagram.options import build
from skiagram.preparation import Preparation
from skiagram.report.drawing import (
    ARM_COLOUR,
    INK,
    Drawing,
    draw_reference_line,
    open_sheet,
    wrap_title,
)
from skiagram.report.formatting import (
    NOT_FOUND,
    Cell,
    Notes,
    Row,
    Table,
    finished_models,
    format_decimal,
    format_percent,
    format_signed,
    group_rows,
)

_KEEPS_ALL = "the model selects no features"
_SINGLE = "only one repeat; the spread over seeds needs repeats ≥ 2"

_ROW = 0.36  # inches
_APART = 0.2  # rows between folds and seeds
_FAMILIES = "skiagram.features."  # a network's features have no meaning of their own


def tabulate_stability(evaluation: Evaluation) -> Table:
    """Return spread over folds and seeds, and the training gap, of every model."""
    notes = Notes()
    nested = evaluation.task.design == "cv"
    choosing = any(model.stability and model.stability.selection for model in evaluation.models)
    columns = (
        *(("Inner AUC (used to choose the best)",) if nested else ()),
        "Out-of-fold AUC, mean of folds" + ("" if nested else " (used to choose the best)"),
        "SD over folds",
        "SD over seeds",
        "Training minus out-of-fold AUC",
        "Cases classified differently with another seed",
        *(("Agreement of the selected features",) if choosing else ()),
    )
    unknown = Estimate(None, reason="too few folds")

    def cells(model: ModelResult) -> tuple[Cell, ...]:
        result = model.stability
        if result is None:
            return (notes.cell(NOT_FOUND, format_decimal),) * len(columns)
        chosen_by = (notes.cell(model.selection_auc, format_decimal),) if nested else ()
        return (
            *chosen_by,
            notes.cell(result.fold_mean, format_decimal),
            notes.cell(
                unknown if result.fold_sd is None else Estimate(result.fold_sd), format_decimal
            ),
            notes.cell(_seeds(result.seed_sd), format_decimal),
            notes.cell(result.training_gap, format_signed),
            notes.cell(result.flips or Estimate(None, reason=_SINGLE), format_decimal),
            *((notes.cell(_agreement(result), format_decimal),) if choosing else ()),
        )

    return Table(columns, group_rows(evaluation, cells), notes.by_mark())


def tabulate_variance(evaluation: Evaluation) -> Table | None:
    """Return where the variance of a single fit's AUC comes from; None where nobody has it."""
    if not any(model.stability and model.stability.variance for model in evaluation.models):
        return None
    notes = Notes()

    def cells(model: ModelResult) -> tuple[Cell, ...]:
        return _shares(model.stability, notes)

    columns = (
        "SD from patients",
        "SD from the seed",
        "SD from their interaction",
        "Share of the seed",
    )
    return Table(columns, group_rows(evaluation, cells), notes.by_mark())


def _shares(result: Stability | None, notes: Notes) -> tuple[Cell, ...]:
    if result is None or result.variance is None:
        return (notes.cell(Estimate(None, reason=_SINGLE), format_decimal),) * 4
    parts = (result.variance.patients, result.variance.seed, result.variance.both)
    whole = sum(parts)
    share = Estimate(parts[1] / whole if whole > 0 else None, reason="the variance is zero")
    return (
        *(Cell(format_decimal(max(0.0, part) ** 0.5)) for part in parts),
        notes.cell(share, format_percent),
    )


def tabulate_ranks(evaluation: Evaluation) -> Table | None:
    """Return each model's mean rank and how often it comes first; None where nothing was ranked."""
    ranking = evaluation.ranking
    if ranking is None:
        return None
    known: Ranking = ranking

    def cells(model: ModelResult) -> tuple[Cell, ...]:
        name = model.outcome.model
        return (
            Cell(format_decimal(known.mean_rank.get(name), 1)),
            Cell(format_percent(known.first.get(name))),
        )

    columns = ("Mean rank over folds", "Ranked first, share of resamples of patients")
    return Table(columns, group_rows(evaluation, cells))


def _agreement(result: Stability) -> Estimate:
    return result.selection.agreement if result.selection else Estimate(None, reason=_KEEPS_ALL)


def _seeds(spread: float | None) -> Estimate:
    return Estimate(None, reason=_SINGLE) if spread is None else Estimate(spread)


def draw_stability(evaluation: Evaluation) -> Drawing | None:
    """Draw fold and seed AUCs beside the training gap; None where no model was trained."""
    rows = [
        (model, model.stability)
        for model in finished_models(evaluation)
        if model.stability is not None
    ]
    if not rows:
        return None
    with open_sheet(0.95 + _ROW * len(rows)) as page:
        left, right = page.figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
        for row, (model, result) in enumerate(rows):
            _folds(left, row, model, result)
            _point(right, row, result.training_gap, ARM_COLOUR[model.outcome.arm])
        left.set_ylim(len(rows) - 0.4, -0.6)
        left.set_yticks(range(len(rows)), [wrap_title(model.outcome.title) for model, _ in rows])
        left.set_xlabel("AUC")
        right.set_xlabel("training gap")
        draw_reference_line(right, 0, "no gap", dashed=False)
        for axes in (left, right):
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
        left.locator_params(axis="x", nbins=4)
        right.locator_params(axis="x", nbins=3)
        return page.finish("stability", _description(rows))


def _folds(axes: Axes, row: int, model: ModelResult, result: Stability) -> None:
    colour = ARM_COLOUR[model.outcome.arm]
    above, below = row - _APART / 2, row + _APART
    axes.plot(
        result.fold_auc, [above] * len(result.fold_auc), marker="o", markersize=4.5,
        markerfacecolor="none", color=colour, linestyle="none", markeredgewidth=1,
    )  # fmt: skip
    axes.plot(
        result.seed_auc, [below] * len(result.seed_auc), marker="D", markersize=3.2, color=colour,
        linestyle="none",
    )  # fmt: skip
    _bar(axes, above, result.fold_mean)
    if result.fold_mean.value is not None:
        axes.plot(result.fold_mean.value, above, marker="|", markersize=10, color=INK)


def _point(axes: Axes, row: int, estimate: Estimate, colour: str) -> None:
    _bar(axes, row, estimate)
    if estimate.value is not None:
        axes.plot(estimate.value, row, marker="o", markersize=5, color=colour)


def _bar(axes: Axes, row: float, estimate: Estimate) -> None:
    if estimate.low is not None and estimate.high is not None:
        axes.plot([estimate.low, estimate.high], [row, row], color=INK, linewidth=0.8, zorder=1)


def _description(rows: Sequence[tuple[ModelResult, Stability]]) -> str:
    models = "; ".join(
        f"{model.outcome.title}: folds "
        f"{', '.join(format_decimal(auc) for auc in result.fold_auc)}, "
        f"training gap {format_signed(result.training_gap.value)}"
        for model, result in rows
    )
    return f"Out-of-fold AUC of each fold and training minus out-of-fold AUC. {models}."


def tabulate_chosen_features(
    evaluation: Evaluation, definitions: Sequence[Definition]
) -> Table | None:
    """Return the features that each choosing model's fits chose most; None where none chooses.

    Args:
        evaluation: What was found.
        definitions: What the features mean.
    """
    groups = tuple(
        (_heading(model.outcome.title, selection), _rows(selection, definitions))
        for model in evaluation.models
        if model.stability and (selection := model.stability.selection)
    )
    if not groups:
        return None
    return Table(
        ("Selected, share of fits", "IBSI code", "What it measures"), groups, {}, "Feature"
    )


def _heading(title: str, selection: FeatureSelection) -> str:
    return (
        f"{title}: {format_decimal(selection.kept, 1)} of {selection.features} features per fit, "
        f"{selection.fits} fits"
    )


def _rows(selection: FeatureSelection, definitions: Sequence[Definition]) -> tuple[Row, ...]:
    rows = []
    for chosen in selection.most_chosen:
        meant = find_definition(chosen.feature, definitions)
        code, meaning = (meant.ibsi or "none", meant.meaning) if meant else ("none", "")
        rows.append(
            Row(chosen.feature, (Cell(format_percent(chosen.share)), Cell(code), Cell(meaning)))
        )
    return tuple(rows)


def feature_definitions(preparation: Preparation) -> tuple[Definition, ...]:
    """Return the definitions of all features that were extracted from images.

    Args:
        preparation: What was done to the images that the models learned from.
    """
    families = [
        build(options, "preparation")
        for options in preparation.features
        if str(options.get("_target_")).startswith(_FAMILIES)
    ]
    return tuple(
        definition for family in families_of_images(families) for definition in family.definitions()
    )


def find_definition(column: str, definitions: Sequence[Definition]) -> Definition | None:
    """Return a column's definition; None for covariates and what a network computes."""
    definition = next((definition for definition in definitions if definition.fits(column)), None)
    _, dot, of_one_image = column.partition(".")
    return find_definition(of_one_image, definitions) if definition is None and dot else definition
