"""Entry point of `skiagram`: arguments in, one command run, errors as one line and an exit code."""

import argparse
import gc
import os
import re
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from importlib import import_module
from importlib.metadata import version
from typing import Any, NoReturn, TextIO, cast

from skiagram.cli.file_arguments import USUAL, declare_arguments
from skiagram.declared import read_declared
from skiagram.doors import in_words_of
from skiagram.errors import (
    OptionError,
    SkiagramError,
    named_refusals,
    nearest,
    not_installed,
    printable,
    refusal,
)

# name → what `commands.yaml` says of it
COMMANDS: dict[str, dict[str, Any]] = read_declared("skiagram.cli", "commands.yaml")
# As shells have it: 128 and the number of the signal.
INTERRUPTED = 130
# As argparse says that a value has another type, or is none of those to choose from.
_WRONG_VALUE = re.compile(
    r"argument ([^:]+): invalid (\w+)(?: value)?: '(.*?)'(?: \(choose from (.*)\))?"
)
_TYPES = {"int": "a whole number", "float": "a number"}
# words of other programs → what is typed here
_WORDS_OF_OTHERS: dict[str, str] = read_declared("skiagram", "names_of_others.yaml")["words"]
EXIT_CODES = """\
exit codes:
  0    done
  1    any other error
  2    a wrong option or command line
  3    the audit stopped the run
  4    a file, image, label or identifier that cannot be used
  5    a model that cannot be trained or used
  130  stopped with Ctrl-C; no incomplete file is left

An error is one line: where, what was found, what is allowed, what to do about it.
Bars are shown only in a terminal; elsewhere stages and epochs are lines."""


class _Parser(argparse.ArgumentParser):
    """A parser that refuses a line in the order of all other errors.

    Attributes:
        whole: The option that shows its whole help.
    """

    whole: str = "--help"

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Return what the words of a command say; one that it does not know is refused here."""
        said, unknown = super().parse_known_args(args, namespace)
        if unknown:
            word = unknown[0].partition("=")[0]
            options = [option for action in self._actions for option in action.option_strings]
            near = [f"`{each}`" for each in nearest(word, options, 2)]
            if "--join" in options and word.endswith(".csv"):  # a second table
                near = [f"`--join {word}`"]
            if _WORDS_OF_OTHERS.get(word, "").split(" ")[0] in options:
                near = [f"`{_WORDS_OF_OTHERS[word]}`"]
            question = f"did you mean {' or '.join(near)}? Else " if near else ""
            fault = f"no option `{word}`" if word.startswith("-") else f"`{word}` was given too"
            raise refusal(
                "cli.no_option",
                self.prog,
                fault=fault,
                question=question,
                line=f"{self.prog} {self.whole}",
            )
        return said, unknown

    def error(self, message: str) -> NoReturn:
        """Refuse a line, in the order of all other errors where a value is wrong."""
        # All but wrong values is said in argparse's words.
        remedy = f"see `{self.prog} --help`"
        wrong = _WRONG_VALUE.match(message)
        if wrong is None:
            raise OptionError(message, where=self.prog, remedy=remedy)
        # Of a wrong value, what is near it.
        option, kind, value, choices = wrong.groups()
        names = re.findall(r"[^\s',]+", choices or "")
        near = [_WORDS_OF_OTHERS[value]] if value in _WORDS_OF_OTHERS else nearest(value, names)
        allowed = ", ".join(names) or _TYPES.get(kind, kind)
        remedy = f"did you mean `{near[0]}`?" if near else remedy
        place = f"{self.prog} {option}"
        raise refusal("cli.wrong_value", place, text=value, allowed=allowed, remedy=remedy)


class _Printable:
    """A stream whose text holds nothing that a terminal takes for a command, as a name may.

    Attributes:
        coloured: The stream itself, for a text that was made printable and has colours.
        closed: Whether the command has ended. Libraries that colour what they print keep the
            stream, and at exit would write a command, which would be shown as text.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = self.coloured = stream
        self.closed = False

    def write(self, text: str) -> int:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        shown = printable(text).encode(encoding, "backslashreplace")  # as a locale may be ASCII
        return self._stream.write(shown.decode(encoding))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def parser(named: str | None = None, *, whole: bool = True) -> argparse.ArgumentParser:
    """Return the parser of all commands.

    Args:
        named: The only command whose arguments are declared, as this may take long; None for all.
        whole: Whether its help shows all options, or the usual ones of many.
    """
    root = _Parser(
        prog="skiagram",
        description="Use your own medical images with the pipeline (`dvc repro`).",
        epilog=f"`skiagram COMMAND --help` shows examples.\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="version", version=f"skiagram {version('skiagram')}")
    commands = root.add_subparsers(metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        summary = command["summary"]
        subparser = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=f"examples:\n{command['examples']}\n\n{EXIT_CODES}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if named in (None, name):
            declare_arguments(subparser, command.get("arguments", ()))
        if usual := command.get("usual"):
            text = "show all options, by what they are for, and exit"
            subparser.add_argument("--help-all", action="help", help=text)
            subparser.whole = "--help-all"
            # Options that are not usual are left out of the help, and groups of nothing else.
            shown = {*usual, *USUAL, "--help", "--help-all"}
            for group in () if whole else subparser._action_groups:
                options = [action for action in group._group_actions if action.option_strings]
                rare = [option for option in options if not shown & {*option.option_strings}]
                for option in rare:
                    option.help = argparse.SUPPRESS
                if len(rare) == len(group._group_actions):
                    group.description = None
        subparser.set_defaults(command=name)
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the words after `skiagram` name; return the exit code."""
    words = sys.argv[1:] if arguments is None else [*arguments]
    # Half a million objects of imported code are no garbage: to look through them takes a while.
    if arguments is None:
        gc.set_threshold(100_000, 50, 50)
    # What is printed goes nowhere where a launcher has closed the stream.
    for number, name in enumerate(("stdout", "stderr"), start=1):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8"))
    # All that a command prints is made printable.
    try:
        known = parser(words[0] if words else "", whole="--help-all" in words)
        chosen = known.parse_args(words)
        shown = _Printable(sys.stdout)
        try:
            with redirect_stdout(cast(TextIO, shown)), named_refusals(f"skiagram {words[0]}"):
                # its libraries are loaded once its line has been read
                code: int = import_module(f"skiagram.cli.{chosen.command}").run(chosen)
        finally:
            shown.closed = True
        sys.stdout.flush()
    except SkiagramError as error:
        print(in_words_of(words[0] if words else "", str(error)), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("skiagram: stopped", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # a reader such as `head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except ModuleNotFoundError as error:
        if (refusal := not_installed(error)) is None:
            raise
        print(refusal, file=sys.stderr)
        return refusal.exit_code
    except OSError as error:  # what the machine refuses for a reason of its own, of a named file
        print(f"skiagram: {error}", file=sys.stderr)
        return 1
    return code
