"""What every command offers. A new command is one file here and one name in `main.COMMANDS`."""

import argparse
from typing import Protocol


class Command(Protocol):
    """A module of this package; it imports heavy libraries inside `run` alone.

    Attributes:
        NAME: What the user types.
        SUMMARY: One line for the list of commands.
        EXAMPLES: Example calls with what they do, shown at the end of the command's help.
    """

    NAME: str
    SUMMARY: str
    EXAMPLES: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it and return the exit code.

        Raises:
            SkiagramError: What the user can remedy; `main` prints it as one line.
        """
