"""The data: what they are, test beside development cases, and what restoration did."""

from skiagram.evaluation.criteria import has_shifted
from skiagram.evaluation.evaluation_record import (
    DOMAIN,
    FEATURES,
    NUMBERS,
    SHARES,
    SHIFTS,
    Evaluation,
)
from skiagram.report.formatting import format_count
from skiagram.report.tables import Group, Table, TableRow, list_rows
from skiagram.statistics.estimate import (
    format_decimal,
    format_difference,
    format_estimate,
    format_p_value,
)


def tabulate_cases(evaluation: Evaluation) -> Table:
    """Tabulate cases by class and part, and patients or groups of near duplicates."""
    # Under cross-validation every case is both.
    task, nested = evaluation.task, evaluation.task.design == "cv"
    parts = {
        part: counts
        for part, counts in evaluation.cases.items()
        if part == "reported" or not nested
    }
    # Each class, the one looked for marked.
    rows = [
        TableRow(
            task.predicted.label_words[number],
            [format_count(counts.get(name, 0)) for counts in parts.values()],
            mark="positive" if number == task.predicted.positive else "",
        )
        for number, name in enumerate(task.predicted.classes)
    ]
    # All cases, and their patients where these are known.
    whole = [format_count(sum(counts.values())) for counts in parts.values()]
    people = [format_count(evaluation.patients.get(part)) for part in parts]
    rows += [
        TableRow("All cases", whole),
        TableRow("Patients" if evaluation.patients_known else "Groups", people),
    ]
    tested = "Cohort" if evaluation.is_external else "Test" if len(parts) > 1 else "Cases"
    columns = [tested if part == "reported" else part.capitalize() for part in parts]
    return Table(columns, list_rows(rows), first=task.predicted.label_title, kind="")


def tabulate_shifts(evaluation: Evaluation) -> Table | None:
    """Tabulate how test cases differ from the development set; None where nothing was compared."""
    # Figures and shares have a difference; medians are compared by rank.
    titles = evaluation.titles
    primary = evaluation.task.predicted.title_figure(evaluation.primary)
    differing, ranked = list[TableRow](), list[TableRow]()
    for row in evaluation.differences_of_sides(SHIFTS, SHARES, NUMBERS, FEATURES):
        is_median, name, digits = row.analysis in (NUMBERS, FEATURES), row.figure, ".4g"
        if row.analysis == SHIFTS:
            name, digits = f"{primary} of {titles[row.model]}", ""
        test, development = (
            f"{value:{digits}}" if digits else format_decimal(value)
            for value in evaluation.values_of_sides(row)
        )
        compared = format_estimate(row) if is_median else format_difference(row)
        cells = [development, test, compared, format_p_value(row.p_holm)]
        mark = "differs" if has_shifted(row) else ""
        (ranked if is_median else differing).append(TableRow(name, cells, mark=mark))
    if not differing and not evaluation.figures.select(analysis=DOMAIN):
        return None
    column, case = (
        ("Cohort", "case of the cohort") if evaluation.is_external else ("Test", "test case")
    )
    groups = (
        (
            differing,
            f"{primary} and shares",
            "Difference (95 %)",
        ),
        (ranked, "Medians", f"Probability that a {case} has more (95 %)"),
    )
    return Table(
        (),
        [
            Group(title, rows, ("Development", column, compared, "p, corrected"))
            for rows, title, compared in groups
            if rows
        ],
        first="What",
        kind="",
    )
