"""Times and events as tables have them become labels and values, or one line says why not."""

import argparse
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from skiagram.cli.file_arguments import add_outcome_arguments, read_file_options
from skiagram.errors import DataError, OptionError
from skiagram.intake.file_options import FileOptions
from skiagram.intake.outcomes import GROUP, settle_outcome
from skiagram.tasks.columns import VALUE


def table(*rows: tuple[str, str, str]) -> pd.DataFrame:
    names = ["to_event", "followed", "state"]
    return pd.DataFrame([*rows], columns=names, index=range(2, len(rows) + 2))


ROWS = table(("266", "845", "Mets"), ("", "501", "--"), ("30.5", "", "local"))


def settle(*words: str, rows: pd.DataFrame = ROWS, **others: Any) -> Any:
    parser = argparse.ArgumentParser()
    add_outcome_arguments(parser)
    parser.set_defaults(folder=Path("films"), **others)
    settled = settle_outcome(rows, read_file_options(parser.parse_args(words)))
    assert settled is not None
    return settled


def test_the_first_time_that_is_there_is_taken_and_a_cell_means_no_event() -> None:
    words = ("--event", "state", "--cause", "Mets", "local", "--no-event", "")
    settled = settle("--time", "to_event", "followed", *words)
    cells = [*zip(settled.frame[VALUE], settled.frame[GROUP], strict=True)]
    assert cells == [("266", "event"), ("501", "censored"), ("30.5", "event")]
    assert "2 of 3 rows have the event" in settled.note
    assert (settled.options.label, settled.options.classes) == (GROUP, ("censored", "event"))


@pytest.mark.parametrize("words", [["followed"], ["site,followed"]])
def test_what_is_predicted_is_no_covariate(words: list[str]) -> None:
    line = ("--time", "to_event", "followed", "--event", "state")
    with pytest.raises(OptionError, match="--covariates: `followed` is what is predicted"):
        settle(*line, covariates=words)


STATES = ("--time", "to_event", "--event", "state")


@pytest.mark.parametrize(
    "words",
    [
        ("1", "0"),
        ("1.0", "0.0"),
        ("Yes", "No"),
        ("TRUE", "FALSE"),
        ("Dead", "alive"),
        ("1:DECEASED", "0:LIVING"),
        ("1:Recurred/Progressed", "0:DiseaseFree"),
        ("1:PROGRESSION", "0:CENSORED"),
        ("2 = Dead", "Alive (0)"),
        ("disease_progression and others", "Progression-free"),
    ],
)
def test_usual_words_mean_an_event_or_none_and_are_told_with_their_counts(
    words: tuple[str, str],
) -> None:
    seen, absent = words
    rows = table(("1", "", seen), ("2", "", absent), ("2", "", absent))
    named = ["--cause", seen] if "others" in seen else []
    settled = settle(*STATES, *named, rows=rows)
    assert settled.frame[GROUP].tolist() == ["event", "censored", "censored"]
    assert f"it is: {seen!r} (1); no event: {absent!r} (2)" in settled.note


@pytest.mark.parametrize(
    "cell",
    ["-1", "9", "99", "2", "lost to follow-up", "withdrawn", "1:LIVING", "0:DECEASED", "well"],
)
def test_a_cell_that_may_or_may_not_be_an_event_is_asked_for(cell: str) -> None:
    rows = table(("1", "", "1"), ("2", "", "0"), ("3", "", cell))
    with pytest.raises(DataError, match="may or may not be an event") as refused:
        settle(*STATES, rows=rows)
    assert f"{cell!r} (1)" in str(refused.value)
    settled = settle(*STATES, "--no-event", cell, rows=rows)  # the usual words stay
    assert settled.frame[GROUP].tolist() == ["event", "censored", "censored"]


