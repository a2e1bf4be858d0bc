"""Area under FROC up to one false mark per image, of every finder."""

from skiagram.evaluation.evaluation_record import IDEAL_OBSERVER, Evaluation
from skiagram.evaluation.froc_area import FROC_AREA
from skiagram.report.formatting import ARM_TITLES
from skiagram.report.material import Material
from skiagram.report.section import Context, section
from skiagram.report.tables import Group, Table, TableRow, fill_cell, fill_difference


@section(
    "Finding at few false marks",
    place=8,
    select=lambda evaluation, _: evaluation.figures.select(analysis=FROC_AREA),
    otherwise="no model searches for lesions",
)
def froc_area(evaluation: Evaluation, material: Material) -> Context:
    """Return the table of areas."""
    return {"table": tabulate_froc_area(evaluation)}


def tabulate_froc_area(evaluation: Evaluation) -> Table:
    """Make a row a finder, the difference of the two arms, and the ideal observer."""
    figures, titles = evaluation.figures.select(analysis=FROC_AREA), evaluation.titles
    # The finders of each arm.
    areas, arms = figures.select(versus="").by_model("area"), dict[str, list[TableRow]]()
    for model in evaluation.models:
        if model.outcome.model in areas:
            cells = [fill_cell(areas[model.outcome.model])]
            row = TableRow(titles[model.outcome.model], cells)
            arms.setdefault(model.outcome.arm, []).append(row)
    groups = [Group(title, arms[arm]) for arm, title in ARM_TITLES.items() if arm in arms]
    # The difference of the two arms, and the limit of generated data.
    if difference := figures.get(versus="classical"):
        name = evaluation.words_of(evaluation.finding.contender) if evaluation.finding else ""
        row = TableRow(f"Best {name} minus best classical model", [fill_difference(difference)])
        groups.append(Group("Difference", [row]))
    if IDEAL_OBSERVER in areas:
        row = TableRow("Ideal observer", [fill_cell(areas[IDEAL_OBSERVER])])
        groups.append(Group("The limit of this task", [row]))
    return Table(["Area under FROC"], groups)
