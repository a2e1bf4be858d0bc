"""The primary pair by each of several findings."""

from skiagram.evaluation.criteria import is_told_apart
from skiagram.evaluation.evaluation_record import PARTS, Evaluation
from skiagram.report.tables import Column, Table, TableRow, list_rows, pivot


def tabulate_parts(evaluation: Evaluation) -> Table:
    """Make a row a finding: both AUCs, their difference and its corrected p."""
    primary, contender = evaluation.primary, evaluation.contender
    difference = Column("Difference", primary, "", "difference", "", "", contender, "classical")
    columns = [
        Column(f"AUC, best {evaluation.contender_words}", primary, model=contender),
        Column("AUC, best classical model", primary, model="classical"),
        difference,
        difference._replace(heading="p, Holm", show="p"),
    ]
    found = pivot(evaluation.figures, "group", columns, PARTS)
    rows = [TableRow(finding, cells) for finding, cells in found.items()]
    return Table([column.heading for column in columns], list_rows(rows), first="Finding")


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