@pytest.mark.parametrize(
    "cell", ["", "--", "NA", "n/a", "nan", "None", "Not Reported", "[Not Available]", "Unknown"]
)
def test_a_missing_event_is_neither_an_event_nor_none(cell: str) -> None:
    rows = table(("1", "", "1:DECEASED"), ("2", "", "0:LIVING"), ("3", "", cell))
    with pytest.raises(DataError, match="1 of 3 rows do not say whether there was an event"):
        settle(*STATES, rows=rows)
    settled = settle(*STATES, rows=rows, empty_label="leave-out")
    assert settled.frame[GROUP].tolist() == ["event", "censored"]
    assert "1 of 3 rows say nothing in `state`" in settled.note
    if cell in ("", "--"):
        settled = settle(*STATES, "--no-event", "", rows=rows, empty_label="leave-out")
        assert settled.frame[GROUP].tolist()[-1] == "censored"


def test_what_is_no_usual_event_is_no_other_cause_unless_it_is_named() -> None:
    rows = table(("1", "", "relapse"), ("2", "", "0"), ("3", "", "pneumonia"), ("4", "", "2"))
    with pytest.raises(DataError, match="'pneumonia'"):
        settle(*STATES, "--cause", "relapse", rows=rows)
    words = ("--cause", "relapse", "--other-cause", "pneumonia", "2")
    settled = settle(*STATES, *words, rows=rows)
    assert settled.outcome.other_causes == ("2", "pneumonia")


@pytest.mark.parametrize("code", ["9", "99", "-9999", "-1"])
def test_a_grade_that_looks_like_a_mark_of_missing_is_asked_for(code: str) -> None:
    rows = table(*((grade, "", "") for grade in (*"123" * 10, f"{code}.0")))
    with pytest.raises(DataError, match=f"1 of 31 rows have {code}, which looks like") as refused:
        settle("--grade", "to_event", rows=rows)
    assert "--missing" in str(refused.value)
    named = ("--grades", *sorted({"1", "2", "3", code}, key=float))
    settled = settle("--grade", "to_event", *named, rows=rows)
    assert len(settled.outcome.grades) == 4


CAUSES = table(("5", "", "Relapse"), ("9", "", "died"), ("7", "", "0"), ("4", "", "relapse"))


@pytest.mark.parametrize("name", ["alive", "Censored", "cens", "OS_alive", "eventFree", "survival"])
def test_a_one_of_a_column_that_may_mean_no_event_is_asked_for(name: str) -> None:
    cells = [("9", "1"), ("8", "0"), ("7", "1")]
    rows = pd.DataFrame(cells, columns=["days", name])
    line = ("--time", "days", "--event", name)
    with pytest.raises(DataError, match=r"'1' \(2\), '0' \(1\) may mean that there was") as asked:
        settle(*line, rows=rows)
    assert "`--cause 1 --no-event 0` where '1' is the event" in asked.value.remedy
    settled = settle(*line, "--cause", "0", "--no-event", "1", rows=rows)
    assert "1 of 3 rows have the event" in settled.note
    told = rows.assign(**{name: ["dead", "living", "dead"]})
    assert "2 of 3 rows have the event" in settle(*line, rows=told).note


def test_a_time_that_marks_what_is_missing_is_said_and_its_row_left_out() -> None:
    days = ["1", "2", "3", "9999", *"5678"]
    rows = pd.DataFrame({"days": days, "dead": [*"01010101"]})
    line = ("--time", "days", "--event", "dead")
    note = settle(*line, rows=rows).note
    assert "1 rows have 9999, far from all others" in note
    rows = rows.assign(days=rows["days"].replace("9999", ""))
    settled = settle(*line, rows=rows, empty_label="leave-out")
    assert len(settled.frame) == 7
    with pytest.raises(OptionError, match="--event: is not given"):
        settle("--time", "days", rows=rows, empty_label="leave-out")


@pytest.mark.parametrize(
    ("name", "given", "unit"),
    [
        ("OS_MONTHS", (), "months"),
        ("survivalYears", (), "years"),
        ("OS (month)", (), "months"),
        ("OS_MONTHS", ("--unit", "days"), "days"),
        ("monthly", (), "days"),
    ],
)
def test_a_unit_in_the_name_of_a_time_is_its_unit(
    name: str, given: tuple[str, ...], unit: str
) -> None:
    rows = pd.DataFrame({name: ["9"] * 4, "dead": [*"0101"]})
    settled = settle("--time", name, "--event", "dead", *given, rows=rows)
    assert settled.outcome.unit == unit
    assert ("add --unit" in settled.note) == (unit != "days")


