"""`skiagram upgrade`: a project takes over the files of the installed version."""

import argparse
import sys
from pathlib import Path

from skiagram.errors import refusal
from skiagram.projects.files import plan_upgrade
from skiagram.projects.left_out import explain_taken


def run(arguments: argparse.Namespace) -> int:
    """Upgrade the project in this folder; return 0, or 2 where both changed a file."""
    # What the new version changes, shown before anything is written.
    upgrade = plan_upgrade(Path(), arguments.mine, arguments.new)
    if differences := upgrade.differences(Path()):
        print(differences, end="\n\n")
    # A file that both changed is the user's to decide.
    if upgrade.both:
        first, files = next(iter(upgrade.both)), ", ".join(upgrade.both)
        raise refusal("cli.both_changed", files=files, first=first)
    # What was taken over, and what was kept.
    upgrade.write(Path())
    for name in sorted(upgrade.taken.keys() - upgrade.kept):
        print(f"{'Removed' if upgrade.taken[name] is None else 'Taken over'}: {name}")
    for name in upgrade.kept:
        added = ", with the choices that are new" if name in upgrade.taken else ""
        print(f"Kept as you changed it{added}: {name}")
    if not upgrade.taken:
        print("Every file is that of the installed version, or yours.")
    if warning := explain_taken(Path()):
        print(warning, file=sys.stderr)
    return 0
