"""The primary pair by each of several findings."""

from skiagram.evaluation.criteria import is_told_apart
from skiagram.evaluation.evaluation_record import PARTS, Evaluation


def describe_parts(evaluation: Evaluation) -> str:
    """Say for which findings the two differ once p is corrected for the number of findings."""
    rows = evaluation.figures.select(analysis=PARTS, versus="classical").rows
    apart = [row for row in rows if row.value is not None and is_told_apart(row)]
    if not apart:
        return (
            f"For no single finding are the best {evaluation.contender_words} and the best "
            "classical model told apart."
        )
    findings = (f"{row.group} ({'better' if (row.value or 0) > 0 else 'worse'})" for row in apart)
    return f"The best {evaluation.contender_words} is told apart for {', '.join(findings)}."
