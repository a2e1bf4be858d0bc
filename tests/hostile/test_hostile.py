"""Whatever is done to a file that somebody hands over: it is read, or refused by name."""

import pytest

from tests.hostile.kinds import KINDS
from tests.hostile.trials import GOOD, altered_file, try_kind

FEW, MANY = 5, 60  # `python -m tests.hostile` tries thousands
OF_MODELS = 12  # each is unpacked and loaded: up to a sixth of a second
LIGHT = [name for name in KINDS if not name.startswith("folder of")]


@pytest.mark.parametrize("name", LIGHT)
def test_a_few_altered_files_of_each_kind(name):
    bombs = len(KINDS[name].bombs)  # they take seconds to make
    tally = try_kind(name, range(bombs, bombs + FEW))
    assert tally.faults == []
    assert sum(tally.counts[outcome] for outcome in GOOD) == FEW
    assert tally.seconds < 10


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_many_altered_files_of_each_kind(name):
    assert try_kind(name, range(MANY if name in LIGHT else OF_MODELS)).faults == []


@pytest.mark.parametrize("name", LIGHT)
def test_an_altered_file_follows_from_its_number(name):
    kind = KINDS[name]
    first, second = (altered_file(name, len(kind.bombs) + 3) for _ in range(2))
    assert first == second
    others = [altered_file(name, len(kind.bombs) + at) for at in range(8)]
    assert len(set(others)) == len(others)
    assert kind.sound() not in others
