"""The frame of the command line: help, version, exit codes, errors as one line."""

import errno
import io
import os
import re
import shlex
import subprocess
import sys
from types import SimpleNamespace

import pytest

from skiagram.cli import main as frame
from skiagram.errors import AuditStop, DataError, ModelFailure, OptionError, SkiagramError

HEAVY = {"torch", "sklearn", "mlflow", "pandas", "numpy", "pyarrow", "pydicom", "PIL", "hydra"}
READING_TABLES = {"run", "check", "init", "seal", "validate"}  # each outcome says their options
READ_BY_OUTCOMES = {"numpy"}
LIST_MODULES = """
import contextlib, io, sys
from skiagram.cli.main import main
for name in sys.argv[1:]:
    with contextlib.redirect_stdout(io.StringIO()) as shown, contextlib.suppress(SystemExit):
        main([*name.split(), "--help"])
    assert shown.getvalue().startswith("usage: skiagram"), name
print(*sys.modules)
"""
TALKATIVE = """
import sys
from types import SimpleNamespace
from skiagram.cli import main as frame
frame.COMMANDS = {"talk": {"summary": "talk", "examples": ""}}
sys.modules["skiagram.cli.talk"] = SimpleNamespace(run=lambda _: print("words\\n" * 10**5))
sys.exit(frame.main(["talk"]))
"""


def closed_pipe():
    reading, writing = os.pipe()
    os.close(reading)
    return writing


TURN = {
    "summary": "turn films",
    "examples": "  skiagram turn",
    "arguments": [{"name": "--side", "type": "int"}],
}


@pytest.fixture
def turn(monkeypatch):
    """Return a function that lets `turn` be the one command, which runs a function."""

    def put(run):
        monkeypatch.setattr(frame, "COMMANDS", {"turn": TURN})
        monkeypatch.setitem(sys.modules, "skiagram.cli.turn", SimpleNamespace(run=run))

    return put


@pytest.mark.slow
def test_help_and_version_load_no_heavy_library():
    others = {*frame.COMMANDS} - READING_TABLES
    for names, needed in (({"", *others}, set()), (READING_TABLES, READ_BY_OUTCOMES)):
        line = [sys.executable, "-c", LIST_MODULES, *names]
        done = subprocess.run(line, capture_output=True, text=True, check=True)
        assert not (HEAVY - needed) & set(done.stdout.split()), names


@pytest.mark.slow
@pytest.mark.parametrize("images", [(), ("images",)], ids=["features", "images"])
def test_a_wrong_column_is_named_before_libraries_of_figures_and_images_are_loaded(
    images, tmp_path
):
    (tmp_path / "images").mkdir()
    (tmp_path / "images/a.png").write_bytes(b"")
    (tmp_path / "t.csv").write_text("file,label,volume\na.png,yes,1.5\n")
    code = "import sys; from skiagram.cli.main import main; main(); print(*sys.modules)"
    line = [sys.executable, "-c", code, "run", *images, "t.csv", "--label", "lable"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True)
    assert "did you mean `label`" in done.stderr
    unused = {"scipy.special", "scipy.sparse", "scipy.ndimage", "pydicom", "requests"}
    assert not (HEAVY - {"numpy", "pandas", "pyarrow", "PIL"} | unused) & {*done.stdout.split()}


def test_the_module_runs_as_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "skiagram", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("skiagram 0.")


def help_of(line, capsys):
    with pytest.raises(SystemExit) as ended:
        frame.main(line.split())
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_help_of_a_command_shows_examples_and_exit_codes(turn, capsys):
    turn(lambda _: 4)
    shown = help_of("turn --help", capsys)
    assert "Turn films." in shown
    assert "  skiagram turn\n" in shown
    for code in ("0", "1", "2", "3", "4", "5", "130"):
        assert f"\n  {code} " in shown


