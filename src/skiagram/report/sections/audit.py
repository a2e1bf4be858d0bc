"""Audit of the data: what could make the results look better or worse than they are."""

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.report.material import Material
from skiagram.report.section import Context, section


@section("Audit of the data", place=20)
def audit(evaluation: Evaluation, material: Material) -> Context:
    """Return nothing more than the material has."""
    return {}
