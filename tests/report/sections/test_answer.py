import dataclasses
import re
from collections.abc import Callable

import pytest
from scipy.stats import norm

from skiagram.audit.contract import Finding
from skiagram.audit.run import AuditReport
from skiagram.evaluation.clinical_utility import UTILITY
from skiagram.evaluation.evaluation_record import (
    PREVALENCE,
    PRIMARY,
    SIMPLE_RULES,
    ArmChoice,
    Decision,
    Evaluation,
)
from skiagram.evaluation.figure_table import FigureRow, FigureTable, make_row
from skiagram.evaluation.results import CALIBRATION, LIMIT
from skiagram.evaluation.verdict import with_verdict
from skiagram.report.formatting import format_percent
from skiagram.report.page import render
from skiagram.report.sections.answer import (
    _per_hundred,
    answer,
    describe_prevalence,
    state_answer,
    tabulate_answer,
)
from skiagram.report.sections.decisions import count_per_hundred, natural_frequencies
from skiagram.report.sections.doubts import (
    collect_warnings,
    doubts,
    list_steps,
    list_warnings,
    shorten,
)
from skiagram.report.sections.verdict import sensitivity_of_verdict
from skiagram.report.tables import Cell
from skiagram.statistics.estimate import Estimate, format_estimate
from tests.evaluation.model_results import with_metrics
from tests.evaluation.situations import changed
from tests.report.examples_of_findings import answered, full, with_difference
from tests.report.examples_of_results import (
    binary,
    material,
    several_classes,
    texts,
    with_combination,
    with_failure,
    with_reader,
)
from tests.report.sections.test_provenance import opening


def test_it_holds_the_best_of_each_arm_the_rules_and_the_limit_alone() -> None:
    found = tabulate_answer(full())
    assert [[row.title for row in group.rows] for group in found.groups] == [
        ["Random forest"],
        ["Small network with batch norm"],
        ["Best network minus best classical model"],
        ["Decision tree", "Chance"],
        ["Ideal observer"],
    ]
    assert not any(row.best for group in found.groups for row in group.rows)
    assert tabulate_answer(with_reader()).row("Dr Gray")
    assert tabulate_answer(with_combination()).row("Stacking of both")


def test_sensitivity_and_specificity_become_cases_out_of_a_hundred() -> None:
    evaluation = binary(ideal=False)
    metrics = {"sensitivity": Estimate(0.9, 0.8, 0.95), "specificity": Estimate(0.7, 0.6, 0.75)}
    models = tuple(with_metrics(one, metrics) for one in evaluation.models)
    table = tabulate_answer(dataclasses.replace(evaluation, models=models))
    found = table.row("Random forest").cells[1:]
    assert list(found) == [Cell("90", "(80–95)"), Cell("30", "(25–40)")]
    assert table.columns[1:] == ["Found, per 100 abnormal", "False alarms, per 100 others"]


def test_an_arm_without_a_trained_model_keeps_its_reason() -> None:
    evaluation = with_failure("out of memory")
    models = (evaluation.models[0], evaluation.models[-1])
    failed = dataclasses.replace(evaluation, models=models, arms={})
    row = tabulate_answer(failed).row("Small network with batch norm")
    assert row.failure == "out of memory"


def test_off_twins_stands_beside_the_auc_where_there_are_twins() -> None:
    evaluation = binary(near_duplicates=52)
    table = tabulate_answer(evaluation)
    assert table.columns[:2] == ["AUC", "AUC without near duplicates"]
    off = evaluation.models[4].find("roc_auc_off_near_duplicates").value
    assert texts(table.row("Random forest"))[1] == f"{off:.3f}"


@pytest.mark.parametrize("example", [full, binary, several_classes])
def test_every_row_has_a_cell_a_column(example: Callable[[], Evaluation]) -> None:
    found = tabulate_answer(example())
    for group in found.groups:
        assert all(len(row.cells) == len(found.columns) for row in group.rows)


