import dataclasses

from skiagram.report.tables.comparisons import matrix, pairs
from tests.report.examples_of_findings import full
from tests.report.examples_of_results import TITLES


def test_raw_and_corrected_p_stand_side_by_side_with_words() -> None:
    first, second, third = pairs(full().secondary, TITLES)
    assert (first.p, first.corrected) == ("0.410", "1.000")
    assert first.words == "the first is not inferior, perhaps better"
    assert first.decisions == "12 : 9, p 0.510"
    assert (second.difference, second.p) == ("+0.050 (0.030–0.070)", "< 0.001")
    assert third.difference == "one class only"


def test_the_matrix_is_antisymmetric_and_shades_what_holm_leaves() -> None:
    found = dict(matrix(full()))
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
    found = dict(matrix(full()))
    titles = list(found)
    square = found[TITLES["small_cnn"]][titles.index(TITLES["random_forest"])]
    assert (square.p, square.corrected) == ("0.310", "")


def test_two_models_need_no_matrix() -> None:
    assert matrix(dataclasses.replace(full(), secondary=())) == ()
