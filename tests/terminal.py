"""A terminal in which tests type lines of the command."""

import os
import re
import shlex
from dataclasses import dataclass
from unittest.mock import patch

import pytest

from skiagram.cli.main import main


@dataclass(frozen=True)
class Terminal:
    """Runs the command in this process."""

    capsys: pytest.CaptureFixture[str]

    def __call__(self, line, code=0):
        """Run a line that ends with an exit code, None for any; return all that it shows."""
        self.capsys.readouterr()
        words = shlex.split(line) if isinstance(line, str) else [*line]
        with patch.dict(os.environ):  # a command may set variables for what it starts
            ended = main(words)
        shown = "".join(self.capsys.readouterr())
        assert code in (ended, None), shown
        return shown

    def says(self, line, fragments, code=0):
        """Run a line; what it shows must hold fragments, see `assert_says`."""
        assert_says(self(line, code), fragments)


def assert_says(shown, fragments):
    """Find fragments in a text, in which every run of blanks and line ends is one blank.

    Args:
        fragments: Between ` | `; one that begins with `!` must not be there, and ` ... ` stands
            for any words.
    """
    text = " ".join(shown.split())
    for fragment in fragments.split(" | "):
        parts = fragment.removeprefix("!").split(" ... ")
        found = re.search(".*".join(map(re.escape, parts)), text)
        assert (found is None) == fragment.startswith("!"), (fragment, shown)
