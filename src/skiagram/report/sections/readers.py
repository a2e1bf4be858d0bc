"""Several readers of the same cases: each one, their mean, and the models against it."""

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.report.formatting import (
    ARM_TITLES,
    Cell,
    Notes,
    Row,
    Table,
    format_decimal,
    format_p_value,
    format_signed,
)


def tabulate_readers(evaluation: Evaluation) -> Table | None:
    """Return a row a reader, their mean, and each arm against it; None with fewer than two."""
    study = evaluation.readers
    if study is None:
        return None
    notes = Notes()
    titles = {model.outcome.model: model.outcome.title for model in evaluation.models}
    none = Cell("")
    readers = [
        Row(titles.get(name, name), (notes.cell(auc, format_decimal), none, none, none))
        for name, auc in study.readers.items()
    ]
    mean = notes.cell(study.mean, format_decimal)
    readers.append(Row("Mean reader", (mean, none, none, none)))
    arms = [
        Row(
            titles[evaluation.best[arm]],
            (
                notes.cell(evaluation.arms[arm].auc, format_decimal)
                if arm in evaluation.arms
                else none,
                notes.cell(comparison.difference, format_signed, digits=3),
                Cell(format_p_value(comparison.p)),
                Cell(format_p_value(comparison.p_holm)),
            ),
        )
        for arm, comparison in study.models.items()
    ]
    groups = ((ARM_TITLES["reader"], tuple(readers)), ("Best of each arm", tuple(arms)))
    columns = ("AUC", "Minus the mean reader", "p", "p, Holm")
    return Table(columns, groups, notes.by_mark())


def describe_readers(evaluation: Evaluation) -> str:
    """Say what the readers show; empty with fewer than two."""
    study = evaluation.readers
    if study is None:
        return ""
    words = (
        f"{len(study.readers)} readers, taken as a sample of readers, reach a mean AUC of "
        f"{format_decimal(study.mean.value)}; between readers the true AUC spreads by "
        f"{format_decimal(study.between)} (standard deviation)."
    )
    for arm, comparison in study.models.items():
        low, high = comparison.difference.low, comparison.difference.high
        if low is None or high is None:
            continue
        shown = "above" if low > 0 else "below" if high < 0 else "not shown to differ from"
        words += f" {ARM_TITLES[arm]}: {shown} the mean reader."
    return words
