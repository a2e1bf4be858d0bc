"""One patient is one patient however the id is spelled; what is not known is no category."""

import unicodedata
from dataclasses import replace

import pandas as pd
import pytest

from skiagram.datasets.folder.identifiers import normalise_spelling
from skiagram.datasets.folder.table import list_entries
from skiagram.errors import DataError
from skiagram.tables.cells import names_nobody
from skiagram.tables.frames import empty_missing, read_table
from tests.datasets.own_folders import COLUMNS, listing_of, row, write_films

COMPOSED = "Jos\u00e9"
SAME = [
    ("MRN-12", "mrn-12"),
    ("007", "7"),
    ("7", "7.0"),
    ("P007", "P7"),
    ("A 1", "A  1"),
    ("A1", "A\u200b1"),
    ("\uff2110", "A10"),
    ("STRASSE", "stra\u00dfe"),
    ("P-007", "P7"),
    ("LIDC-IDRI-0001", "LIDC_IDRI_0001"),
    ("7 a", "7A"),
]
OTHER = [("1.05", "1.5"), ("10", "1"), ("7.5", "75"), ("A1", "B1"), ("12", "1 2"), ("1-12", "11-2")]


@pytest.mark.parametrize(("one", "another"), SAME)
def test_spellings_of_one_id_agree(one, another):
    assert normalise_spelling(one) == normalise_spelling(another)


@pytest.mark.parametrize(("one", "another"), OTHER)
def test_other_ids_stay_apart(one, another):
    assert normalise_spelling(one) != normalise_spelling(another)


WORDS = ["films", "films.csv", "--positive", "cancer"]


def write_spelled(place, *spellings):
    """Write a table in which the first patient is spelled in some ways."""
    spelled = [{"patient_id": spelling} for spelling in spellings] + [{}] * 12
    write_films(place, 12, lambda at: {"age": 40 + at} | spelled[at])


def patients(source):
    return {*source.open(None).entries["patient"]}


@pytest.mark.slow
def test_a_patient_spelled_twice_stops_the_run_until_told(here, terminal, initialised):
    write_spelled(here, "007", "7")
    said = "ids of 1 patients differ in spelling alone: '007' in line 2, '7' in line 3"
    terminal.says(["check", *WORDS], said, 4)
    assert len(patients(initialised([*WORDS, "--similar-patients", "same"]))) == 6
    source = initialised([*WORDS, "--similar-patients", "apart", "--renew"])
    assert len(patients(source)) == 7
    with pytest.raises(DataError, match="differ in spelling alone"):
        patients(replace(source, similar_patients="refuse"))


@pytest.mark.slow
def test_letters_composed_in_two_ways_are_one_patient_without_a_question(here, initialised):
    write_spelled(here, COMPOSED, unicodedata.normalize("NFD", COMPOSED))
    found = patients(initialised(WORDS))
    assert len(found) == 6
    assert COMPOSED in found


@pytest.mark.parametrize("word", ["NA", "nan", ".", "NULL", "-", "n/a"])
def test_a_word_for_nothing_among_numbers_is_said_and_can_be_declared(word):
    ages = [None if at == 3 else 40 + at for at in range(12)]
    table = pd.DataFrame([row(at, f"{at}.png", age=age) for at, age in enumerate(ages)])
    csv = table.to_csv(index=False, na_rep=word)
    (problem,) = listing_of(csv).problems
    assert f"column `age`: 11 numbers and 1 texts, such as `{word}`" in str(problem)
    assert f"--missing {word}" in str(problem)
    frame, _ = empty_missing(read_table(csv.encode()), [word])
    listing = list_entries(frame, COLUMNS, ("normal", "cancer"), ())
    assert not listing.problems
    assert listing.known["covariates"]["age"].fillna(0).tolist() == [each or 0 for each in ages]


NOBODY = (
    *("NA", "unknown", "Anonymous", "missing", "#REF!", "N.A.", "k. A.", "xxx", "-1", "PATIENT"),
    *("removed", "withheld"),
    *("Anonymous^Patient", "unknown patient", "No ID", "not recorded", "#BEZUG!"),
    *("#¡VALOR!", "#NV", "#######"),
)
ROUNDED = ("1.23457E+11", "1,2E+08")


@pytest.mark.parametrize("word", [*NOBODY, *ROUNDED])
def test_nobody_is_called_by_a_word_or_a_rounded_number(word):
    table = pd.DataFrame([row(at, f"{at}.png", patient_id=word) for at in range(4)])
    problems = listing_of(table.to_csv(index=False)).problems
    assert str(problems[0]).startswith(f"0.png: patient `{word}`")
    why = "this column as text" if word in ROUNDED else "an id of its own"
    assert why in problems[0].remedy


@pytest.mark.parametrize("word", ["unknown-1", "0", "KA", "Test", "X12", "#12", "No 4", "anon7"])
def test_a_word_that_may_be_an_id_is_one(word):
    assert not names_nobody(word)


@pytest.mark.slow
def test_words_for_nothing_and_two_spellings_of_a_class_are_said(here, terminal):
    write_spelled(here)
    table = pd.read_csv("films.csv")
    table["label"] = ["Yes", "yes", "no", "NA"] * 3
    table["view"] = ["MLO", "CC", "mlo", "n/a"] * 3
    table.to_csv("films.csv", index=False)
    says = (
        "Labels that stand for a missing one: `NA` (3) | label: Yes, yes differ in "
        "spelling alone | view: n/a counts as known | view: MLO, mlo differ in spelling alone"
    )
    terminal.says("check films films.csv --covariates view", says, None)
