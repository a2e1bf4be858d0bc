"""The best model of each arm against simple baselines: the prevalence, one feature, a column."""

from skiagram.evaluation.criteria import beats_rule
from skiagram.evaluation.evaluation_record import PREVALENCE, Evaluation
from skiagram.evaluation.verdict import describe_rules
from skiagram.report.formatting import format_p_value
from skiagram.report.material import Material
from skiagram.report.section import Context
from skiagram.report.tables import Group, Table, TableRow, fill_difference


def trivial_rules(evaluation: Evaluation, material: Material) -> Context:
    """Return the differences, and whether any rule but the prevalence was in the run."""
    # What chance is called, and its value where it is fixed.
    titles, task = evaluation.titles, evaluation.task
    if task.predicted.chance is None:
        titles[PREVALENCE] = titles.get(task.predicted.chance_rule, "Chance")
    else:
        name, chance = task.predicted.chance_title, task.predicted.chance
        titles[PREVALENCE] = f"{name} ({evaluation.figure_words} {chance:g})"
    # A group a model, a row a rule.
    groups: dict[str, list[TableRow]] = {}
    for rule in evaluation.simple_rules:
        better = beats_rule(evaluation.direct(rule))
        corrected, shown = format_p_value(rule.p_holm), "yes" if better else "not shown"
        row = TableRow(titles[rule.versus], [fill_difference(rule), corrected, shown])
        groups.setdefault(titles[evaluation.model_of(rule.model)], []).append(row)
    difference = f"Difference in {evaluation.figure_words}, model minus rule"
    columns = (difference, "p, Holm", "Model is better")
    grouped = [Group(title, rows) for title, rows in groups.items()]
    # Chance alone needs a sentence and no table.
    versus = {rule.versus for rule in evaluation.simple_rules}
    return {
        "table": Table(columns, grouped, first="Simple baseline"),
        "sentences": describe_rules(evaluation),
        "alone": titles[PREVALENCE] if versus == {PREVALENCE} else "",
    }
