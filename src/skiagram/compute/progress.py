"""Progress bars for people; silent where nobody watches.

A process that works for another one draws nothing: what it has done goes to the one that it works
for, which shows it beside its own bar.
"""

import sys
from collections.abc import Callable

from tqdm import tqdm

Report = Callable[[str, int, int], None]  # what is under way, steps done, steps in all

_report: Report | None = None


def report_to(report: Report) -> None:
    """Send the progress of this process to somebody else, from now on."""
    global _report
    _report = report


class Progress:
    """A bar over a known number of steps; use as a context manager."""

    def __init__(self, title: str, total: int) -> None:
        hidden = _report is not None or not sys.stderr.isatty()
        self._bar = tqdm(total=total, desc=title, disable=hidden, leave=False)
        self._title, self._done, self._total = title, 0, total

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def describe(self, step: str) -> None:
        """Show what the current step is."""
        self._bar.set_postfix_str(step)

    def advance(self, steps: int = 1) -> None:
        """Count some steps as done."""
        self._bar.update(steps)
        self._done += steps
        if _report is not None:
            _report(self._title, self._done, self._total)
