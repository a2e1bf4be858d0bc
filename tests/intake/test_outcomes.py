"""Times and events as tables have them become labels and values, or one line says why not."""

import re
import shlex
from argparse import ArgumentParser
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from skiagram.cli.file_arguments import add_file_arguments, read_file_options
from skiagram.errors import DataError, SkiagramError
from skiagram.intake.described_tables import SettledTable
from skiagram.intake.file_options import FileOptions
from skiagram.intake.outcomes import GROUP, settle_outcome
from skiagram.tasks.columns import VALUE
from tests.terminal import assert_says
from tests.yaml_rows import read_rows


class Outcome(NamedTuple):
    """A line, a table, and what they give.

    Attributes:
        line: Options of `check`.
        table: Header and rows, between `; `.
        gives: Value and label of each row, between `; `; after `! ` the error, a pattern.
        note: What is said besides, see `tests.terminal.assert_says`.
        outcome: `NAME=VALUE` of the outcome.
    """

    line: str
    table: str
    gives: str
    note: str = ""
    outcome: str = ""


def settle(line, table, **known):
    """Return what a line makes of a table.

    Args:
        known: Further options of the outcome, as another cohort has them from the project.
    """
    parser = ArgumentParser()
    add_file_arguments(parser)
    words = shlex.split(line)
    text = StringIO("\n".join(table.split("; ")))
    rows = pd.read_csv(text, dtype=str, keep_default_na=False, skip_blank_lines=False)
    rows.index += 2
    parser.set_defaults(**known)
    options = read_file_options(parser.parse_args(["films", *words]))
    return settle_outcome(SettledTable(rows, options))


CAUSES = "days,state; 5,Relapse; 9,died; 7,0; 4,relapse"
TIME = "--time days --event state"
OUTCOMES = read_rows(__file__, "outcomes", Outcome)


@pytest.mark.parametrize("case", OUTCOMES)
def test_a_line_makes_values_and_labels_or_is_refused(case):
    given = OUTCOMES[case]
    if given.gives.startswith("!"):
        with pytest.raises(SkiagramError) as refused:
            settle(given.line, given.table)
        assert re.search(given.gives[2:], str(refused.value))
        return
    settled = settle(given.line, given.table)
    if given.gives:
        cells = zip(settled.frame[VALUE], settled.frame[GROUP], strict=True)
        assert "; ".join(f"{value} {label}" for value, label in cells) == given.gives
    assert_says(" ".join(settled.notes), given.note)
    name, _, value = given.outcome.partition("=")
    assert not name or str(getattr(settled.outcome, name)) == value
    # the label belongs to the outcome
    classes = settled.outcome.classes
    assert (settled.options.label, settled.options.classes) == (GROUP, classes)
    assert settled.options.positive == (classes[-1] if len(classes) == 2 else None)


def test_another_cause_is_told_of_a_data_set():
    outcome = settle(f"{TIME} --cause relapse", CAUSES).outcome
    label = np.array([1, 2, 0, 1])
    (told, *_) = outcome.doubts(np.ones(4), label, np.arange(4))
    assert "Another event (died)" in told


def test_another_cohorts_line_may_leave_out_which_cells_are_the_event():
    settled = settle(f"{TIME} --cause relapse --no-event 0 well", CAUSES)
    asked = settled.outcome.asked
    known = {"unit": "days", "cause": ["relapse"], "no_event": ["0", "well"]}
    assert asked == known | {"other_cause": None}
    theirs = settle(TIME, CAUSES, **asked)
    assert theirs.frame[GROUP].tolist().count("event") == 2
    with pytest.raises(DataError, match="no event is called 'relapse'"):
        settle(TIME, "days,state; 5,recurred; 9,0", **asked)


def test_without_the_arguments_classes_are_told_apart():
    table = SettledTable(pd.DataFrame(), FileOptions(Path("films")))
    assert settle_outcome(table) is table
