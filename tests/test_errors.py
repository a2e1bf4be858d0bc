"""Errors: one line for people, whole across processes."""

import pickle
from importlib import import_module

import pytest

from skiagram.errors import (
    AuditStop,
    DataError,
    ModelFailure,
    OptionError,
    SkiagramError,
    escape_controls,
    installed,
    named,
    printable,
    readable,
)


@pytest.mark.parametrize("kind", [SkiagramError, OptionError, AuditStop, DataError, ModelFailure])
def test_an_error_survives_the_way_out_of_a_worker_process(kind: type[SkiagramError]) -> None:
    error = kind("two rows", where="film.png", allowed="one row per file", remedy="remove one")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert copy.exit_code == kind.exit_code
    assert str(copy) == str(error)


def test_a_message_is_one_line_with_place_allowance_and_remedy() -> None:
    error = DataError("two\nrows.", where="film.png", allowed="one", remedy="remove one row")
    assert str(error) == "film.png: two rows. Allowed: one. Do this: remove one row."


def test_a_name_that_a_file_brings_does_nothing_to_a_terminal() -> None:
    name = "\x1b[2J\x1b]0;owned\x07 \u202efilm\udcff.png"
    error = DataError("two rows", where=name)
    assert str(error) == r"\x1b[2J\x1b]0;owned\x07 \u202efilm\udcff.png: two rows."
    assert printable("Größe ß 姓名\n") == "Größe ß 姓名\n"


def test_whatever_a_reader_raises_becomes_an_error_with_the_file() -> None:
    with pytest.raises(DataError) as caught, readable("no pixels", "film.png", "export it again"):
        raise ZeroDivisionError
    assert str(caught.value) == "film.png: no pixels. Do this: export it again."
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_an_error_gets_the_name_that_the_user_knows() -> None:
    with pytest.raises(DataError) as caught, named("film.png"):
        raise DataError("two frames", where="a stream", allowed="one", remedy="split it")
    assert str(caught.value) == "film.png: two frames. Allowed: one. Do this: split it."


def test_a_package_that_is_not_there_is_told_with_its_remedy() -> None:
    with (
        pytest.raises(OptionError) as caught,
        installed("the package nowhere", "study.methods", "pip install nowhere", "none"),
    ):
        import_module("skiagram_nowhere")
    error = caught.value
    assert error.found == "the package nowhere is not installed"
    assert (error.where, error.allowed) == ("study.methods", "none")
    assert error.remedy == "pip install nowhere"


def test_marks_that_turn_writing_are_shown_and_a_space_that_breaks_no_line_stays() -> None:
    assert escape_controls("a\u202eb\x1b[2J\tc\n87\u00a0%") == "a\\u202eb\\x1b[2J\tc\n87\u00a0%"
    assert printable("87\u00a0%\u2066\n") == "87\u00a0%\\u2066\n"
