import re
from dataclasses import replace

import pytest

from skiagram.audit.findings import AuditReport
from skiagram.evaluation.clinical_utility import UTILITY
from skiagram.evaluation.evaluation_record import SIMPLE_BASELINES
from skiagram.evaluation.figure_table import FigureTable, make_row
from skiagram.evaluation.sentences import say
from skiagram.evaluation.verdict import with_verdict
from skiagram.report.formatting import format_percent
from skiagram.report.section import make_section
from skiagram.report.sections.answer import state_answer, tabulate_answer
from skiagram.report.sections.doubts import (
    collect_warnings,
    list_doubts,
    list_steps,
    list_warnings,
    shorten,
)
from skiagram.report.sections.models import list_below_table
from skiagram.report.tables import Cell
from skiagram.statistics.estimate import Estimate
from tests.evaluation.model_results import with_metrics, with_models, with_outcome
from tests.evaluation.situations import SITUATIONS, make_situation, with_difference
from tests.report.examples_of_findings import answered, full, mixed
from tests.report.examples_of_results import binary, find_row, material, opening, texts
from tests.yaml_rows import as_record, read_yaml


def numbers(text):
    return set(re.findall(r"\d+(?:\.\d+)?", text)) - {"95", "100"}


@pytest.mark.parametrize("example", [answered, mixed])
def test_every_figure_of_the_answer_is_in_the_table_and_the_difference_in_the_figure(example):
    evaluation = example()
    sentences, found = state_answer(evaluation), tabulate_answer(evaluation)
    cells = [cell for group in found.groups for row in group.rows for cell in row.cells]
    table = " ".join(cell if isinstance(cell, str) else " ".join(cell[:2]) for cell in cells)
    tested = {"150", "75", "3", "2", "0.020"}  # cases, patients, folds, and the margin
    assert numbers(" ".join(sentences[1:])) - tested <= numbers(table)
    context = make_section("answer", evaluation, material()).context
    assert context["compared"].difference == evaluation.difference
    assert "+0.021" in context["forest"].svg


def test_a_network_without_time_for_all_or_any_epochs_is_named_on_the_page_and_below_the_table():
    evaluation = answered()
    assert "epochs" not in " ".join([*state_answer(evaluation), *list_below_table(evaluation)])
    *others, last = evaluation.models
    options = {"training": {"epochs": 13, "planned_epochs": 30}}
    last = with_outcome(last, options=options)
    left_out = ("small_resnet", last.outcome.model)  # the second was trained after all
    evaluation = replace(evaluation, models=(*others, last), left_out_networks=left_out)
    cut = say("training.cut", model=last.outcome.title, epochs="13", planned="30")
    for sentences in (state_answer(evaluation), list_below_table(evaluation)):
        told = [each for each in sentences if "--hours" in each]
        assert told == [cut, say("training.left_out", model="small_resnet")]


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_bold_sentence_has_at_most_25_words(situation):
    found = state_answer(with_verdict(SITUATIONS[situation]))
    assert len(found[0].split()) <= 25
    assert found[-1].key.startswith("use.")


def test_of_features_alone_the_first_sentence_says_what_they_beat_and_no_doubt_repeats_it():
    level = (-0.1, 0.1)  # with the simple baseline
    evaluation = with_verdict(
        make_situation([0.0, 0.1], baselines=(level, level), changes={"unasked": "deep"})
    )
    first, second, *_ = evaluation.answer.headline, *evaluation.answer.reasons
    assert first.startswith("The best classical model (Random forest) is not shown to beat")
    assert second.endswith("no network was asked for.")
    assert first not in evaluation.warnings


