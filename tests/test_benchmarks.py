"""Benchmarks: both sides take turns, a ratio keeps its spread, the page says what was missed."""

import platform
from functools import partial
from pathlib import Path

from benchmarks import mutations
from benchmarks.common import machine
from benchmarks.ratio import Side, compare, tabulate


def test_sides_take_turns_after_one_call_that_does_not_count(monkeypatch):
    calls = []
    monkeypatch.setenv("SKIAGRAM_BENCHMARK_ROUNDS", "3")
    ours, peer = (Side(name, partial(calls.append, name), 4) for name in ("own", "peer"))
    compare("calls", ours, peer)
    assert calls == ["own", "peer"] * 4


def test_a_row_shows_spread_target_and_what_was_missed(monkeypatch):
    monkeypatch.setenv("SKIAGRAM_BENCHMARK_ROUNDS", "3")
    ours, peer = Side("skiagram", int), Side("a peer 1.0", int)
    rows = []
    for title, target, own, theirs in (
        ("sorting", 240.0, (9, 1.0, 2.0, 1.0), (9, 250.0, 600.0, 200.0)),
        ("joining", 2.0, (9, 0.002, 0.002, 0.002), (9, 0.003, 0.003, 0.003)),
    ):
        taken = iter([seconds for turn in zip(own, theirs, strict=True) for seconds in turn])
        monkeypatch.setattr("benchmarks.ratio._seconds", lambda _, taken=taken: next(taken))
        rows.append(compare(title, ours, peer, target))
    text = str(tabulate(rows))
    assert "| sorting | 250 (200–300) | 240: reached | skiagram: 1 s | a peer 1.0: 250 s |" in text
    assert "| joining | 1.5 (1.5–1.5) | 2: **missed** | skiagram: 2 ms |" in text


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
