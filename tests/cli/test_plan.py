"""`skiagram plan` as a user meets it."""

import json
import re

import pytest

from tests import REPOSITORY
from tests.yaml_rows import read_yaml

PAGE = REPOSITORY / "docs" / "how-to" / "plan-a-study.md"
COMMON = "plan --prevalence 0.3 --auc 0.85"
PRECISE = f"{COMMON} --half-width 0.05"
WRONG = read_yaml(__file__)["wrong"]


def test_assumptions_come_first_then_every_answer(terminal):
    out = terminal(f"{PRECISE} --margin 0.02 --correlation 0.6")
    parts = ("Assumptions", "Precision of the AUC", "Settling the margin")
    places = [out.index(part) for part in parts]
    assert places == sorted(places)
    assert places[0] == 0
    assert "0.3 of all patients have the condition" in out
    assert "settling takes 1.34 times as many" in out
    assert "planning value is 0" in out


def test_it_says_whose_auc_is_assumed(terminal):
    terminal.says(PRECISE, "The model's AUC is 0.85.")
    pair = f"{COMMON} --margin 0.02 --correlation 0.6 --true-difference 0.07"
    terminal.says(pair, "The other model's AUC is 0.85, the new model's 0.92.")


def test_json_holds_what_the_text_says(terminal):
    text, found = terminal(PRECISE), json.loads(terminal(f"{PRECISE} --json"))
    assert found["difference"] is None
    assert found["patients"] == found["precision"]["patients"]
    for told in (f"{found['patients']} patients", *found["assumptions"]):
        assert told in text


@pytest.mark.parametrize(("line", "said"), WRONG.items())
def test_a_wrong_value_is_one_line_and_2(line, said, terminal):
    shown = terminal(line, 2)
    assert said in shown
    assert shown.count("\n") == 1


def test_the_page_shows_what_the_command_prints(terminal):
    blocks = re.findall(r"```(sh|text)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    shown = [terminal(text.removeprefix("skiagram ")) for kind, text in blocks if kind == "sh"]
    texts = [text for kind, text in blocks if kind == "text"]
    assert len(texts) == 2
    for text, out in zip(texts, shown, strict=True):
        assert text in out