def test_another_cause_has_a_label_of_its_own_and_is_told() -> None:
    words = ("--time", "to_event", "--event", "state", "--cause", "relapse")
    settled = settle(*words, rows=CAUSES)
    states = settled.frame[GROUP].tolist()
    assert states == ["event", "other event", "censored", "event"]
    assert settled.outcome.other_causes == ("died",)
    assert (settled.options.classes, settled.options.positive) == (settled.outcome.classes, None)
    assert "another event first: 'died'" in settled.note
    label = np.array([settled.outcome.classes.index(state) for state in states])
    (told, *_) = settled.outcome.doubts(np.ones(4), label, np.arange(4))
    assert "Another event (died)" in told
    single = settle(*words, "died", rows=CAUSES)
    assert single.outcome.other_causes == ()
    assert single.options.positive == "event"


def test_another_cohorts_line_may_leave_out_which_cells_are_the_event() -> None:
    words = ("--time", "to_event", "--event", "state")
    settled = settle(*words, "--cause", "relapse", "--no-event", "0", "well", rows=CAUSES)
    asked = settled.outcome.asked
    known = {"unit": "days", "cause": ["relapse"], "no_event": ["0", "well"]}
    assert asked == known | {"other_cause": None}
    theirs = settle(*words, rows=CAUSES, **asked)
    assert theirs.frame[GROUP].tolist().count("event") == 2
    with pytest.raises(DataError, match="no event is called 'relapse'"):
        settle(*words, rows=table(("5", "", "recurred"), ("9", "", "0")), **asked)


def test_a_cause_that_no_row_has_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(DataError, match="no event is called 'recurrence'") as refused:
        settle("--time", "to_event", "--event", "state", "--cause", "recurrence", rows=CAUSES)
    assert "'died', 'relapse'" in str(refused.value)


SCANS = ("2026-02-01", "2026-01-04", "2026-02-01")
DATED = table(
    ("2026-03-01", "2026-02-01", "1"), ("", "2027-02-01", "0"), ("2026-02-01", "2026-02-01", "0")
)


@pytest.mark.parametrize(("unit", "cells"), [("days", ["28", "393", "0"]), ("years", None)])
def test_dates_become_times_since_the_image(unit: str, cells: list[str] | None) -> None:
    rows = DATED.assign(scan=[*SCANS])
    words = ["--time", "to_event", "followed", "--since", "scan", "--event", "state"]
    settled = settle(*words, "--unit", unit, rows=rows)
    found = settled.frame[VALUE].tolist()
    assert found == (cells or [f"{days / 365.25:.6g}" for days in (28, 393, 0)])


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2026-03-03", "line 2: the date in `to_event` is 2 days before that in `scan`"),
        ("03.02.2026", "line 2: no date in the column `scan`"),
        ("", "no date in the column `scan`"),
    ],
)
def test_what_is_no_time_since_the_image_is_refused(day: str, said: str) -> None:
    rows = DATED.assign(scan=[day, *SCANS[1:]])
    words = ["--time", "to_event", "followed", "--since", "scan", "--event", "state"]
    with pytest.raises(DataError, match=re.escape(said)):
        settle(*words, rows=rows)
    with pytest.raises(OptionError, match="differences of dates"):
        settle(*words, "--unit", "fractions", rows=rows)


def test_without_the_arguments_classes_are_told_apart() -> None:
    assert settle_outcome(ROWS, FileOptions(Path("films"))) is None


