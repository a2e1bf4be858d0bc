"""`skiagram plan` as a user meets it."""

import json
import re
from pathlib import Path

import pytest

from skiagram.cli.main import main

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "plan-a-study.md"
COMMON = ("--prevalence", "0.3", "--auc", "0.85")


def plan(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["plan", *words])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_assumptions_come_first_then_every_answer(capsys: pytest.CaptureFixture[str]) -> None:
    words = (*COMMON, "--half-width", "0.05", "--margin", "0.02", "--correlation", "0.6")
    code, out, _ = plan(capsys, *words)
    assert code == 0
    parts = ("Assumptions", "Precision of the AUC", "Settling the margin")
    places = [out.index(part) for part in parts]
    assert places == sorted(places)
    assert places[0] == 0
    assert "0.3 of all patients have the condition" in out
    assert "settling takes 1.34 times as many" in out
    assert "planning value is 0" in out


def test_it_says_whose_auc_is_assumed(capsys: pytest.CaptureFixture[str]) -> None:
    _, single, _ = plan(capsys, *COMMON, "--half-width", "0.05")
    assert "The model's AUC is 0.85." in single
    words = ("--margin", "0.02", "--correlation", "0.6", "--true-difference", "0.07")
    _, pair, _ = plan(capsys, *COMMON, *words)
    assert "The other model's AUC is 0.85, the new model's 0.92." in pair


@pytest.mark.slow
def test_events_of_a_time_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--concordance", "0.65", "--margin", "0.05", "--correlation", "0.6")
    counted = {}
    for share in ("0.2", "0.4"):
        code, out, _ = plan(capsys, "--prevalence", share, *words)
        assert code == 0
        assert "the event while they are followed" in out
        found = re.search(r"(\d+) patients, about (\d+) of them with the event", out)
        assert found
        counted[share] = [int(number) for number in found.groups()]
    (rare, events_if_rare), (common, events) = counted["0.2"], counted["0.4"]
    assert 1.6 < rare / common < 2.1  # events count
    assert 0.8 < events_if_rare / events < 1.1
    code, _, error = plan(capsys, "--prevalence", "0.2", *words, "--auc", "0.8")
    assert code == 2
    assert "--auc" in error


def test_json_holds_what_the_text_says(capsys: pytest.CaptureFixture[str]) -> None:
    words = (*COMMON, "--half-width", "0.05")
    _, text, _ = plan(capsys, *words)
    code, out, _ = plan(capsys, *words, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["difference"] is None
    assert found["patients"] == found["precision"]["patients"]
    assert f"{found['patients']} patients" in text
    for one in found["assumptions"]:
        assert one in text


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (COMMON, "no question was given"),
        (("--half-width", "0.05", "--auc", "0.8"), "--prevalence"),
        ((*COMMON, "--half-width", "0.6"), "--half-width"),
        ((*COMMON, "--half-width", "nan"), "--half-width"),
        (("--prevalence", "30", "--auc", "0.8", "--half-width", "0.05"), "--prevalence"),
        ((*COMMON, "--margin", "0.02", "--correlation", "1"), "--correlation"),
        (
            (*COMMON, "--margin", "0.02", "--correlation", "0.5", "--true-difference", "0.2"),
            "--true-difference",
        ),
        ((*COMMON, "--half-width", "0.05", "--true-difference", "0.01"), "--true-difference"),
        ((*COMMON, "--half-width", "many"), "--half-width"),
        ((*COMMON, "--half-width", "0.05", "--concordance", "0.7"), "--auc"),
    ],
)
def test_a_wrong_value_is_one_line_and_2(
    words: tuple[str, ...], where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = plan(capsys, *words)
    assert code == 2
    assert out == ""
    assert where in err
    assert err.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("written", ["30%", "30 %", "0,3"])
def test_a_number_as_people_write_it_gets_the_plain_one(
    written: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--prevalence", written, "--auc", "0.85", "--half-width", "0.05")
    code, _, error = plan(capsys, *words)
    assert code == 2
    assert error.rstrip().endswith("did you mean `0.3`?")


def test_the_page_shows_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```(sh|text)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    out, compared = "", 0
    for kind, text in blocks:
        if kind == "sh":
            words = text.split()
            assert words[:2] == ["skiagram", "plan"]
            code, out, _ = plan(capsys, *words[2:])
            assert code == 0
        else:
            assert text in out
            compared += 1
    assert compared == 3
