"""One patient is one patient however the id is spelled; what is not known is no category."""

import unicodedata

import pandas as pd
import pytest

from skiagram.cli.main import main
from skiagram.datasets.folder.identifiers import fold_id
from skiagram.datasets.folder.table import list_entries
from skiagram.errors import DataError
from skiagram.options import build, read_option_file
from skiagram.tables.cells import names_nobody
from skiagram.tables.frames import empty_missing, read_table
from tests.datasets.own_folders import COLUMNS, initialised, row, write_films

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
def test_spellings_of_one_id_agree_after_folding(one, another):
    assert fold_id(one) == fold_id(another)


@pytest.mark.parametrize(("one", "another"), OTHER)
def test_other_ids_stay_apart(one, another):
    assert fold_id(one) != fold_id(another)


def project(place, monkeypatch, *spellings):
    """Write a table in which the first patient is spelled in some ways."""
    own = write_films(
        place,
        12,
        lambda at: (
            {"age": 40 + at} | ({"patient_id": spellings[at]} if at < len(spellings) else {})
        ),
    )
    (place / "conf/dataset").mkdir(parents=True)
    monkeypatch.chdir(place)
    monkeypatch.delenv("SKIAGRAM_DATA", raising=False)
    return own


def patients(place):
    source = build(read_option_file(place / "conf/dataset/films.yaml"), "dataset")
    return {entry.patient for entry in source.open(None).entries()}


@pytest.mark.slow
def test_a_patient_spelled_twice_stops_the_run_until_told(tmp_path, monkeypatch, terminal):
    own = project(tmp_path, monkeypatch, "007", "7")
    words = ["init", str(own.folder), str(own.csv), "--positive", "cancer"]
    said = terminal(words, 4)
    assert "ids of 1 patients differ in spelling alone: '007' in line 2, '7' in line 3" in said
    assert main([*words, "--similar-patients", "same"]) == 0
    assert len(patients(tmp_path)) == 6
    assert main([*words, "--similar-patients", "apart", "--renew"]) == 0
    assert len(patients(tmp_path)) == 7
    options = tmp_path / "conf/dataset/films.yaml"
    options.write_text(options.read_text().replace("patients: apart", "patients: refuse"))
    with pytest.raises(DataError, match="differ in spelling alone"):
        patients(tmp_path)


@pytest.mark.slow
def test_letters_composed_in_two_ways_are_one_patient_without_a_question(tmp_path, monkeypatch):
    own = project(tmp_path, monkeypatch, COMPOSED, unicodedata.normalize("NFD", COMPOSED))
    words = [str(own.folder), str(own.csv), "--positive", "cancer"]
    source = initialised(tmp_path, monkeypatch, *words)
    found = {entry.patient for entry in source.open(None).entries()}
    assert len(found) == 6
    assert COMPOSED in found


@pytest.mark.parametrize("word", ["NA", "nan", ".", "NULL", "-", "n/a"])
def test_a_word_for_nothing_among_numbers_is_said_and_can_be_declared(word):
    ages = [None if at == 3 else 40 + at for at in range(12)]
    table = pd.DataFrame([row(at, f"{at}.png", age=age) for at, age in enumerate(ages)])
    content = table.to_csv(index=False, na_rep=word).encode()
    listing = list_entries(read_table(content), COLUMNS, ("normal", "cancer"), ())
    (problem,) = listing.problems
    assert f"column `age`: 11 numbers and 1 texts, such as `{word}`" in str(problem)
    assert f"--missing {word}" in str(problem)
    frame, _ = empty_missing(read_table(content), [word])
    listing = list_entries(frame, COLUMNS, ("normal", "cancer"), ())
    assert not listing.problems
    assert [entry.covariates["age"] for entry in listing.entries] == ages


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
    rows = read_table(table.to_csv(index=False).encode())
    problems = list_entries(rows, COLUMNS, ("normal", "cancer"), ()).problems
    assert str(problems[0]).startswith(f"0.png: patient `{word}`")
    why = "this column as text" if word in ROUNDED else "an id of its own"
    assert why in problems[0].remedy


@pytest.mark.parametrize("word", ["unknown-1", "0", "KA", "Test", "X12", "#12", "No 4", "anon7"])
def test_a_word_that_may_be_an_id_is_one(word):
    assert not names_nobody(word)


@pytest.mark.slow
def test_words_for_nothing_and_two_spellings_of_a_class_are_said(tmp_path, monkeypatch, capsys):
    own = project(tmp_path, monkeypatch)
    table = pd.read_csv(own.csv)
    table["label"] = ["Yes", "yes", "no", "NA"] * 3
    table["view"] = ["MLO", "CC", "mlo", "n/a"] * 3
    table.to_csv(own.csv, index=False)
    main(["check", str(own.folder), str(own.csv), "--covariates", "view"])
    said = capsys.readouterr().out
    for line in (
        "Labels that stand for a missing one: `NA` (3)",
        "label: Yes, yes differ in spelling alone",
        "view: n/a counts as known",
        "view: MLO, mlo differ in spelling alone",
    ):
        assert line in said
