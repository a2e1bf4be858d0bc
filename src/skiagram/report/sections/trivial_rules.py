"""The best model of each arm against simple baselines: the prevalence, one feature, a column."""

from skiagram.evaluation.evaluation_record import VERSUS_CHANCE, Evaluation
from skiagram.report.formatting import name_chance


def name_only_baseline(evaluation: Evaluation) -> str:
    """Name chance where it is the only simple baseline: it needs a sentence; else nothing."""
    versus = {row.versus for row in evaluation.simple_baselines}
    return name_chance(evaluation) if versus == {VERSUS_CHANCE} else ""
