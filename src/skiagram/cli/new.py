"""`skiagram new`: a project in a folder of one's own."""

import argparse


def run(arguments: argparse.Namespace) -> int:
    """Make the project and say what to do in it; return 0."""
    from skiagram.projects.files import make_project

    notes = make_project(arguments.folder)
    print(f"Made {arguments.folder}. Its README.md says what must never be pushed.", *notes)
    print(f"Next:\n  cd {arguments.folder} && dvc repro && skiagram show")
    return 0
