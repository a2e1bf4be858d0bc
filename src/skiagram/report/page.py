"""The report: one HTML page that loads nothing and holds no time, host or path."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.metrics import METRIC
from skiagram.records import DataCard
from skiagram.report.drawing import Drawing
from skiagram.report.formatting import DESIGN_WORDS
from skiagram.report.material import Material
from skiagram.report.rendering import render_template
from skiagram.report.sections.answer import (
    collect_warnings,
    describe_prevalence,
    draw_forest,
    sensitivity_of_verdict,
    tabulate_answer,
)
from skiagram.report.sections.calibration import (
    draw_reliability,
    tabulate_calibration,
    tabulate_calibration_distance,
)
from skiagram.report.sections.checklist import (
    FOLDER,
    STATE_WORDS,
    fill_checklist,
    gather_facts,
    list_checklists,
    tabulate_checklist,
    write_checklist_markdown,
)
from skiagram.report.sections.comparisons import (
    describe_arm_pairs,
    describe_pairs,
    describe_primary,
    describe_scope,
    tabulate_differences,
    tabulate_reference_baselines,
)
from skiagram.report.sections.curves import draw_precision_recall, draw_roc
from skiagram.report.sections.data import describe_treatment
from skiagram.report.sections.decisions import (
    describe_net_benefit,
    draw_decision_curve,
    tabulate_net_benefit,
    tabulate_operating_points,
    tabulate_utility,
)
from skiagram.report.sections.errors import confusion_matrices, natural_frequencies
from skiagram.report.sections.models import list_columns, tabulate_class_auc, tabulate_performance
from skiagram.report.sections.provenance import describe_methods, describe_opening, flatten_options
from skiagram.report.sections.readers import describe_readers, tabulate_readers
from skiagram.report.sections.sites import describe_sites, tabulate_sites
from skiagram.report.sections.stability import (
    draw_stability,
    tabulate_chosen_features,
    tabulate_ranks,
    tabulate_stability,
    tabulate_variance,
)
from skiagram.report.sections.subgroups import (
    draw_subgroups,
    tabulate_subgroup_differences,
    tabulate_subgroups,
)
from skiagram.report.sections.training import draw_training_curves, tabulate_cost
from skiagram.report.sections.uncertainty import (
    draw_risk_coverage,
    format_promised_coverage,
    tabulate_prediction_sets,
    tabulate_referral,
)

FIRST_PAGE = {
    "sensitivity_of_verdict": "What would change the answer",
    "reading": "How to read this",
}

SECTIONS = {
    "data": "The data",
    "audit": "Audit of the data",
    "models": "All models",
    "curves": "ROC and precision–recall curves",
    "confusion": "Confusion matrices",
    "comparisons": "Comparisons between models",
    "reference_baselines": "Comparison with reference baselines",
    "stability": "Stability",
    "calibration": "Calibration",
    "decisions": "Decisions at a threshold",
    "subgroups": "Subgroups",
    "sites": "Sites that no model saw",
    "readers": "Several readers",
    "uncertainty": "Uncertainty of single cases",
    "worst_errors": "Worst errors",
    "training": "Training and cost",
    "provenance": "Methods, versions and hashes",
    "checklist": "Checklists",
}

FIGURES: dict[str, Callable[[Evaluation], Drawing | None]] = {
    "forest": draw_forest,
    "roc": draw_roc,
    "precision_recall": draw_precision_recall,
    "stability": draw_stability,
    "reliability": draw_reliability,
    "decision_curve": draw_decision_curve,
    "risk_coverage": draw_risk_coverage,
    "subgroups": draw_subgroups,
}


@dataclass(frozen=True)
class Figures:
    """All figures of a report.

    Attributes:
        by_name: A drawing for each of `FIGURES`; None where a task has no such figure.
        training: (title, training curves) of each network.
    """

    by_name: Mapping[str, Drawing | None]
    training: tuple[tuple[str, Drawing], ...]

    def all(self) -> tuple[Drawing, ...]:
        """Return every figure there is."""
        single = (figure for figure in self.by_name.values() if figure)
        return (*single, *(figure for _, figure in self.training))


def draw_figures(evaluation: Evaluation, curves: Mapping[str, pd.DataFrame]) -> Figures:
    """Draw every figure.

    Args:
        evaluation: What was found.
        curves: Model name → training curves.
    """
    training = [
        (model.outcome.title, figure)
        for model in evaluation.models
        if (table := curves.get(model.outcome.model)) is not None
        and (figure := draw_training_curves(model.outcome.model, model.outcome.title, table))
    ]
    by_name = {name: draw(evaluation) for name, draw in FIGURES.items()}
    return Figures(by_name, tuple(training))


def page_title(card: DataCard) -> str:
    """Return the heading of the report."""
    return f"{card.title}: does a deep network do better than classical features?"


def render(evaluation: Evaluation, material: Material, figures: Figures | None = None) -> str:
    """Return the report as one self-contained HTML page; equal input gives equal text.

    Args:
        evaluation: What was found.
        material: What else the page shows.
        figures: The figures where they are drawn already.
    """
    drawn = figures or draw_figures(evaluation, material.curves)
    titles = {model.outcome.model: model.outcome.title for model in evaluation.models}
    return render_template(
        "page.html.j2",
        contents=SECTIONS,
        headings=FIRST_PAGE | SECTIONS,
        evaluation=evaluation,
        task=evaluation.task,
        design=DESIGN_WORDS[evaluation.task.design],
        material=material,
        card=material.card,
        figures={**drawn.by_name, "training": drawn.training},
        title=page_title(material.card),
        titles=titles,
        off_near_duplicates=METRIC["roc_auc_off_near_duplicates"].title,
        **_first_page(evaluation, material),
        **_models(evaluation),
        **_comparisons(evaluation, titles),
        **_trust(evaluation),
        chosen_table=tabulate_chosen_features(evaluation, material.definitions),
        treatment=describe_treatment(material.treatment),
        methods=describe_methods(evaluation),
        params=flatten_options(material.provenance.params),
        **_checklists(evaluation, material),
    )


def _checklists(evaluation: Evaluation, material: Material) -> dict[str, Any]:
    facts = gather_facts(evaluation, material)
    own, *others = (fill_checklist(name, facts) for name in list_checklists())
    return {"checklist": own, "other_checklists": others, "checklist_folder": FOLDER}


def write_checklists(evaluation: Evaluation, material: Material) -> dict[str, str]:
    """Return name of the file → text: a page of all checklists and, to fill in, a table of each."""
    facts = gather_facts(evaluation, material)
    filled = [fill_checklist(name, facts) for name in list_checklists()]
    files = {
        "checklists.html": render_template(
            "checklists.html.j2",
            title=f"{material.card.title}: checklists",
            headings=FIRST_PAGE | SECTIONS,
            checklists=filled,
            state_words=STATE_WORDS,
        )
    }
    for checklist in filled:
        table = tabulate_checklist(checklist)
        files[f"{checklist.file}.csv"] = table.to_csv(index=False, lineterminator="\n")
        files[f"{checklist.file}.md"] = write_checklist_markdown(checklist)
    return files


def _first_page(evaluation: Evaluation, material: Material) -> dict[str, Any]:
    patients_known = material.card.patients_known
    opening = describe_opening(material.opening)
    again = (opening,) if material.opening is not None and material.opening.number > 1 else ()
    return {
        "opening": opening,
        "warnings": (*again, *collect_warnings(evaluation, material.audit)),
        "answer_table": tabulate_answer(evaluation),
        "sensitivity_of_verdict": sensitivity_of_verdict(evaluation, patients_known),
        "prevalence_words": describe_prevalence(evaluation),
        "frequencies": natural_frequencies(evaluation),
    }


def _models(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "performance": tabulate_performance(evaluation),
        "metrics": list_columns(evaluation),
        "class_table": tabulate_class_auc(evaluation),
        "model_options": [
            (model.outcome.title, flatten_options(model.outcome.options))
            for model in evaluation.models
        ],
        "matrices": confusion_matrices(evaluation),
        "cost": tabulate_cost(evaluation),
    }


def _comparisons(evaluation: Evaluation, titles: Mapping[str, str]) -> dict[str, Any]:
    return {
        "primary_pair": describe_primary(evaluation, titles),
        "primary_scope": describe_scope(evaluation),
        "arm_pairs": describe_arm_pairs(evaluation, titles),
        "secondary_pairs": describe_pairs(evaluation.secondary, titles),
        "asked_pairs": describe_pairs(evaluation.comparisons, titles),
        "pair_matrix": tabulate_differences(evaluation),
        "reference_baseline_table": tabulate_reference_baselines(evaluation),
    }


def _trust(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "stability_table": tabulate_stability(evaluation),
        "variance_table": tabulate_variance(evaluation),
        "ranks_table": tabulate_ranks(evaluation),
        "calibration_table": tabulate_calibration(evaluation),
        "calibration_distance_table": tabulate_calibration_distance(evaluation),
        "operating_tables": tabulate_operating_points(evaluation),
        "utility_table": tabulate_utility(evaluation),
        "net_benefit_table": tabulate_net_benefit(evaluation),
        "net_benefit_words": describe_net_benefit(evaluation),
        "subgroup_tables": tabulate_subgroups(evaluation),
        "subgroup_differences": tabulate_subgroup_differences(evaluation),
        "sites_table": tabulate_sites(evaluation),
        "sites_words": describe_sites(evaluation),
        "readers_table": tabulate_readers(evaluation),
        "readers_words": describe_readers(evaluation),
        "promised": format_promised_coverage(evaluation),
        "sets_table": tabulate_prediction_sets(evaluation),
        "referral_table": tabulate_referral(evaluation),
    }
