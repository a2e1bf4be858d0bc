"""The report: one HTML page that loads nothing and holds no time, host or path."""

from dataclasses import dataclass

from skiagram.evaluation.results import Evaluation
from skiagram.report import tables
from skiagram.report.confusion import frequencies, matrices
from skiagram.report.drawing import Drawing
from skiagram.report.environment import render_template
from skiagram.report.figures.forest import forest
from skiagram.report.figures.operating import precision_recall, roc
from skiagram.report.figures.stability import stability
from skiagram.report.figures.training import training_curves
from skiagram.report.material import Material
from skiagram.report.methods import methods
from skiagram.report.provenance import flat
from skiagram.report.treatment import treatment_summary


@dataclass(frozen=True)
class Figures:
    """All figures of a report; None where a task has no such figure.

    Attributes:
        forest: AUC of every model.
        roc: ROC curves.
        precision_recall: Precision–recall curves.
        stability: Folds, seeds and training gap.
        training: (title, training curves) of each network.
    """

    forest: Drawing
    roc: Drawing | None
    precision_recall: Drawing | None
    stability: Drawing | None
    training: tuple[tuple[str, Drawing], ...]

    def all(self) -> tuple[Drawing, ...]:
        """Return every figure there is."""
        single = (self.forest, self.roc, self.precision_recall, self.stability)
        return (*(figure for figure in single if figure), *(figure for _, figure in self.training))


def draw(evaluation: Evaluation, material: Material) -> Figures:
    """Draw every figure of the report."""
    training = [
        (model.outcome.title, figure)
        for model in evaluation.models
        if model.outcome.model in material.curves
        and (
            figure := training_curves(
                model.outcome.model, model.outcome.title, material.curves[model.outcome.model]
            )
        )
    ]
    return Figures(
        forest(evaluation),
        roc(evaluation),
        precision_recall(evaluation),
        stability(evaluation),
        tuple(training),
    )


def render(evaluation: Evaluation, material: Material, figures: Figures | None = None) -> str:
    """Return the report as one self-contained HTML page; equal input gives equal text.

    Args:
        evaluation: What was found.
        material: What else the page shows.
        figures: The figures where they are drawn already.
    """
    return render_template(
        "page.html.j2",
        evaluation=evaluation,
        task=evaluation.task,
        material=material,
        card=material.card,
        figures=figures or draw(evaluation, material),
        performance=tables.performance(evaluation),
        class_table=tables.class_auc(evaluation),
        titles={model.outcome.model: model.outcome.title for model in evaluation.models},
        stability_table=tables.stability(evaluation),
        cost=tables.cost(evaluation),
        matrices=matrices(evaluation),
        frequencies=frequencies(evaluation),
        treatment=treatment_summary(material.treatment),
        methods=methods(evaluation),
        params=flat(material.provenance.params),
    )
