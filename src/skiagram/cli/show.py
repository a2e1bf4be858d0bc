"""`skiagram show`: the card of a trained model."""

import argparse
from pathlib import Path

NAME = "show"
SUMMARY = "print the card of a model, after every file of it was checked"
EXAMPLES = """\
  skiagram show svm.skiagram
      intended use, data, expected input, figures, known issues, and what it was not tested on"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("package", type=Path, help="package, or folder of a trained model")


def run(arguments: argparse.Namespace) -> int:
    """Print the card; return 0."""
    from skiagram.deploy.card import as_markdown
    from skiagram.deploy.package import read_card

    print(as_markdown(read_card(arguments.package)))
    print("Every checksum holds.")
    return 0
