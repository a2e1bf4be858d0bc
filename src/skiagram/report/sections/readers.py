"""Several readers of the same cases: each one, their mean, and the models against it."""

from skiagram.evaluation.criteria import FEW_READERS, find_side
from skiagram.evaluation.evaluation_record import ARMS, Evaluation
from skiagram.evaluation.reader_study import MEAN_READER, READERS
from skiagram.evaluation.sentences import say
from skiagram.report.formatting import ARM_TITLES, title_of_arm
from skiagram.report.tables import Group, Table, TableRow, fill_cell, fill_difference
from skiagram.statistics.estimate import Estimate, format_decimal, format_p_value


def tabulate_readers(evaluation: Evaluation) -> Table | None:
    """Make a row a reader, their mean, and each arm against it; None with fewer than two."""
    figures = evaluation.figures.select(analysis=READERS)
    if not figures:
        return None
    # Each reader, and their mean.
    titles, single = evaluation.titles, figures.select(versus="")
    each = single.by_model("roc_auc").items()
    aucs: dict[str, Estimate] = {titles.get(name, name): auc for name, auc in each}
    aucs["Mean reader"] = single.find(group=MEAN_READER)
    rows = [TableRow(title, [fill_cell(auc), "", "", ""]) for title, auc in aucs.items()]
    # Each arm against the mean reader.
    arms = []
    for arm, difference in figures.select(versus=MEAN_READER).by_model("roc_auc").items():
        area = evaluation.figures.get(analysis=ARMS, figure="roc_auc", model=arm)
        auc = fill_cell(area) if area else ""
        tested = map(format_p_value, (difference.p, difference.p_holm))
        arms.append(
            TableRow(titles[evaluation.best[arm]], (auc, fill_difference(difference), *tested))
        )
    groups = (
        Group(ARM_TITLES["reader"], rows),
        Group("" if evaluation.compared else "Best of each arm", arms),
    )
    return Table(("AUC", "Minus the mean reader", "p", "p, Holm"), groups)


def describe_readers(evaluation: Evaluation) -> str:
    """Say what the readers show; empty with fewer than two."""
    figures = evaluation.figures.select(analysis=READERS)
    if not figures:
        return ""
    # How the readers do as a group.
    readers = len(figures.select(versus="").by_model("roc_auc"))
    mean, spread = (
        format_decimal(found.value)
        for found in (figures.find(group=MEAN_READER), figures.find(figure="spread"))
    )
    sentences = [say("readers.mean", readers=readers, mean=mean, spread=spread)]
    # Few readers have intervals that are too short, as simulations showed.
    if readers < FEW_READERS:
        sentences.append(say("readers.few"))
    # Where each arm stands against them.
    for arm, difference in figures.select(versus=MEAN_READER).by_model("roc_auc").items():
        if difference.low is not None:
            side = find_side(difference)
            shown = "not shown to differ from" if side == "open" else side
            sentences.append(say("readers.arm", arm=title_of_arm(evaluation, arm), shown=shown))
    return " ".join(sentences)
