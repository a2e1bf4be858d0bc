"""Errors: one line for people, whole across processes."""

import pickle

import pytest

from skiagram.errors import AuditStop, DataError, ModelFailure, OptionError, SkiagramError


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