def mixed() -> Evaluation:
    """Return the example with a network that is another one in two of five folds."""
    evaluation, name, auc = answered(), "best_network_of_each_fold", Estimate(0.763, 0.7, 0.82)
    one = next(model for model in evaluation.models if model.outcome.model == "small_cnn")
    outcome = dataclasses.replace(one.outcome, model=name, title="Best network of each fold")
    mixture = with_metrics(dataclasses.replace(one, outcome=outcome), {"roc_auc": auc})
    choice = ArmChoice(name, {"small_cnn": 3, "article_cnn": 2}, 5)
    of_arm = ("primary", "roc_auc", "deep", "")
    evaluation = changed(
        evaluation,
        lambda row: (
            dataclasses.replace(row, **vars(auc))
            if (row.analysis, row.figure, row.model, row.versus) == of_arm
            else row
        ),
    )
    return dataclasses.replace(
        evaluation,
        mixtures=(mixture,),
        arms=evaluation.arms | {"deep": choice},
    )


def numbers(text: str) -> set[str]:
    return set(re.findall(r"\d+(?:\.\d+)?", text)) - {"95", "100"}


@pytest.mark.parametrize("example", [answered, mixed])
def test_every_figure_of_the_answer_is_in_the_table_and_the_difference_in_the_figure(
    example: Callable[[], Evaluation],
) -> None:
    evaluation = example()
    sentences, found = state_answer(evaluation), tabulate_answer(evaluation)
    assert len(sentences) == 3
    cells = [cell for group in found.groups for row in group.rows for cell in row.cells]
    table = " ".join(cell if isinstance(cell, str) else " ".join(cell[:2]) for cell in cells)
    assert numbers(" ".join(sentences[1:])) <= numbers(table)
    context = answer(evaluation, material())
    assert context["difference"] == evaluation.difference
    assert "+0.021" in context["forest"].svg


def test_a_mixture_of_networks_has_its_own_name_row_and_figure() -> None:
    found = tabulate_answer(mixed())
    name = (
        "Best network of each fold (Small network with batch norm 3, Convolutional network of the "
        "articles 2)"
    )
    assert texts(found.row(name)) == ["0.763", "93", "38"]
    titles = [row.title for group in found.groups for row in group.rows]
    assert "Small network with batch norm" not in titles
    assert "Its AUC is 0.763 instead of" in state_answer(mixed())[2]


@pytest.mark.parametrize(
    ("decision", "low", "high", "start", "end"),
    [
        ("yes", 0.03, 0.06, "Yes: on 150 sealed test cases of 75", "by a worthwhile gain."),
        ("no", -0.05, -0.01, "No: on 150", "the classical model is better."),
        ("no", -0.01, 0.01, "No: on 150", "a worthwhile gain is unlikely."),
        ("open", -0.03, 0.046, "Not settled: on 150", "this can be chance."),
    ],
)
def test_the_answer_is_three_sentences_with_units(
    decision: Decision, low: float, high: float, start: str, end: str
) -> None:
    first, second, third = state_answer(answered(decision, low, high))
    assert first.startswith(start)
    assert "Of 100 abnormal cases the best network finds 5 more than the best classical" in second
    assert "95 % interval 2 fewer to 12 more" in second
    assert "raises 8 more false alarms" in second
    assert third.endswith(end)


def test_the_difference_is_that_of_the_whole_numbers_shown() -> None:
    evaluation = with_difference(answered(), UTILITY, "sensitivity", Estimate(0.054, -0.024, 0.12))
    changed = dataclasses.replace(
        evaluation,
        models=tuple(
            with_metrics(model, {"sensitivity": Estimate(0.934)})
            if model.outcome.model == "small_cnn"
            else model
            for model in evaluation.models
        ),
    )
    assert (
        "finds 5 more than the best classical model (93 instead of 88" in state_answer(changed)[1]
    )
    row = tabulate_answer(changed).row("Best network minus best classical model")
    assert row.cells[1] == Cell("+5", "(−2 to 12)")


