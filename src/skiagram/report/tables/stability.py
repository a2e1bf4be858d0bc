"""How far figures move with the patients and the seed, and whether the order of models holds."""

from skiagram.evaluation.records.stability import Ranking, Stability
from skiagram.evaluation.results import Estimate, Evaluation, ModelResult
from skiagram.report.numbers import decimal, percent, signed
from skiagram.report.tables.cells import NOT_FOUND, Cell, Notes, Table, grouped

_KEEPS_ALL = "it chooses no features"
_SINGLE = "one repeat only: the spread over seeds needs repeats ≥ 2"


def stability(evaluation: Evaluation) -> Table:
    """Return spread over folds and seeds, and the training gap, of every model."""
    notes = Notes()
    nested = evaluation.task.design == "cv"
    choosing = any(one.stability and one.stability.selection for one in evaluation.models)
    columns = (
        *(("Inner AUC (chose the best)",) if nested else ()),
        "Out-of-fold AUC, mean of folds" + ("" if nested else " (chose the best)"),
        "SD over folds",
        "SD over seeds",
        "Training minus out-of-fold AUC",
        "Share of cases that another seed names differently",
        *(("Agreement of the chosen features",) if choosing else ()),
    )
    unknown = Estimate(None, reason="too few folds")

    def cells(model: ModelResult) -> tuple[Cell, ...]:
        found = model.stability
        if found is None:
            return (notes.cell(NOT_FOUND, decimal),) * len(columns)
        chosen_by = (notes.cell(model.selection_auc, decimal),) if nested else ()
        return (
            *chosen_by,
            notes.cell(found.fold_mean, decimal),
            notes.cell(unknown if found.fold_sd is None else Estimate(found.fold_sd), decimal),
            notes.cell(_seeds(found.seed_sd), decimal),
            notes.cell(found.training_gap, signed),
            notes.cell(found.flips or Estimate(None, reason=_SINGLE), decimal),
            *((notes.cell(_agreement(found), decimal),) if choosing else ()),
        )

    return Table(columns, grouped(evaluation, cells), notes.by_mark())


def variance(evaluation: Evaluation) -> Table | None:
    """Return where the variance of a single fit's AUC comes from; None where nobody has it."""
    if not any(one.stability and one.stability.variance for one in evaluation.models):
        return None
    notes = Notes()

    def cells(model: ModelResult) -> tuple[Cell, ...]:
        return _shares(model.stability, notes)

    columns = ("SD from patients", "SD from the seed", "SD from both together", "Share of the seed")
    return Table(columns, grouped(evaluation, cells), notes.by_mark())


def _shares(found: Stability | None, notes: Notes) -> tuple[Cell, ...]:
    if found is None or found.variance is None:
        return (notes.cell(Estimate(None, reason=_SINGLE), decimal),) * 4
    parts = (found.variance.patients, found.variance.seed, found.variance.both)
    whole = sum(parts)
    share = Estimate(parts[1] / whole if whole > 0 else None, reason="no variance at all")
    return (
        *(Cell(decimal(max(0.0, part) ** 0.5)) for part in parts),
        notes.cell(share, percent),
    )


def ranks(evaluation: Evaluation) -> Table | None:
    """Return each model's mean rank and how often it comes first; None where nothing was ranked."""
    found = evaluation.ranking
    if found is None:
        return None
    known: Ranking = found

    def cells(model: ModelResult) -> tuple[Cell, ...]:
        name = model.outcome.model
        return (
            Cell(decimal(known.mean_rank.get(name), 1)),
            Cell(percent(known.first.get(name))),
        )

    columns = ("Mean rank over folds", "First in so many resamples of patients")
    return Table(columns, grouped(evaluation, cells))


def _agreement(found: Stability) -> Estimate:
    return found.selection.agreement if found.selection else Estimate(None, reason=_KEEPS_ALL)


def _seeds(spread: float | None) -> Estimate:
    return Estimate(None, reason=_SINGLE) if spread is None else Estimate(spread)
