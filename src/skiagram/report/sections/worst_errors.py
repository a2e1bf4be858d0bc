"""Pictures of the worst errors of the best model of each arm."""

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.report.material import Material
from skiagram.report.section import Context, section


@section(
    "Worst errors",
    place=150,
    select=lambda _, material: material.galleries,
    otherwise="no pictures were chosen",
)
def worst_errors(evaluation: Evaluation, material: Material) -> Context:
    """Return the titles of the models whose galleries are shown."""
    return {"titles": evaluation.titles}
