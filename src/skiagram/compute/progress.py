"""Progress bars for people; silent where nobody watches."""

import sys
from types import TracebackType

from tqdm import tqdm


class Progress:
    """A bar over a known number of steps; use as a context manager.

    Args:
        title: What is under way.
        total: Number of steps.
    """

    def __init__(self, title: str, total: int) -> None:
        self._bar = tqdm(total=total, desc=title, disable=not sys.stderr.isatty(), leave=False)

    def __enter__(self) -> "Progress":
        """Return the bar."""
        return self

    def describe(self, step: str) -> None:
        """Show what the current step is."""
        self._bar.set_postfix_str(step)

    def advance(self, steps: int = 1) -> None:
        """Count some steps as done."""
        self._bar.update(steps)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the bar."""
        self._bar.close()
