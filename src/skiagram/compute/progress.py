"""Progress bars for people; silent where nobody watches.

A process that works for another one draws nothing: what it has done goes to the one that it works
for, which shows it beside its own bar. Where the environment names a folder, a note there tells
whoever started the process how far it is.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from skiagram.notices import NOTES, STEP, be_silent

STAGE = "SKIAGRAM_STAGE"  # environment: the stage that this process or the one before it runs
_PAUSE = 0.5  # seconds between notes

Report = Callable[[str, int, int], None]  # what is under way, steps done, steps in all

_report: Report | None = None
_under_way: "list[Progress]" = []  # of this process, each a step of the one before


def report_to(report: Report) -> None:
    """Send the progress of this process to somebody else, from now on."""
    global _report
    _report = report
    be_silent()


def format_seconds(seconds: float) -> str:
    """Write a time for people: `35 s`, `12 min`, `3.5 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"


class Progress:
    """A bar over a known number of steps; use as a context manager."""

    def __init__(self, title: str, total: int) -> None:
        # Notes for another process, reports, or a bar for who watches.
        notes = os.environ.get(NOTES) if _report is None else None
        self._note = Path(notes) / f"{os.getpid()}.json" if notes else None
        self._started, self._written, self._step = time.time(), 0.0, ""
        hidden = bool(notes) or _report is not None or not sys.stderr.isatty()
        self._bar: Any = None
        if not hidden:  # else it is not made: its lock would stay behind where a worker is killed
            from tqdm import tqdm

            self._bar = tqdm(total=total, desc=title, leave=False)
        self._title, self._done, self._total = title, 0, total

    def __getstate__(self) -> dict[str, Any]:
        """Leave the terminal's bar behind: no other process can draw it."""
        return vars(self) | {"_bar": None}

    def __enter__(self) -> "Progress":
        _under_way.append(self)
        return self

    def __exit__(self, *error: object) -> None:
        _under_way.remove(self)
        if self._bar is not None:
            self._bar.close()
        if self._note is not None:
            with suppress(OSError):
                self._note.unlink(missing_ok=True)

    def describe(self, step: str) -> None:
        if self._bar is not None:
            self._bar.set_postfix_str(step)
        self._step = step
        self._write_note()

    def advance(self, steps: int = 1) -> None:
        if self._bar is not None:
            self._bar.update(steps)
        self._done += steps
        self._write_note()
        if _report is not None:
            _report(self._title, self._done, self._total)

    def tell(self, words: str) -> None:
        """Say what was reached; in a stage by a line with the time that is left.

        Rows of a sweep are too many for lines.
        """
        self.describe(words)
        if STAGE not in os.environ:
            return
        # The share of the whole that is done: each is a step of the one before.
        share = 0.0
        for each in reversed(_under_way):
            share = (each._done + share) / each._total
        if 0 < share < 1:
            seconds = (time.time() - _under_way[0]._started) * (1 - share) / share
            whole = " of this fit" if _under_way == [self] and _report is not None else ""
            words += f"; {format_seconds(seconds)} left{whole}"
        line = f"{STEP}{words}"
        if self._bar is not None:
            self._bar.write(line, file=sys.stderr)
        else:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    def _write_note(self) -> None:
        # Not more often than anybody would look.
        if self._note is None or time.time() - self._written < _PAUSE:
            return
        self._written = time.time()
        note = {
            "title": self._title,
            "done": self._done,
            "total": self._total,
            "step": self._step,
            "seconds": self._written - self._started,
        }
        with suppress(OSError):  # of a full disk; no work ends for want of a note
            partial = self._note.with_suffix(".partial")
            partial.write_text(json.dumps(note), encoding="utf-8")
            partial.replace(self._note)