def test_the_first_page_has_calibration_net_benefit_and_predictive_values() -> None:
    evaluation = answered()
    calibration, benefit, values = answer(evaluation, material())["use"]
    network = next(one for one in evaluation.models if one.outcome.model == "small_cnn")
    slope = format_estimate(network.find("slope", CALIBRATION))
    assert f"best network, slope {slope}" in calibration
    assert "best classical model, slope" in calibration
    assert "+3.1 (+0.6 to +5.6) acting from a risk of 10 %" in benefit
    assert "at the stated prevalence of 1 %: best network, positive 0.034" in values
    unstated = dataclasses.replace(evaluation, prevalence=None)
    assert len(answer(unstated, material())["use"]) == 2
    assert answer(several_classes(), material())["use"] == ()


def test_where_nothing_is_compared_the_best_model_is_told_with_the_reason() -> None:
    first, second, third = state_answer(binary())
    assert first == binary().verdict
    assert second.startswith("Of 100 abnormal cases, Random forest finds 90;")
    assert third.startswith("Of 100 abnormal cases, Small network with batch norm finds 90;")


def at_chance() -> Evaluation:
    """Return a run in which neither arm is shown to beat chance, and no simple rule was asked."""

    def lower(row: FigureRow) -> FigureRow | None:
        if row.analysis != SIMPLE_RULES:
            return row
        of_chance = dataclasses.replace(row, value=0.02, low=-0.05, high=0.09, p_holm=0.6)
        return of_chance if row.versus == PREVALENCE else None

    return with_verdict(changed(full(), lower))


def test_where_nothing_beats_chance_no_count_praises_a_model() -> None:
    evaluation = at_chance()
    sentences = state_answer(evaluation)
    assert sentences[0].startswith("No model works on these data")
    assert sentences[1].startswith("Look at the labels and at images")
    assert evaluation.answer.headline == sentences[0]
    page = answer(evaluation, material())
    assert tabulate_answer(evaluation).columns == [tabulate_answer(full()).columns[0]]
    assert (page["use"], page["prevalence"]) == ((), "")
    steps = list(list_steps(evaluation, material()))
    assert steps[0] == sentences[1]
    told = [*sentences, *steps, *sensitivity_of_verdict(evaluation, patients_known=True)]
    told += natural_frequencies(evaluation)
    for praise in ("false alarms", "are needed", "finds", "slope", "More patients"):
        assert not [sentence for sentence in told if praise in sentence]
    assert "finds" in state_answer(full())[1]  # else the words above would prove nothing
    shown = render(evaluation, material())
    assert "No model works on these data" in shown
    assert "Found, per 100" not in shown
    assert shown.count("they support no decision") == 2  # above calibration, and above decisions
    assert "true positives per 1,000 patients (" not in shown
    assert "true positives per 1,000 patients (" in render(full(), material())


def test_a_share_of_half_a_case_is_the_same_number_on_every_page() -> None:
    half = with_metrics(
        binary().models[0], {"sensitivity": Estimate(0.875), "specificity": Estimate(0.755)}
    )
    assert count_per_hundred(half) == (88, 25)
    cells = _per_hundred(binary(), half)
    assert [cell.text for cell in cells] == ["88", "25"]
    assert format_percent(0.245) == "25\N{NO-BREAK SPACE}%"


def test_doubts_are_one_sentence_each_and_steps_say_what_to_do() -> None:
    assert shorten("Audit: `x` is told with an AUC of 0.72 (0.6 to 0.8); by luck 0.6. See.") == (
        "Audit: `x` is told with an AUC of 0.72; by luck 0.6."
    )
    steps = list(list_steps(answered(), material()))
    assert steps[0].startswith("Train every model five times")
    assert "about 680 are needed instead of 75" in steps[1]
    assert "Split by cluster of near duplicates." in steps


def told(start: str, **changes: object) -> str:
    sentences = sensitivity_of_verdict(dataclasses.replace(full(), **changes), True)  # type: ignore[arg-type]
    return next((one for one in sentences if one.startswith(start)), "")


