"""A terminal in which tests type lines of the command."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from unittest.mock import patch

import pytest

from skiagram.cli.main import main


@dataclass(frozen=True)
class Terminal:
    """Runs the command in this process."""

    capsys: pytest.CaptureFixture[str]

    def __call__(self, line: Sequence[str], code: int | None = 0) -> str:
        """Run a line that ends with an exit code, None for any; return all that it shows."""
        self.capsys.readouterr()
        with patch.dict(os.environ):  # a command may set variables for what it starts
            ended = main([*line])
        shown = "".join(self.capsys.readouterr())
        assert code in (ended, None), shown
        return shown
