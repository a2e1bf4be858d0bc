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
from skiagram.intake.file_options import FileOptions
from skiagram.intake.outcomes import GROUP, settle_outcome
from skiagram.tasks.columns import VALUE
from tests.terminal import assert_says


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
    return settle_outcome(rows, read_file_options(parser.parse_args(["films", *words])))


ROWS = "to_event,followed,state; 266,845,Mets; ,501,--; 30.5,,local"
CAUSES = "days,state; 5,Relapse; 9,died; 7,0; 4,relapse"
TIME = "--time days --event state"
FIRST = "--time to_event followed --event state"
LEFT = "--empty-label leave-out"
SCANS = (
    "to_event,followed,state,scan; 2026-03-01,2026-02-01,1,{}; ,2027-02-01,0,2026-01-04; "
    "2026-02-01,2026-02-01,0,2026-02-01"
)
SINCE = f"{FIRST} --since scan"
FOLLOWED = "days,state; 1,1; 2,0; 3,{}"
COUNTED = "days,dead; 1,0; 2,1; 3,0; {},1; 5,0; 6,1; 7,0; 8,1"
ALIVE = "days,{}; 9,1; 8,0; 7,1"
GRADES = "grade; " + "1; 2; 3; " * 10
TISSUE = "grade,state; 10,g; 2.0,f; 1,d; 2,F"
NUMBERS = "size; " + "; ".join(map(str, range(8)))
OUTCOMES = {
    "the first time that is there, and a cell that means no event": Outcome(
        f"{FIRST} --cause Mets local --no-event ''", ROWS,
        "266 event; 501 censored; 30.5 event", "2 of 3 rows have the event",
    ),
    **{
        f"covariates {names}": Outcome(
            f"{FIRST} --covariates {names}", ROWS,
            "! --covariates: `followed` is what is predicted",
        )
        for names in ("followed", "site,followed")
    },
    **{
        f"usual words {seen}, {absent}": Outcome(
            f"{TIME} {more}", f"days,state; 1,{seen}; 2,{absent}; 2,{absent}",
            "1 event; 2 censored; 2 censored", f"it is: {seen!r} (1); no event: {absent!r} (2)",
        )
        for seen, absent, more in (
            ("1", "0", ""), ("1.0", "0.0", ""), ("Yes", "No", ""), ("TRUE", "FALSE", ""),
            ("Dead", "alive", ""), ("1:DECEASED", "0:LIVING", ""),
            ("1:Recurred/Progressed", "0:DiseaseFree", ""), ("1:PROGRESSION", "0:CENSORED", ""),
            ("2 = Dead", "Alive (0)", ""),
            ("disease_progression and others", "Progression-free",
             "--cause 'disease_progression and others'"),
        )
    },
    **{
        f"{cell}, which may be an event{said}": Outcome(
            f"{TIME}{said}", FOLLOWED.format(cell), gives
        )
        for cell in (
            "-1", "9", "99", "2", "lost to follow-up", "withdrawn", "1:LIVING", "0:DECEASED", "well"
        )
        for said, gives in {
            "": rf"! may or may not be an event.*'{re.escape(cell)}' \(1\)",
            f" --no-event '{cell}'": "1 event; 2 censored; 3 censored",  # the usual words stay
        }.items()
    },
    **{
        f"{cell}, a missing event{said}": Outcome(
            f"{TIME}{said}", FOLLOWED.format(cell), gives, note
        )
        for cell in (
            "", "--", "NA", "n/a", "nan", "None", "Not Reported", "[Not Available]", "Unknown"
        )
        for said, gives, note in (
            ("", "! 1 of 3 rows do not say whether there was an event", ""),
            (f" {LEFT}", "1 event; 2 censored", "1 of 3 rows say nothing in `state`"),
        )
    },
    **{
        f"{cell}, no event": Outcome(
            f"{TIME} --no-event '' {LEFT}", FOLLOWED.format(cell), "1 event; 2 censored; 3 censored"
        )
        for cell in ("", "--")
    },
    "another word beside a cause": Outcome(
        f"{TIME} --cause relapse", "days,state; 1,relapse; 2,0; 3,pneumonia; 4,2", "! 'pneumonia'"
    ),
    "another cause that is named": Outcome(
        f"{TIME} --cause relapse --other-cause pneumonia 2",
        "days,state; 1,relapse; 2,0; 3,pneumonia; 4,2",
        "1 event; 2 censored; 3 other event; 4 other event",
        outcome="other_causes=('2', 'pneumonia')",
    ),
    "a usual other cause": Outcome(
        f"{TIME} --cause relapse", CAUSES, "5 event; 9 other event; 7 censored; 4 event",
        "another event first: 'died'", "other_causes=('died',)",
    ),
    "both as one event": Outcome(
        f"{TIME} --cause relapse died", CAUSES, "5 event; 9 event; 7 censored; 4 event",
        outcome="other_causes=()",
    ),
    "a cause that no row has": Outcome(
        f"{TIME} --cause recurrence", CAUSES,
        "! no event is called 'recurrence'.*'died', 'relapse'",
    ),
    **{
        f"{code}, a grade like a mark of missing{said}": Outcome(
            f"--grade grade{said}", f"{GRADES}{code}.0", gives, "", outcome
        )
        for code in ("9", "99", "-9999", "-1")
        for said, gives, outcome in (
            ("", f"! 1 of 31 rows have {code}, which looks like.*--missing", ""),
            (" --grades " + " ".join(sorted(("1", "2", "3", code), key=int)), "",
             f"grades={tuple(sorted(('1', '2', '3', code), key=int))}"),
        )
    },
    **{
        f"a one of `{name}`{said}": Outcome(
            f"--time days --event {name}{said}", ALIVE.format(name), gives, note
        )
        for name in ("alive", "Censored", "cens", "OS_alive", "eventFree", "survival")
        for said, gives, note in (
            ("", r"! '1' \(2\), '0' \(1\) may mean that there was.*"
             "`--cause 1 --no-event 0` where '1' is the event", ""),
            (" --cause 0 --no-event 1", "9 censored; 8 event; 7 censored",
             "1 of 3 rows have the event"),
        )
    },
    "words in a column of survival": Outcome(
        "--time days --event survival", "days,survival; 9,dead; 8,living; 7,dead",
        "9 event; 8 censored; 7 event",
    ),
    "a time far from all others": Outcome(
        "--time days --event dead", COUNTED.format(9999), "",
        "1 rows have 9999, far from all others",
    ),
    "a missing time": Outcome(
        f"--time days --event dead {LEFT}", COUNTED.format(""),
        "1 censored; 2 event; 3 censored; 5 censored; 6 event; 7 censored; 8 event",
    ),
    "a missing time without an event": Outcome(
        f"--time days {LEFT}", COUNTED.format(9), "! --event: is not given"
    ),
    **{
        f"a time called {name}{given}": Outcome(
            f"--time '{name}' --event dead{given}", f"{name},dead; 9,0; 9,1; 9,0; 9,1", "",
            "!add --unit" if unit == "days" else "add --unit", f"unit={unit}",
        )
        for name, given, unit in (
            ("OS_MONTHS", "", "months"), ("survivalYears", "", "years"),
            ("OS (month)", "", "months"), ("OS_MONTHS", " --unit days", "days"),
            ("monthly", "", "days"),
        )
    },
    "dates": Outcome(
        f"{SINCE} --unit days", SCANS.format("2026-02-01"), "28 event; 393 censored; 0 censored"
    ),
    "dates as years": Outcome(
        f"{SINCE} --unit years", SCANS.format("2026-02-01"),
        f"{28 / 365.25:.6g} event; {393 / 365.25:.6g} censored; 0 censored",
    ),
    **{
        f"{day} of a scan": Outcome(SINCE, SCANS.format(day), f"! {said}")
        for day, said in {
            "2026-03-03": "line 2: the date in `to_event` is 2 days before that in `scan`",
            "03.02.2026": "line 2: no date in the column `scan`",
            "": "no date in the column `scan`",
        }.items()
    },
    "dates in another unit": Outcome(
        f"{SINCE} --unit fractions", SCANS.format("2026-02-01"), "! differences of dates"
    ),
    **{
        f"half an outcome: {line}": Outcome(line, ROWS, f"! {said}")
        for line, said in {
            "--time to_event": "--event: is not given",
            "--event state": "--time: is not given",
            "--number followed --event state": "--number: was given too",
            "--time to_event --event state --positive Mets": "either classes",
            "--grade state --number followed": "--grade: was given too",
            "--grades 1 2 3": "--grade: is not given",
            "--grade state --grades a A b": "each once",
            # grades without an order, as the table has them
            "--grade state": "grades that are no numbers: Mets, local.*--grades LOWEST ... HIGHEST",
            "--grade state --grades Mets local": "2 grades",
            "--grade state --grades Mets local well": "line 3, column `state`",
            "--grade followed": "2 grades",
        }.items()
    },
    "events alone": Outcome(
        TIME, "days,state; 1,dead", "! every row has an event.*'dead'.*--no-event"
    ),
    "a word for no event": Outcome(
        f"{TIME} --no-event WELL", "days,state; 1,dead; 2,well", "1 event; 2 censored", "1 of 2"
    ),
    "a number by its quarters": Outcome(
        "--number size --unit mm", NUMBERS,
        "; ".join(f"{at} group {at // 2 + 1} of 4" for at in range(8)), "",
        "words=number, in mm",
    ),
    "a missing number": Outcome("--number size", "size; 3; ; 4", "! 1 of 3 rows have no number"),
    "equal numbers": Outcome("--number size", "size; 3; 3; 3.0", "! the number 3"),
    "a word for a number": Outcome("--number size", "size; 1; about 2", "! line 3.*about 2"),
    "grades by their numbers": Outcome(
        "--grade grade", TISSUE, "3 10; 2 2; 1 1; 2 2", "", "grades=('1', '2', '10')"
    ),
    "grades by the line": Outcome(
        "--grade state --grades F G D", TISSUE, "2 G; 1 F; 3 D; 1 F", "F, G, D",
        "words=grade from F to D",
    ),
    "points that may separate thousands": Outcome(
        f"{TIME} --cause Mets --no-event none",
        "days,state; 1.122,Mets; 501,none; 2.345,Mets",
        "! column `days`: points that may .*: `501`, `1.122`",
    ),
}  # fmt: skip


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
    assert_says(settled.note, given.note)
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
    assert settle_outcome(pd.DataFrame(), FileOptions(Path("films"))) is None
