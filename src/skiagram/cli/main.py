"""Entry point of `skiagram`: arguments in, one command run, errors as one line and an exit code."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import NoReturn

from skiagram.cli import check, init, predict
from skiagram.cli.command import Command
from skiagram.errors import OptionError, SkiagramError

COMMANDS: tuple[Command, ...] = (check, init, predict)
INTERRUPTED = 130
EXIT_CODES = """\
exit codes:
  0    done
  1    an error that no other code names
  2    a wrong option or command line
  3    the audit stops the run
  4    a file, image, label or identifier that cannot be used
  5    a model that cannot be trained or cannot score
  130  stopped with Ctrl-C; nothing half-written is left

An error is one line: where, what was found, what is allowed, what to do.
Progress is shown in a terminal only."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise OptionError(message, where=self.prog, remedy=f"see `{self.prog} --help`")


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    whole = _Parser(
        prog="skiagram",
        description="Medical images of your own, before and after the pipeline (`dvc repro`).",
        epilog=f"`skiagram COMMAND --help` shows examples.\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"skiagram {version('skiagram')}")
    commands = whole.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        one = commands.add_parser(
            command.NAME,
            help=command.SUMMARY,
            description=f"{command.SUMMARY[0].upper()}{command.SUMMARY[1:]}.",
            epilog=f"examples:\n{command.EXAMPLES}\n\n{EXIT_CODES}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(one)
        one.set_defaults(run=command.run)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name.

    Args:
        arguments: Words after `skiagram`; those of the process when None.

    Returns:
        The exit code, as listed in `--help`.
    """
    try:
        chosen = parser().parse_args(arguments)
        code: int = chosen.run(chosen)
        sys.stdout.flush()
    except SkiagramError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("skiagram: stopped", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # a reader such as `head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # a full disk, a folder without the right to write
        print(f"skiagram: {error}", file=sys.stderr)
        return 1
    return code
