"""The page of the command line: commands, arguments, exit codes."""

import argparse
import re
from pathlib import Path

from make_reference.markdown import code, table
from skiagram.cli.command import Command
from skiagram.cli.main import COMMANDS, EXIT_CODES

_INTRODUCTION = """\
# Command line

`make` sets up and runs the whole; `dvc` runs stages and experiments; `skiagram` is for images of
your own, before and after the pipeline. Each stage also runs alone, `python pipeline/<stage>.py`,
with overrides such as `model=svm model.kernel=linear`.

"""
_TARGET = re.compile(r"([a-z-]+):.*## (.*)")


def command_line_page(project: Path) -> str:
    """Return the page.

    Args:
        project: Folder of the Makefile.
    """
    codes = f"## Exit codes\n\nOf `skiagram` and of every stage:\n\n```text\n{EXIT_CODES}\n```\n"
    return "\n".join(
        [_INTRODUCTION + _targets(project / "Makefile"), codes, *map(_command, COMMANDS)]
    )


def _targets(makefile: Path) -> str:
    lines = map(_TARGET.fullmatch, makefile.read_text(encoding="utf-8").splitlines())
    rows = [[code(f"make {line[1]}"), line[2]] for line in lines if line]
    return "## `make`\n\n" + table(["target", "what it does"], rows)


def _command(command: Command) -> str:
    parser = argparse.ArgumentParser(add_help=False)
    command.add_arguments(parser)
    rows = [_row(action) for action in parser._actions]
    return (
        f"## `skiagram {command.NAME}`\n\n{command.SUMMARY[0].upper()}{command.SUMMARY[1:]}.\n\n"
        + table(["argument", "needed", "meaning (what holds if left out)"], rows)
        + f"\n```text\n{command.EXAMPLES}\n```\n"
    )


def _row(action: argparse.Action) -> list[str]:
    value = action.metavar or action.dest.upper()
    several = {"+": f"{value}…", "*": f"[{value}…]", None: f"{value}", 0: ""}[action.nargs]
    names = ", ".join(action.option_strings)
    return [
        code(f"{names} {several}".strip()),
        "yes" if action.required else "",
        action.help or "",
    ]
