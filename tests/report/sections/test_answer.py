import dataclasses

import pytest
from scipy.stats import norm

from skiagram.audit.contract import Finding
from skiagram.audit.run import AuditReport
from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.report.sections.answer import (
    collect_warnings,
    describe_prevalence,
    sensitivity_of_verdict,
    tabulate_answer,
)
from skiagram.report.tables import Cell
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.significance import Planning
from tests.report.examples_of_findings import full
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
        ["Decision tree", "Chance"],
        ["Ideal observer"],
    ]
    assert not any(row.best for group in found.groups for row in group.rows)


def test_a_reader_stands_beside_the_models() -> None:
    assert tabulate_answer(with_reader()).row("Dr Gray")
    assert tabulate_answer(with_combination()).row("Stacking of both")


def test_sensitivity_and_specificity_become_cases_out_of_a_hundred() -> None:
    evaluation = binary(ideal=False)
    metrics = {"sensitivity": Estimate(0.9, 0.8, 0.95), "specificity": Estimate(0.7, 0.6, 0.75)}
    models = tuple(dataclasses.replace(one, metrics=metrics) for one in evaluation.models)
    table = tabulate_answer(dataclasses.replace(evaluation, models=models))
    found = table.row("Random forest").cells[1:]
    assert list(found) == [Cell("90", "(80–95)"), Cell("30", "(25–40)")]
    assert table.columns[1:] == ["Detected, per 100 abnormal", "False alarms, per 100 others"]


def test_an_arm_without_a_trained_model_keeps_its_reason() -> None:
    evaluation = with_failure("out of memory")
    models = (evaluation.models[0], evaluation.models[-1])
    failed = dataclasses.replace(evaluation, models=models, best={})
    row = tabulate_answer(failed).row("Small network with batch norm")
    assert row.failure == "out of memory"


def test_off_twins_stands_beside_the_auc_where_there_are_twins() -> None:
    evaluation = binary(near_duplicates=52)
    table = tabulate_answer(evaluation)
    assert table.columns[:2] == ["AUC", "AUC without near duplicates"]
    off = evaluation.models[4].metrics["roc_auc_off_near_duplicates"].value
    assert texts(table.row("Random forest"))[1] == f"{off:.3f}"


@pytest.mark.parametrize(
    "evaluation", [full(), binary(), binary(near_duplicates=52), several_classes()]
)
def test_every_row_has_a_cell_a_column(evaluation: Evaluation) -> None:
    found = tabulate_answer(evaluation)
    for group in found.groups:
        assert all(len(row.cells) == len(found.columns) for row in group.rows)


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


def test_where_detecting_is_not_settling_both_numbers_stand() -> None:
    words = told(
        "More patients: with these 75", detectable=Estimate(0.019), planning=Planning(68, 91)
    )
    assert "about 68 such patients are needed" in words
    assert "about 91 (each" in words
    trainings = Planning(None, None, "the trainings alone spread too wide")
    assert "No number of patients is enough: the trainings alone" in told(
        "More patients:", planning=trainings
    )


def test_a_test_that_sees_the_margin_says_so() -> None:
    words = told(
        "More patients would change little", detectable=Estimate(0.015), planning=Planning(43, 57)
    )
    assert "0.015 is found with a probability of 80 %; the margin is 0.020" in words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-0.01, 0.04, "above 0.040 the difference alone would say “no”, with a smaller one"),
        (-0.01, 0.015, "above 0.015 the difference alone would say “no”, with a smaller one"),
        (0.03, 0.09, "below 0.030 the difference alone would say “yes”, with one above 0.090 “no”"),
        (-0.09, -0.03, "whatever it is, the answer is not “yes”"),
    ],
)
def test_the_margins_that_turn_the_answer_are_named(low: float, high: float, words: str) -> None:
    found = Estimate((low + high) / 2, low, high)
    assert words in told("The margin of 0.020 is a choice", difference=found)


def test_a_rule_that_is_not_beaten_is_said_once() -> None:
    words = full().simple_rule_words["small_cnn"]
    assert told("The best network is not shown") == words
    assert told("The best network is not shown", warnings=(words,)) == ""


@pytest.mark.slow
def test_an_order_that_chance_makes_is_told() -> None:
    words = told("Among all models, Support vector")
    assert "it was not chosen on development cases" in words
    assert "No sealed label influenced" in words
    assert "sealed" not in told("Among all models, Support vector", part="out_of_fold")
    ranking = full().ranking
    assert ranking
    open_order = dataclasses.replace(ranking, first={"small_cnn": 0.5, "svm": 0.3})
    assert "it is not settled which model is best" in told("Among all", ranking=open_order)
    settled = dataclasses.replace(ranking, first={"small_cnn": 0.9, "svm": 0.1})
    assert told("Among all", ranking=settled) == ""


def test_shares_of_patients_and_seed_are_told_for_the_best_network() -> None:
    words = told("Of the variance of a single training of Small network")
    assert "90\N{NO-BREAK SPACE}% comes from the patients" in words
    assert "10\N{NO-BREAK SPACE}% from the seed" in words


def test_what_is_not_known_is_not_told() -> None:
    assert sensitivity_of_verdict(several_classes(), True) == ()
    assert describe_prevalence(several_classes()) == ""
    assert "40\N{NO-BREAK SPACE}% of the reported cases are abnormal" in describe_prevalence(
        binary()
    )


def test_warnings_of_the_audit_reach_the_first_page() -> None:
    audit = AuditReport(
        (
            Finding(
                "border", "warning", 40, "The border alone tells the label with an AUC of 0.94."
            ),
            Finding("twins", "stop", 52, "52 twins.", waived="The official split is kept."),
            Finding("class_counts", "note", 2, "210 and 140 cases."),
            Finding("brightness", "warning", 0, "Nothing found."),
        ),
        ("border", "twins", "class_counts", "brightness"),
    )
    seen = dataclasses.replace(material(), audit=audit, opening=opening(1))
    expected = (
        *full().warnings,
        "Audit: The border alone tells the label with an AUC of 0.94.",
        "Audit: 52 twins. Accepted, because: The official split is kept.",
    )
    assert collect_warnings(full(), seen) == expected
    again, *others = collect_warnings(full(), dataclasses.replace(seen, opening=opening(2)))
    assert "no longer untouched" in again
    assert tuple(others) == expected
