"""Pictures of the worst errors of the best model of each arm."""

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.report.material import Material
from skiagram.report.section import Context, LeftOut, section


@section("Worst errors", place=150)
def worst_errors(evaluation: Evaluation, material: Material) -> Context:
    """Return the titles of the models whose galleries are shown."""
    if not material.galleries:
        raise LeftOut("no pictures were chosen")
    return {"titles": evaluation.titles}
