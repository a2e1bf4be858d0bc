"""The best model of each arm against simple baselines: the prevalence, one feature, a column."""

from skiagram.evaluation.criteria import beats_rule
from skiagram.evaluation.evaluation_record import PREVALENCE, Evaluation
from skiagram.report.formatting import format_p_value
from skiagram.report.tables import Group, Table, TableRow, fill_difference


def name_chance(evaluation: Evaluation) -> str:
    """Say what chance is called, and its value where it is fixed."""
    predicted = evaluation.task.predicted
    if predicted.chance is None:
        return evaluation.titles.get(predicted.chance_rule, "Chance")
    return f"{predicted.chance_title} ({evaluation.figure_words} {predicted.chance:g})"


def name_only_rule(evaluation: Evaluation) -> str:
    """Name chance where no other rule is in the run: it needs a sentence; else nothing."""
    versus = {rule.versus for rule in evaluation.simple_rules}
    return name_chance(evaluation) if versus == {PREVALENCE} else ""


def tabulate_rules(evaluation: Evaluation) -> Table:
    """Tabulate the differences: a group a model, a row a rule."""
    titles = evaluation.titles | {PREVALENCE: name_chance(evaluation)}
    groups: dict[str, list[TableRow]] = {}
    for rule in evaluation.simple_rules:
        better = beats_rule(evaluation.direct(rule))
        corrected, shown = format_p_value(rule.p_holm), "yes" if better else "not shown"
        row = TableRow(titles[rule.versus], [fill_difference(rule), corrected, shown])
        groups.setdefault(titles[evaluation.model_of(rule.model)], []).append(row)
    difference = f"Difference in {evaluation.figure_words}, model minus rule"
    columns = (difference, "p, Holm", "Model is better")
    grouped = [Group(title, rows) for title, rows in groups.items()]
    return Table(columns, grouped, first="Simple baseline")
