"""`skiagram repair`: what a killed run left of a project is mended, before DVC begins."""

import argparse
import sys
from pathlib import Path

from skiagram.projects.lock import repair


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001
    """Mend the project in this folder and say what was done; return 0."""
    for line in repair(Path()):
        print(line, file=sys.stderr)
    return 0
