"""`skiagram exp`: `dvc exp run` with the address that an option has everywhere."""

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

from skiagram.composition import Composition
from skiagram.errors import refusal
from skiagram.options import flatten_options, read_option_file
from skiagram.projects.files import environment, require_project_here
from skiagram.projects.option_files import find_place


def run(arguments: argparse.Namespace) -> int:
    """Show and run the line of DVC; return its exit code."""
    require_project_here()
    # Every change becomes DVC's own words: file, option and value.
    options, words = Composition(Path()), list[str]()
    for change in arguments.changes:
        address, equals, value = change.partition("=")
        if not equals:
            raise refusal("cli.no_value", "exp", word=change, address=address)
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
    line = [sys.executable, "-m", "skiagram.projects.reproduction", "exp", "run", *words]
    return subprocess.run(line, env=environment(Path()), check=False).returncode  # noqa: S603
