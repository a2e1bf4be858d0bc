"""Benchmarks: both sides take turns, a ratio keeps its spread, the page says what was missed."""

import platform
from functools import partial
from pathlib import Path

from benchmarks import mutations
from benchmarks.common import machine
from benchmarks.ratio import Ratio, Section, Side, Table, compare, renew_sections, set_rounds

RATIO = Ratio("sorting", "skiagram", "a peer 1.0", (1.0, 2.0, 1.0), (250.0, 600.0, 200.0), 240.0)


def test_sides_take_turns_after_one_call_that_does_not_count(monkeypatch):
    calls = []
    monkeypatch.setenv("SKIAGRAM_BENCHMARK_ROUNDS", "9")
    set_rounds(3)
    ours, peer = (Side(name, partial(calls.append, name), 4) for name in ("own", "peer"))
    ratio = compare("calls", ours, peer)
    assert calls == ["own", "peer"] * 4
    assert len(ratio.turns) == 3


def test_the_page_shows_spread_target_and_what_was_missed():
    missed = Ratio("joining", "skiagram", "a peer 1.0", (0.002,), (0.003,), 2.0)
    table = Table("Sizes", ("side", "seconds"), (("28", "0.1"),))
    section = Section("Lists", "lists", [RATIO, missed], [table])
    text = renew_sections("# Benchmarks\n", "a processor.", [section])
    assert "| sorting | 250 (200–300) | 240: reached | skiagram: 1 s | a peer 1.0: 250 s |" in text
    assert "| joining | 1.5 (1.5–1.5) | 2: **missed** | skiagram: 2 ms |" in text
    assert "| 28 | 0.1 |" in text


def test_a_benchmark_renews_its_own_section_and_others_stay():
    sections = [Section(name, name, [RATIO], []) for name in ("lists", "trees")]
    whole = renew_sections("# Benchmarks\n", "a processor.", sections)
    whole += "\n## roots\n\nMeasured once, without a command.\n"
    again = Ratio("sorting", "skiagram", "a peer 2.0", (1.0,), (300.0,), None)
    sections = [Section("trees", "trees", [again], []), Section("maps", "maps", [again], [])]
    text = renew_sections(whole, "another.", sections)
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## lists", "## maps", "## roots", "## trees",
    ]  # fmt: skip
    assert text.count("a peer 1.0") == 1
    assert text.count("turns on another.") == text.count("a peer 2.0") == 2
    assert "Measured once" in text
    assert renew_sections(text, "another.", sections) == text


def test_the_machine_is_described_without_its_name_or_a_path():
    text = machine()
    assert f"Python {platform.python_version()}" in text
    assert platform.node() not in text
    assert str(Path.cwd()) not in text


def test_a_change_of_a_line_is_one_that_python_reads():
    text = "ä = {'a': 1, 'b': 2}\nif ä['a'] < 3:\n    ä['a'] += 1 * 2\n"
    found = mutations.changes("a.py", text)
    assert [(made.kind, made.was, made.becomes) for made, _ in found.values()] == [
        ("denied", "ä['a'] < 3", "not ä['a'] < 3"),
        ("entry", "{'a': 1, 'b': 2}", "{'a': 1}"),
        ("comparison", "ä['a'] < 3", "ä['a'] >= 3"),
        ("dropped", "ä['a'] += 1 * 2", "pass"),
        ("constant", "'a'", "'a_'"),
        ("constant", "3", "4"),
        ("arithmetic", "1 * 2", "1 / 2"),
        ("constant", "'a'", "'a_'"),
    ]
    for made, at in found.values():
        assert text[at:].startswith(made.was)
