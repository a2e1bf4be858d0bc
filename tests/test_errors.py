"""Errors: one line for people, whole across processes."""

import ast
import pickle
import re
from importlib import import_module
from pathlib import Path

import pytest

import skiagram
from skiagram.declared import read_declared
from skiagram.errors import (
    AuditStop,
    DataError,
    ModelFailure,
    OptionError,
    SkiagramError,
    escape_controls,
    installed,
    name_refusal,
    named,
    printable,
    readable,
    recorded,
)


@pytest.mark.parametrize("kind", [SkiagramError, OptionError, AuditStop, DataError, ModelFailure])
def test_an_error_survives_the_way_out_of_a_worker_process(kind):
    parts = {"allowed": "one row per file", "remedy": "remove one", "detail": "case 7"}
    error = kind("two rows", where="film.png", **parts)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert copy.exit_code == kind.exit_code
    assert str(copy) == str(error)
    assert recorded(copy) == recorded(error)


def test_a_message_is_one_line_with_place_allowance_and_remedy():
    error = DataError("two\nrows.", where="film.png", allowed="one", remedy="remove one row")
    assert str(error) == "film.png: two rows. Allowed: one. Do this: remove one row."


def test_a_name_that_a_file_brings_does_nothing_to_a_terminal():
    name = "\x1b[2J\x1b]0;owned\x07 \u202efilm\udcff.png"
    error = DataError("two rows", where=name)
    assert str(error) == r"\x1b[2J\x1b]0;owned\x07 \u202efilm\udcff.png: two rows."
    assert printable("Größe ß 姓名\n") == "Größe ß 姓名\n"


def test_whatever_a_reader_raises_becomes_an_error_with_the_file():
    with pytest.raises(DataError) as caught, readable("no pixels", "film.png", "export it again"):
        raise ZeroDivisionError
    assert str(caught.value) == "film.png: no pixels. Do this: export it again."
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_an_error_gets_the_name_that_the_user_knows():
    with pytest.raises(DataError) as caught, named("film.png"):
        raise DataError("two frames", where="a stream", allowed="one", remedy="split it")
    assert str(caught.value) == "film.png: two frames. Allowed: one. Do this: split it."


def test_a_package_that_is_not_there_is_told_with_its_remedy():
    with (
        pytest.raises(OptionError) as caught,
        installed("the package nowhere", "study.methods", "explain", "none", "set it to 0"),
    ):
        import_module("skiagram_nowhere")
    error = caught.value
    assert error.found == "the package nowhere is not installed"
    assert (error.where, error.allowed) == ("study.methods", "none")
    assert error.remedy == "`make setup-dev` in the clone of skiagram, or set it to 0"


def test_marks_that_turn_writing_are_shown_and_a_space_that_breaks_no_line_stays():
    assert escape_controls("a\u202eb\x1b[2J\tc\n87\u00a0%") == "a\\u202eb\\x1b[2J\tc\n87\u00a0%"
    assert printable("87\u00a0%\u2066\n") == "87\u00a0%\\u2066\n"


PLANTED = "ZZTEST^PATIENT"
NAMING = [
    DataError(f"`{PLANTED}` is no number", where=f"{PLANTED}.dcm", allowed=PLANTED, remedy=PLANTED),
    OptionError(f"no `{PLANTED}`", where=f"--positive {PLANTED}", allowed=PLANTED),
    OptionError(f"no class '{PLANTED}'", where="conf/dataset/films.yaml: classes"),
    OptionError(f"no file /data/{PLANTED}/x", where="encoder.weights"),
    AuditStop(f"stopped: {PLANTED}", where=PLANTED),
    SkiagramError(f"no answer of {PLANTED}"),
    ModelFailure("training loss is nan", where="batch 3", detail=PLANTED),
    name_refusal("", "restore", 28, f"/data/{PLANTED}/x"),
    FileNotFoundError(2, "No such file", f"/data/{PLANTED}.png"),
    KeyError(PLANTED),
]


@pytest.mark.parametrize("error", NAMING, ids=str)
def test_a_record_has_the_kind_of_fault_and_no_name_which_the_terminal_has(error):
    assert PLANTED in str(error)
    assert PLANTED not in recorded(error)
    assert type(error).__name__ in recorded(error) or isinstance(error, SkiagramError)


def test_a_record_says_what_a_model_lacked_and_which_option_is_wrong():
    failure = ModelFailure("training loss is nan", where="batch 3", remedy="lower lr", detail="7")
    assert recorded(failure) == "batch 3: training loss is nan. Do this: lower lr."
    wrong = OptionError("1000 of 64 cases to train on", where="plan.subset.cases")
    assert recorded(wrong).startswith("plan.subset.cases: 1000 of 64 cases to train on.")
    absent = OptionError("no config conf/dataset/absent.yaml", where="options")
    assert recorded(absent) == str(absent)


@pytest.mark.parametrize(
    ("text", "number", "path", "said"),
    [
        ("", 28, "/data/x.csv", "No space left on device (/data/x.csv). Do this: free space"),
        ("[Errno 13] Permission denied: 'x'", None, "x", "(x). Do this: make the folder writable"),
        ("failed: [Errno 13] Permission denied: '/data/x'", None, None, "denied (/data/x). Do"),
        ("No usable temporary directory found in ['/tmp']", 2, None, "Do this: set TMPDIR"),
        ("No such file", 2, "x", "None"),
    ],
)
def test_what_a_machine_refuses_has_its_file_and_a_remedy(text, number, path, said):
    assert said in str(name_refusal(text, "predict", number, path))


ROOMS = sorted(path.parent.name for path in Path(skiagram.__file__).parent.glob("*/refusals.yaml"))
ROOMS.append("base")
GIVEN = {"refusal": set(), "refuse_cells": {"number", "every", "example"}}  # by who raises


@pytest.mark.parametrize("room", ROOMS)
def test_each_refusal_has_a_row_whose_words_are_given_and_each_row_is_raised(room):
    """A key or a word in braces that was misspelled would show at a user's fault alone."""
    source = Path(skiagram.__file__).parent
    package, paths = f"skiagram.{room}", (source / room).rglob("*.py")
    if room == "base":
        package, paths = "skiagram", source.glob("*.py")
    rows, raised = read_declared(package, "refusals.yaml"), set()
    for path in (source / room).rglob("*.yaml"):
        keys = re.findall(rf"\b{room}\.(\w+):", path.read_text(encoding="utf-8"))
        raised |= {*keys} & {*rows}
    for path in paths:
        code = path.read_text(encoding="utf-8")
        # Options and files may begin with the name of a room, too.
        raised |= set(re.findall(rf'"{room}\.(\w+)"', code)) & set(rows)
        calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
        for call in (each for each in calls if ast.unparse(each.func) in GIVEN):
            keys = re.findall(rf"'{room}\.(\w+)'", ast.unparse(call.args[0]))
            words = " ".join(text for key in keys for text in rows[key].values())
            asked = set(re.findall(r"{(\w+)", words.replace("{{", "")))
            given = {each.arg for each in call.keywords} - {"kind"}
            given |= GIVEN[ast.unparse(call.func)]
            assert asked == given or not keys, keys
    assert raised == set(rows)