def test_the_patients_needed_are_those_of_a_sample_size_formula() -> None:
    """n = σ²·(z₁₋α/₂ + z₁₋β)²/δ² with the variance that 75 patients gave a difference of .06."""
    z = norm.ppf(0.975) + norm.ppf(0.8)
    variance = (0.06 / z) ** 2 * 75
    needed = variance * z**2 / 0.02**2
    assert needed == pytest.approx(675)
    words = told("More patients: with these 75 patients")
    assert "about 680 such patients are needed; to show that two equal models" in words
    assert "about 910 (each with a probability of 80 %)" in words
    assert "these 75 groups of near duplicates" in sensitivity_of_verdict(full(), False)[0]


def test_a_settled_question_asks_for_no_more_patients() -> None:
    for decision, low, high in (("no", -0.05, 0.01), ("yes", 0.03, 0.06)):
        settled = answered(decision, low, high)  # type: ignore[arg-type]
        assert not any("more patients" in step for step in list_steps(settled, material()))
        assert not any("are needed" in words for words in sensitivity_of_verdict(settled, True))


def test_one_training_of_each_model_is_named_in_the_answer() -> None:
    single = answered("no", -0.05, 0.01)
    trained = make_row(Estimate(1), PRIMARY, "trainings", model="deep", versus="classical")
    rows = (*single.figures.rows, trained)
    several = dataclasses.replace(single, figures=FigureTable(rows))
    words = "judged by one training of each model, a network does not gain"
    assert words in state_answer(single)[0]
    assert "one training" not in state_answer(several)[0]


def test_what_the_ideal_leaves_to_gain_has_the_bound_of_its_interval() -> None:
    models = tuple(
        one.with_figures(LIMIT, [("above_ideal", "", Estimate(-0.06, -0.09, -0.03))])
        for one in full().models
    )
    words = told("The AUC of the ideal observer", models=models)
    assert "0.060 above that of the better" in words
    assert "at most 0.090 (upper bound of its 95 % interval)" in words


def test_a_rule_that_is_not_beaten_is_said_once_and_nothing_that_is_not_known() -> None:
    assert told("The best classical model").endswith("beats chance.")
    assert told("The best network") == ""
    unbeaten = (
        "The best network (Small network with batch norm) is not shown to beat Decision tree."
    )
    assert with_verdict(answered()).warnings.count(unbeaten) == 1
    assert sensitivity_of_verdict(several_classes(), True) == ()
    assert describe_prevalence(several_classes()) == ""
    assert "40\N{NO-BREAK SPACE}% of the reported cases are abnormal" in describe_prevalence(
        binary()
    )


def test_warnings_of_the_audit_reach_the_first_page() -> None:
    audit = AuditReport(
        (
            Finding("border", "warning", 40, "The border tells the label with an AUC of 0.94."),
            Finding("twins", "stop", 52, "52 twins.", waived="The official split is kept."),
            Finding("class_counts", "note", 2, "210 and 140 cases."),
            Finding("brightness", "warning", 0, "Nothing found."),
        ),
        ("border", "twins", "class_counts", "brightness"),
    )
    seen = dataclasses.replace(material(), audit=audit, opening=opening(1))
    expected = (
        "Audit: 52 twins. Accepted, because: The official split is kept.",
        *full().warnings,
        "Audit: The border tells the label with an AUC of 0.94.",
    )
    assert collect_warnings(full(), seen) == expected
    again, *others = collect_warnings(full(), dataclasses.replace(seen, opening=opening(2)))
    assert "no longer untouched" in again
    assert tuple(others) == expected
    assert list_warnings(full(), audit) == expected  # of the terminal
    many = tuple(f"Warning {number}." for number in range(20))
    crowded = dataclasses.replace(full(), warnings=many)
    assert "52 twins." in doubts(crowded, seen)["doubts"][0]


def test_what_the_verdict_says_first_is_no_warning_besides() -> None:
    evaluation = with_verdict(answered())
    answer_of = evaluation.answer
    unbeaten = "is not shown to beat"
    assert any(unbeaten in words for words in answer_of.openings)
    assert any(unbeaten in words for words in evaluation.warnings)
    assert not any(unbeaten in words for words in list_warnings(evaluation, AuditReport((), ())))
