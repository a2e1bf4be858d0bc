"""`skiagram exp`: `dvc exp run` with the address that an option has everywhere."""

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

from skiagram.errors import OptionError

NAME = "exp"
SUMMARY = "run an experiment of DVC, its options by their addresses"
EXAMPLES = """\
  skiagram exp svm.C=0.1 trainer.devices=2 folds=5
      in a project's folder: shows the line of `dvc exp run` that says the same, and runs it
  skiagram exp svm.C=0.1,1,10 --queue
      puts three experiments into DVC's queue; `dvc queue start` runs them
  skiagram exp svm.C=0.1 --show
      shows the line alone, to paste it"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("changes", nargs="+", metavar="ADDRESS=VALUE", help="what differs, as `run --set` has it")
    add("-n", "--name", help="of the experiment")
    add("--queue", action="store_true", help="put it into DVC's queue")
    add("--show", action="store_true", help="show the line and run nothing")


def run(arguments: argparse.Namespace) -> int:
    """Show and run the line of DVC; return its exit code."""
    from skiagram.cli.apply import find_place
    from skiagram.composition import Composition
    from skiagram.options import flatten_options, read_option_file
    from skiagram.projects.files import environment, require_project_here

    require_project_here()
    # Every change becomes DVC's own words: file, option and value.
    options, words = Composition(Path()), list[str]()
    for change in arguments.changes:
        address, equals, value = change.partition("=")
        if not equals:
            remedy = f"write `{address}=VALUE`"
            raise OptionError(f"`{change}` has no value", where=NAME, remedy=remedy)
        path, option = find_place(options.find_option(address))
        # what a file leaves to its class has to be added there
        there = flatten_options(read_option_file(path))
        is_there = any(f"{name}.".startswith(f"{option}.") for name in there)
        place = "" if path == Path("params.yaml") else f"{path.as_posix()}:"
        words += ["-S", f"{place}{'' if is_there else '+'}{option}={value}"]
    # The line is shown before it runs.
    words += ["-n", arguments.name] if arguments.name else []
    words += ["--queue"] if arguments.queue else []
    print(shlex.join(["dvc", "exp", "run", *words]), flush=True)
    if arguments.show:
        return 0
    line = [sys.executable, "-m", "dvc", "exp", "run", *words]
    return subprocess.run(line, env=environment(Path()), check=False).returncode  # noqa: S603
