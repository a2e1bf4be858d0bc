"""Times and events as tables have them become labels and values, or one line says why not."""

import argparse
from typing import Any

import pytest

from skiagram.cli.outcome_arguments import GROUP, VALUE, add_outcome_arguments, settle_outcome
from skiagram.datasets.folder.csv_rows import TableRow
from skiagram.errors import DataError, OptionError


def table(*rows: tuple[str, str, str]) -> list[TableRow]:
    return [
        TableRow(line, dict(zip(("to_event", "followed", "state"), row, strict=True)))
        for line, row in enumerate(rows, start=2)
    ]


ROWS = table(("266", "845", "Mets"), ("", "501", "--"), ("30.5", "", "local"))


def settle(*words: str, rows: list[TableRow] = ROWS, **others: Any) -> Any:
    parser = argparse.ArgumentParser()
    add_outcome_arguments(parser)
    arguments = parser.parse_args(words)
    arguments.positive, arguments.classes, arguments.label = None, [], "label"
    for name, value in others.items():
        setattr(arguments, name, value)
    return settle_outcome(rows, arguments), arguments


def test_the_first_time_that_is_there_is_taken_and_a_cell_means_no_event() -> None:
    settled, arguments = settle("--time", "to_event", "followed", "--event", "state")
    cells = [(row.cells[VALUE], row.cells["state"]) for row in settled.rows]
    assert cells == [("266", "event"), ("501", "censored"), ("30.5", "event")]
    assert "2 of 3 rows have the event" in settled.note
    assert (arguments.label, arguments.classes) == ("state", ["censored", "event"])


@pytest.mark.parametrize("absent", ["0", "0.0", "No", "FALSE", "alive", ""])
def test_usual_words_mean_that_no_event_was_seen(absent: str) -> None:
    rows = table(("1", "", "1"), ("2", "", absent))
    settled, _ = settle("--time", "to_event", "--event", "state", rows=rows)
    assert [row.cells["state"] for row in settled.rows] == ["event", "censored"]


def test_without_the_arguments_classes_are_told_apart() -> None:
    settled, arguments = settle()
    assert settled is None
    assert arguments.label == "label"


@pytest.mark.parametrize(
    ("words", "others", "said"),
    [
        (("--time", "to_event"), {}, "--event: is not given"),
        (("--event", "state"), {}, "--time: is not given"),
        (("--number", "followed", "--event", "state"), {}, "--number: was given too"),
        (("--time", "to_event", "--event", "state"), {"positive": "Mets"}, "either classes"),
    ],
)
def test_half_a_time_is_refused(words: tuple[str, ...], others: Any, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        settle(*words, **others)


def test_an_event_that_every_row_has_is_refused_with_the_cells() -> None:
    rows = table(("1", "", "Mets"), ("2", "", "well"))
    with pytest.raises(DataError, match="every row has the event") as refused:
        settle("--time", "to_event", "--event", "state", rows=rows)
    assert "'mets'" in str(refused.value)
    assert "--no-event" in str(refused.value)
    settled, _ = settle("--time", "to_event", "--event", "state", "--no-event", "WELL", rows=rows)
    assert "1 of 2" in settled.note


def test_a_number_is_grouped_by_its_quarters_and_keeps_its_unit() -> None:
    rows = table(*((str(number), "", "") for number in range(8)))
    settled, arguments = settle("--number", "to_event", "--unit", "mm", rows=rows)
    cells = [(row.cells[VALUE], row.cells[GROUP]) for row in settled.rows]
    assert cells[0] == ("0", "group 1 of 4")
    assert cells[-1] == ("7", "group 4 of 4")
    assert settled.outcome.words == "number, in mm"
    assert (arguments.label, len(arguments.classes)) == (GROUP, 4)
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


def test_a_word_in_place_of_a_number_is_refused_with_its_line() -> None:
    with pytest.raises(DataError, match="line 3") as refused:
        settle("--number", "to_event", rows=table(("1", "", ""), ("about 2", "", "")))
    assert "about 2" in str(refused.value)
