"""`skiagram new`: a project in a folder of one's own."""

import argparse
from pathlib import Path

NAME = "new"
SUMMARY = "make a project: a folder with its stages, options, git and DVC"
EXAMPLES = """\
  skiagram new my-project
      makes the folder; then `cd my-project && dvc repro` makes the report on generated images
  cd my-repository && skiagram new project
      in a git repository that exists, which it uses"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="new or empty folder")


def run(arguments: argparse.Namespace) -> int:
    """Make the project and say what to do in it; return 0."""
    from skiagram.projects.files import make_project

    notes = make_project(arguments.folder)
    print(f"Made {arguments.folder}. Its README.md says what must never be pushed.", *notes)
    print(f"Next:\n  cd {arguments.folder} && dvc repro && skiagram show")
    return 0
