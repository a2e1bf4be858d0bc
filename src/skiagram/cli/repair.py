"""`skiagram repair`: what a killed run left of a project is mended, before DVC begins."""

import argparse
import sys
from pathlib import Path

NAME = "repair"
SUMMARY = "mend what a killed run left of a project: a cut dvc.lock, begun copies, a lost record"
EXAMPLES = """\
  skiagram repair
      in a project's folder, before `dvc repro`; `make repro` and `skiagram run` do it themselves"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare no arguments."""


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001
    """Mend the project in this folder and say what was done; return 0."""
    from skiagram.projects.lock import repair

    for line in repair(Path()):
        print(line, file=sys.stderr)
    return 0
