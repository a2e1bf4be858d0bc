"""`skiagram show`: the card of a trained model."""

import argparse
from pathlib import Path

NAME = "show"
SUMMARY = "print the card of a model, after every file of it was checked"
EXAMPLES = """\
  skiagram show svm.skiagram
      intended use, data, expected input, figures, known issues, and what it was not tested on
  skiagram show svm.skiagram --signers trusted_signers
      refuses a package that nobody on this list of OpenSSH signed"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("package", type=Path, help="package, or folder of a trained model")
    parser.add_argument("--signers", type=Path, help="list of trusted signers (ssh-keygen -Y)")


def run(arguments: argparse.Namespace) -> int:
    """Print the card and who signed it; return 0."""
    from skiagram.deploy.card import as_markdown
    from skiagram.deploy.package import read_card

    card, signature = read_card(arguments.package, arguments.signers)
    print(as_markdown(card))
    print(signature)
    return 0