@pytest.mark.parametrize(
    ("words", "others", "said"),
    [
        (("--time", "to_event"), {}, "--event: is not given"),
        (("--event", "state"), {}, "--time: is not given"),
        (("--number", "followed", "--event", "state"), {}, "--number: was given too"),
        (("--time", "to_event", "--event", "state"), {"positive": "Mets"}, "either classes"),
        (("--grade", "state", "--number", "followed"), {}, "--grade: was given too"),
        (("--grades", "1", "2", "3"), {}, "--grade: is not given"),
        (("--grade", "state", "--grades", "a", "A", "b"), {}, "each once"),
    ],
)
def test_half_a_time_is_refused(words: tuple[str, ...], others: Any, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        settle(*words, **others)


def test_an_event_that_every_row_has_is_refused_with_the_cells() -> None:
    rows = table(("1", "", "dead"), ("2", "", "well"))
    with pytest.raises(DataError, match="every row has an event") as refused:
        settle("--time", "to_event", "--event", "state", rows=rows[:1])
    assert "'dead'" in str(refused.value)
    assert "--no-event" in str(refused.value)
    settled = settle("--time", "to_event", "--event", "state", "--no-event", "WELL", rows=rows)
    assert "1 of 2" in settled.note


def test_a_number_is_grouped_by_its_quarters_and_keeps_its_unit() -> None:
    rows = table(*((str(number), "", "") for number in range(8)))
    settled = settle("--number", "to_event", "--unit", "mm", rows=rows)
    cells = [*zip(settled.frame[VALUE], settled.frame[GROUP], strict=True)]
    assert cells[0] == ("0", "group 1 of 4")
    assert cells[-1] == ("7", "group 4 of 4")
    assert settled.outcome.words == "number, in mm"
    assert (settled.options.label, len(settled.options.classes)) == (GROUP, 4)
    assert settled.columns == ("to_event",)


@pytest.mark.parametrize(
    ("cells", "words"),
    [(("3", "", "4"), "1 of 3 rows have no number"), (("3", "3", "3.0"), "the number 3")],
)
def test_a_column_without_numbers_or_of_equal_ones_is_refused(
    cells: tuple[str, str, str], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        settle("--number", "to_event", rows=table(*((cell, "", "") for cell in cells)))


def test_grades_have_the_order_of_their_numbers_or_the_one_that_is_told() -> None:
    rows = table(
        *((cell, "", word) for cell, word in zip(["10", "2.0", "1", "2"], "gfdF", strict=True))
    )
    settled = settle("--grade", "to_event", rows=rows)
    assert settled.outcome.grades == ("1", "2", "10")
    assert settled.frame[VALUE].tolist() == ["3", "2", "1", "2"]
    assert settled.frame[GROUP].tolist() == ["10", "2", "1", "2"]
    assert (settled.options.label, settled.options.positive) == (GROUP, None)
    settled = settle("--grade", "state", "--grades", "F", "G", "D", rows=rows)
    assert settled.frame[GROUP].tolist() == ["G", "F", "D", "F"]
    assert settled.outcome.words == "grade from F to D"
    assert "F, G, D" in settled.note


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--grade", "state"), "--grades LOWEST ... HIGHEST"),
        (("--grade", "state"), "grades that are no numbers: Mets, local"),  # as the table has them
        (("--grade", "state", "--grades", "Mets", "local"), "2 grades"),
        (("--grade", "state", "--grades", "Mets", "local", "well"), "line 3, column `state`"),
        (("--grade", "followed"), "2 grades"),
    ],
)
def test_what_is_no_order_of_grades_is_refused_with_help(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(DataError, match=re.escape(said)):
        settle(*words)


def test_a_word_in_place_of_a_number_is_refused_with_its_line() -> None:
    with pytest.raises(DataError, match="line 3") as refused:
        settle("--number", "to_event", rows=table(("1", "", ""), ("about 2", "", "")))
    assert "about 2" in str(refused.value)


def test_times_whose_points_may_separate_thousands_are_refused() -> None:
    rows = table(("", "1.122", "Mets"), ("", "501", "none"), ("30.5", "2.345", "Mets"))
    words = ("--time", "followed", "--event", "state", "--cause", "Mets", "--no-event", "none")
    with pytest.raises(DataError, match=r"column `followed`: points that may .*: `501`, `1.122`"):
        settle(*words, rows=rows)
