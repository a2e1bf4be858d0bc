"""The best model of each arm against simple baselines: the prevalence, one feature, a column."""

from skiagram.evaluation.evaluation_record import PREVALENCE, Evaluation
from skiagram.report.formatting import name_chance


def name_only_rule(evaluation: Evaluation) -> str:
    """Name chance where no other rule is in the run: it needs a sentence; else nothing."""
    versus = {rule.versus for rule in evaluation.simple_rules}
    return name_chance(evaluation) if versus == {PREVALENCE} else ""
