"""The report: one HTML page that loads nothing and holds no time, host or path."""

from typing import Any

from skiagram.evaluation.results import Evaluation
from skiagram.report.confusion import frequencies, matrices
from skiagram.report.contents import FIRST_PAGE, SECTIONS
from skiagram.report.design import WORDS
from skiagram.report.environment import render_template
from skiagram.report.illustrations import Figures, draw
from skiagram.report.material import Material
from skiagram.report.methods import methods
from skiagram.report.outlook import outlook, prevalence_words
from skiagram.report.provenance import flat
from skiagram.report.tables import doubt
from skiagram.report.tables.answer import answer
from skiagram.report.tables.calibration import calibration
from skiagram.report.tables.comparisons import matrix, pairs
from skiagram.report.tables.cost import cost
from skiagram.report.tables.decisions import operating_tables
from skiagram.report.tables.performance import class_auc, performance
from skiagram.report.tables.selection import chosen_features
from skiagram.report.tables.stability import ranks, stability, variance
from skiagram.report.tables.subgroups import subgroup_tables
from skiagram.report.tables.trivial import trivial
from skiagram.report.treatment import treatment_summary
from skiagram.report.tripod import checklist


def render(evaluation: Evaluation, material: Material, figures: Figures | None = None) -> str:
    """Return the report as one self-contained HTML page; equal input gives equal text.

    Args:
        evaluation: What was found.
        material: What else the page shows.
        figures: The figures where they are drawn already.
    """
    return render_template(
        "page.html.j2",
        contents=SECTIONS,
        headings=FIRST_PAGE | SECTIONS,
        evaluation=evaluation,
        task=evaluation.task,
        design=WORDS[evaluation.task.design],
        material=material,
        card=material.card,
        figures=figures or draw(evaluation, material.curves),
        titles=_titles(evaluation),
        **_first_page(evaluation, material.card.patients_known),
        **_models(evaluation),
        **_comparisons(evaluation),
        **_trust(evaluation),
        chosen_table=chosen_features(evaluation, material.definitions),
        treatment=treatment_summary(material.treatment),
        methods=methods(evaluation),
        params=flat(material.provenance.params),
        checklist=checklist(evaluation),
    )


def _titles(evaluation: Evaluation) -> dict[str, str]:
    return {model.outcome.model: model.outcome.title for model in evaluation.models}


def _first_page(evaluation: Evaluation, patients_known: bool) -> dict[str, Any]:
    return {
        "answer_table": answer(evaluation),
        "outlook": outlook(evaluation, patients_known),
        "prevalence_words": prevalence_words(evaluation),
        "frequencies": frequencies(evaluation),
    }


def _models(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "performance": performance(evaluation),
        "class_table": class_auc(evaluation),
        "model_options": [
            (one.outcome.title, flat(one.outcome.options)) for one in evaluation.models
        ],
        "matrices": matrices(evaluation),
        "cost": cost(evaluation),
    }


def _comparisons(evaluation: Evaluation) -> dict[str, Any]:
    titles = _titles(evaluation)
    return {
        "primary_pair": pairs((evaluation.primary,), titles)[0] if evaluation.primary else None,
        "secondary_pairs": pairs(evaluation.secondary, titles),
        "asked_pairs": pairs(evaluation.comparisons, titles),
        "pair_matrix": matrix(evaluation),
        "trivial_table": trivial(evaluation),
    }


def _trust(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "stability_table": stability(evaluation),
        "variance_table": variance(evaluation),
        "ranks_table": ranks(evaluation),
        "calibration_table": calibration(evaluation),
        "operating_tables": operating_tables(evaluation),
        "subgroup_tables": subgroup_tables(evaluation),
        "promised": doubt.promised(evaluation),
        "sets_table": doubt.prediction_sets(evaluation),
        "referral_table": doubt.referral(evaluation),
    }
