"""Whatever is done to a file that somebody hands over: it is read, or refused by name."""

import pytest

from tests.hostile.kinds import KINDS
from tests.hostile.trials import GOOD, try_kind

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