def test_the_difference_is_that_of_the_whole_numbers_shown():
    evaluation = with_difference(answered(), UTILITY, "sensitivity", Estimate(0.054, -0.024, 0.12))

    def raise_found(model):
        is_network = model.outcome.model == "small_cnn"
        return with_metrics(model, {"sensitivity": Estimate(0.934)}) if is_network else model

    changed = with_models(evaluation, raise_found)
    words = "finds 5 more than the best classical model (93 instead of 88"
    assert words in " ".join(state_answer(changed))
    row = find_row(tabulate_answer(changed), "Best network minus best classical model")
    assert row.cells[1] == Cell("+5", "(−2 to +12)")


def test_warnings_of_the_audit_reach_the_first_page():
    audit = as_record(AuditReport, read_yaml(__file__, "materials.yaml")["audit"])
    seen = replace(material(), audit=audit, opening=opening(1))
    expected = (
        "Audit: 52 twins. Accepted, because: The official split is kept.",
        *full().warnings,
        "Audit: The border tells the label with an AUC of 0.94.",
    )
    assert collect_warnings(full(), seen) == expected
    again, *others = collect_warnings(full(), replace(seen, opening=opening(2)))
    assert "no longer untouched" in again
    assert tuple(others) == expected
    assert list_warnings(full(), audit) == expected  # of the terminal
    many = tuple(f"Warning {number}." for number in range(20))
    crowded = replace(full(), warnings=many)
    assert "52 twins." in list_doubts(crowded, seen)[0]


@pytest.mark.parametrize("flips", [True, False])
def test_mirrored_views_are_named_where_no_network_is_shown_to_be_worth_it(flips):
    *others, last = answered().models
    last = with_outcome(last, options={"training": {"augmentation": {"horizontal_flip": flips}}})
    steps = list_steps(replace(answered(), models=(*others, last)), material())
    assert (say("next.sides") in steps) == flips


def test_what_the_verdict_says_first_is_no_warning_besides():
    evaluation = with_verdict(answered())
    unbeaten = "is not shown to beat"
    assert any(unbeaten in words for words in evaluation.answer.openings)
    assert not any(unbeaten in words for words in list_warnings(evaluation, AuditReport((), ())))


def test_a_share_of_half_a_case_is_the_same_number_on_every_page():
    shares = {"sensitivity": Estimate(0.875), "specificity": Estimate(0.755)}
    half = with_models(binary(), lambda model: with_metrics(model, shares))
    assert texts(find_row(tabulate_answer(half), "Random forest"))[1:] == ["88", "25"]
    assert format_percent(0.245) == "25\N{NO-BREAK SPACE}%"


def test_a_doubt_is_one_sentence_without_its_interval():
    assert shorten("Audit: `x` is told with an AUC of 0.72 (0.6 to 0.8); by luck 0.6. See.") == (
        "Audit: `x` is told with an AUC of 0.72; by luck 0.6."
    )


def test_a_doubt_keeps_what_stands_after_its_colon():
    """Names that begin with a capital were cut off, and the colon stood alone on the page."""
    summary = "Audit: Columns that tell the label: Histology (AUC 0.63), Site (AUC 0.6)."
    assert shorten(summary) == "Audit: Columns that tell the label: Histology, Site."


def test_the_table_says_what_images_add_to_what_is_known_without_them():
    """Beside covariates with the volume the model on covariates alone asks less."""
    evaluation = binary()
    first = evaluation.models[0]
    names = ("covariates", "covariates_and_volume")
    clinic = [with_outcome(first, model=n, title=n) for n in names]
    rows = [
        make_row(Estimate(0.1, 0.05, 0.15), SIMPLE_BASELINES, "roc_auc", model=arm, versus=name)
        for name in names
        for arm in ("deep", "classical")
    ]
    figures = FigureTable((*evaluation.figures.rows, *rows))
    models = (*evaluation.models, *clinic)
    table = tabulate_answer(replace(evaluation, models=models, figures=figures))
    (group,) = (each for each in table.groups if each.title.startswith("What images add"))
    assert [row.title for row in group.rows] == [
        "Small network with batch norm minus covariates_and_volume",
        "Random forest minus covariates_and_volume",
    ]
    assert texts(group.rows[0])[0].startswith("+0.100")
