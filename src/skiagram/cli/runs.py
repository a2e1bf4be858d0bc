"""`skiagram runs`: every recorded run as a row: what it changed, and what its models reached."""

import argparse
import sys
import time
from pathlib import Path

from skiagram.compute.checkout import home
from skiagram.compute.progress import format_seconds
from skiagram.projects.files import require_project_here
from skiagram.statistics.estimate import format_decimal, format_signed
from skiagram.tracking.comparison import (
    EXPERIMENT,
    FAILED,
    WORKSPACE,
    compare_models,
    describe_change,
    find_base,
    find_changes,
    option_address,
)
from skiagram.tracking.contract import NotRecorded

_MOST = 20  # runs, the newest


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001
    """Print the table; return 0, or 1 where the tracker cannot be reached."""
    from skiagram.cli.terminal import print_table, print_wrapped
    from skiagram.tracking.contract import find_tracker

    require_project_here()
    project = Path()
    # A tracker out of reach is a warning: the project itself is whole.
    try:
        recorded = find_tracker(project).list_runs(home(project))
    except NotRecorded as error:
        print(f"Warning: {error}.", file=sys.stderr)
        return 1
    # A run that failed has no figure to compare with.
    finished = [each for each in recorded if each.selection]
    if not finished:
        fault = "No finished run is recorded here."
        print(fault, "`dvc repro` records each run, unless params.yaml has `tracking: none`.")
        return 0
    # The run that all others are compared with stands first.
    base, is_committed = find_base(finished, home(project))
    shown = sorted(recorded[:_MOST], key=lambda each: each.began)
    shown = [base, *(each for each in shown if each is not base)]
    name = "the committed run" if is_committed else "the first run"
    rows = []
    for each in shown:
        # What was changed stands beside the name of the experiment, or the time of any other run.
        began = time.strftime("%m-%d %H:%M", time.localtime(each.began))
        experiment = each.tags.get(EXPERIMENT, WORKSPACE)
        lasted = "" if each.seconds is None else format_seconds(each.seconds)
        changes = [
            f"{option_address(option, each.options)}: {describe_change(before, now)}"
            for option, (before, now) in find_changes(each, base).items()
        ]
        first, *others = [name] if each is base else changes or ["nothing"]
        rows.append([began if experiment == WORKSPACE else experiment, first, "", "", lasted])
        rows += [["", change, "", "", ""] for change in others]
        # Below it are the models that it touched.
        if FAILED in each.tags:
            rows.append(["", f"  failed in {each.tags[FAILED]}", "", "", ""])
        for figure in compare_models(each, base):
            more = "" if figure.difference is None else format_signed(figure.difference)
            rows.append(["", f"  {figure.model}", format_decimal(figure.value), more, ""])
    primary = base.selection.removeprefix("selection_").replace("_", " ")
    heads = ["run", "what was changed\n  models", f"selection\n{primary}", "differ-\nence", "time"]
    print_table(heads, rows, whole=heads[2:])
    print_wrapped(
        f"Differences are from {name}. Figures are of the development set: choose by them."
    )
    if len(recorded) > _MOST:
        print_wrapped(f"{len(recorded) - _MOST} older runs are left out: `mlflow ui` shows all.")
    return 0
