"""Sweeps of a project, as the command line of its `pipeline/sweep.py` asks for them."""

from pathlib import Path

from hydra._internal.utils import get_args_parser

from skiagram.errors import printable
from skiagram.evaluation.sentences import say
from skiagram.projects.launcher import forget_launcher
from skiagram.projects.outputs import publish
from skiagram.report.sweep import OUTPUTS, list_answers, write_outputs
from skiagram.sweeps.by_hand import find_sweep, run_jobs
from skiagram.sweeps.rows import Sweep
from skiagram.sweeps.table import run_sweep
from skiagram.sweeps.workspace import Workspace
from skiagram.tracking.contract import find_tracker
from skiagram.tracking.sweeps import record_sweep


def sweep(root: Path) -> None:
    """Run the rows of a config, or with `-m` rows by hand; what is done is kept."""
    forget_launcher()
    words = get_args_parser().parse_args()
    ask = run_jobs if words.multirun else find_sweep
    name, config, failure = ask(root, words.overrides)
    if config is not None:
        write_sweep(root, name, config)
    if failure is not None:
        raise failure


def write_sweep(root: Path, name: str, config: Sweep) -> None:
    """Run the rows; write their table and page, and record them."""
    result, folder = run_sweep(name, config, Workspace.of_project(root)), f"sweeps/{name}"
    with publish(root, *(f"{folder}/{name}" for name in OUTPUTS)) as staging:
        write_outputs(result, staging / folder)
    # The words of the page, and how the row that was chosen becomes the run.
    lines = [*list_answers(result)]
    if result.chosen is not None:
        lines.append(say("sweep.apply", sweep=name, row=result.chosen.row.number))
    lines += [f"Table: {folder}/table.csv", f"Page: {folder}/page.html"]
    print(*map(printable, lines), sep="\n")
    print(printable(record_sweep(find_tracker(root), result, root)))
