"""Several readers of the same cases: each one, their mean, and the models against it."""

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.report.formatting import ARM_TITLES, format_p_value, title_of_arm
from skiagram.report.material import Material
from skiagram.report.section import Context, LeftOut, section
from skiagram.report.tables import Group, Table, TableRow, fill_cell, fill_difference
from skiagram.statistics.estimate import format_decimal


@section("Several readers", place=130)
def readers(evaluation: Evaluation, material: Material) -> Context:
    """Return the table of readers and what it shows."""
    if evaluation.readers is None:
        several = evaluation.task.positive is None
        raise LeftOut("defined for two classes" if several else "fewer than two readers")
    return {"table": tabulate_readers(evaluation), "shown": describe_readers(evaluation)}


def tabulate_readers(evaluation: Evaluation) -> Table | None:
    """Return a row a reader, their mean, and each arm against it; None with fewer than two."""
    study = evaluation.readers
    if study is None:
        return None
    titles = evaluation.titles
    known = {titles.get(name, name): auc for name, auc in study.readers.items()}
    known["Mean reader"] = study.mean
    single = [TableRow(title, [fill_cell(auc), "", "", ""]) for title, auc in known.items()]
    arms = []
    for arm, one in study.models.items():
        auc = fill_cell(evaluation.arms[arm].auc) if arm in evaluation.arms else ""
        p = (format_p_value(one.p), format_p_value(one.p_holm))
        cells = (auc, fill_difference(one.difference), *p)
        arms.append(TableRow(titles[evaluation.best[arm]], cells))
    groups = (
        Group(ARM_TITLES["reader"], single),
        Group("" if evaluation.compared else "Best of each arm", arms),
    )
    return Table(("AUC", "Minus the mean reader", "p", "p, Holm"), groups)


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
        words += f" {title_of_arm(evaluation, arm)}: {shown} the mean reader."
    return words
