import dataclasses

from skiagram.evaluation.evaluation_record import ArmChoice, Evaluation
from skiagram.evaluation.results import Estimate
from skiagram.report.sections.comparisons import (
    describe_pairs,
    describe_primary,
    describe_scope,
    tabulate_differences,
)
from tests.report.examples_of_findings import full
from tests.report.examples_of_results import TITLES


def test_raw_and_corrected_p_stand_side_by_side_with_words() -> None:
    first, second, third = describe_pairs(full().secondary, TITLES)
    assert (first.p, first.corrected) == ("0.410", "1.000")
    assert first.words == "the first model is not inferior and may be better"
    assert first.decisions == "12 : 9, p 0.510"
    assert (second.difference, second.p) == ("+0.050 (0.030–0.070)", "< 0.001")
    assert third.difference == "one class only"


def test_the_matrix_is_antisymmetric_and_shades_what_holm_leaves() -> None:
    found = dict(tabulate_differences(full()))
    titles = list(found)
    network, forest = TITLES["small_cnn"], TITLES["random_forest"]
    machine = TITLES["svm"]
    ahead = found[network][titles.index(machine)]
    behind = found[machine][titles.index(network)]
    assert (ahead.difference, ahead.tone) == ("+0.050", "ahead")
    assert (behind.difference, behind.tone) == ("−0.050", "behind")
    assert ahead.p == behind.p
    assert found[forest][titles.index(machine)].tone == ""
    assert found[network][titles.index(network)].difference == ""


def test_the_primary_comparison_has_no_corrected_p() -> None:
    found = dict(tabulate_differences(full()))
    titles = list(found)
    square = found[TITLES["small_cnn"]][titles.index(TITLES["random_forest"])]
    assert (square.p, square.corrected) == ("0.310", "")


def test_two_models_need_no_matrix() -> None:
    assert tabulate_differences(dataclasses.replace(full(), secondary=())) == ()


def procedures(**changes: object) -> Evaluation:
    """The example under `cv`, its classical arm chosen anew in each fold."""
    evaluation = full()
    assert evaluation.primary is not None
    network, forest = evaluation.primary.model, evaluation.primary.other
    arms = {
        "deep": ArmChoice(network, {network: 9}, 9, Estimate(0.9)),
        "classical": ArmChoice(forest, {forest: 5, "svm": 4}, 9, Estimate(0.88)),
    }
    primary = dataclasses.replace(evaluation.primary, scope="procedure", repeats=3)
    task = dataclasses.replace(evaluation.task, design="cv")
    found = dataclasses.replace(evaluation, arms=arms, primary=primary, task=task)
    return dataclasses.replace(found, **changes)  # type: ignore[arg-type]


def test_a_choice_within_folds_names_every_model_chosen() -> None:
    pair = describe_primary(procedures(), TITLES)
    assert pair is not None
    assert pair.other.startswith("Best classical model of each fold (")
    assert pair.other.endswith("in 5, Support vector machine in 4 of 9 folds)")
    assert "of each fold" not in pair.model


def test_a_comparison_of_procedures_is_none_of_two_models_in_the_matrix() -> None:
    network = full().primary.model  # type: ignore[union-attr]
    row = [cells for title, cells in tabulate_differences(procedures()) if title == TITLES[network]]
    usual = [cells for title, cells in tabulate_differences(full()) if title == TITLES[network]]
    primary = [cell for cell in usual[0] if cell.p and not cell.corrected]
    assert len(primary) == 1
    assert primary[0] not in row[0]


def test_the_page_says_whether_the_seed_is_in_the_interval() -> None:
    assert "these fits alone" in describe_scope(full())
    assert "the mean of 3 trainings" in describe_scope(procedures())
    assert "share training cases" in describe_scope(procedures())
    holdout = dataclasses.replace(procedures(), task=full().task)
    assert "other patients and other seeds" in describe_scope(holdout)
    assert describe_scope(dataclasses.replace(full(), primary=None)) == ""