@pytest.mark.parametrize("name", ["run", "check", "init"])
def test_help_shows_the_usual_options_and_help_all_the_others(name, capsys):
    shown = [help_of(f"{name} {option}", capsys) for option in ("--help", "--help-all")]
    usual, whole = ({*re.findall(r"^  (--[a-z-]+)", text, re.MULTILINE)} for text in shown)
    assert {"--positive", "--patient", "--time", "--help-all"} <= usual
    assert len(usual) <= 18
    assert usual < whole
    assert {"--most-pixels", "--empty-label"} <= whole - usual
    assert "regions of interest:" in shown[1]
    assert max(map(len, shown[1].splitlines())) <= 100


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SkiagramError("bent", where="a.png", remedy="flatten it"), 1),
        (OptionError("bent"), 2),
        (AuditStop("bent"), 3),
        (DataError("bent"), 4),
        (ModelFailure("bent"), 5),
        (KeyboardInterrupt(), 130),
        (OSError(errno.ENOSPC, "No space left on device", "scores.csv"), 1),
    ],
)
def test_an_error_is_one_line_and_its_exit_code(error, code, turn, capsys):
    def run(_):
        raise error

    turn(run)
    assert frame.main(["turn"]) == code
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    if isinstance(error, OSError):  # its file, and what to do
        assert error.filename in said
        assert "free space" in said
    else:
        assert str(error) in said


def test_a_reader_that_has_seen_enough_gets_no_traceback():
    done = subprocess.run(
        [sys.executable, "-c", TALKATIVE],
        stdout=closed_pipe(),
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "1>&- 2>&-"])
def test_what_is_printed_goes_nowhere_where_the_stream_is_closed(closed, tmp_path):
    program = tmp_path / "talk.py"
    program.write_text(TALKATIVE)
    line = f"{shlex.quote(sys.executable)} {shlex.quote(str(program))} {closed}"
    done = subprocess.run(line, shell=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_name_gives_the_terminal_no_command(turn, capsys):
    def run(_):
        sys.stdout.write("Wrote \x1b[31mä.csv\x07, µ \udcff\n2 rows\n")
        return 0

    turn(run)
    assert frame.main(["turn"]) == 0
    assert capsys.readouterr().out == "Wrote \\x1b[31mä.csv\\x07, µ \\udcff\n2 rows\n"


COLOURED = """
import colorama, sys
from types import SimpleNamespace
from skiagram.cli import main as frame
def run(_):
    colorama.init()
    print("words \\x1b[31m")
    return 0
frame.COMMANDS = {"talk": {"summary": "talk", "examples": ""}}
sys.modules["skiagram.cli.talk"] = SimpleNamespace(run=run)
sys.exit(frame.main(["talk"]))
"""


def test_a_terminal_shows_no_code_of_a_library_that_resets_colours():
    pytest.importorskip("colorama")
    reading, writing = os.openpty()
    done = subprocess.run(
        [sys.executable, "-c", COLOURED],
        stdout=writing,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")
    assert os.read(reading, 1000).splitlines() == [rb"words \x1b[31m"]
    os.close(reading)


def test_a_locale_that_lacks_a_letter_ends_no_command(turn, monkeypatch):
    turn(lambda _: sys.stdout.write("a → b, ½\n") * 0)
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert frame.main(["turn"]) == 0
    assert raw.getvalue() == b"a \\u2192 b, \\xbd\n"


def test_colours_are_for_a_terminal_and_a_name_gives_it_no_command(turn, monkeypatch, capsys):
    from skiagram.cli.terminal import print_table, print_wrapped

    def run(_):
        print_table(["model", "auc"], [["forest \x1b[2J" * 9, "0.9"]], whole=["auc"])
        print_wrapped("A warning. " * 20, style="yellow")
        return 0

    turn(run)
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)  # a notebook is a stream too
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert frame.main(["turn"]) == 0
    plain = capsys.readouterr().out
    assert "\x1b" not in plain
    assert max(map(len, plain.splitlines())) <= 80
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert frame.main(["turn"]) == 0
    coloured = capsys.readouterr().out
    assert "\x1b[33mA warning" in coloured
    assert "\x1b[2J" not in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    assert frame.main(["turn"]) == 0
    assert "\x1b[33m" not in capsys.readouterr().out
