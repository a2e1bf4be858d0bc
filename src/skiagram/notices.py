"""Sentences for whoever watches this process, each said once."""

import os
import sys

NOTES = "SKIAGRAM_PROGRESS"  # environment: folder of notes on progress, one a process
STEP = "  - "  # begins a line on what a stage has reached
_said: set[str] = set()
_silent = False


def be_silent() -> None:
    """Say nothing from now on: the process works for another one, which speaks for it."""
    global _silent
    _silent = True


def say_once(line: str, to_all: bool) -> None:
    """Tell who watches this process, if somebody does, why they wait; or `to_all`, to a log too."""
    watched = not _silent and (to_all or sys.stderr.isatty() or NOTES in os.environ)
    if watched and line not in _said:
        _said.add(line)
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
