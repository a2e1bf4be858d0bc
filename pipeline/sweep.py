"""Sweeps: `sweep=NAME` runs the rows of `conf/sweep/NAME.yaml`, `-m seed=0,1` rows by hand."""

from hydra._internal.utils import get_args_parser

from entrypoint import errors_in_one_line
from option_files import ROOT
from outputs import publish
from rows_by_hand import find_sweep, run_jobs
from skiagram.errors import printable
from skiagram.report.index import list_outputs, write_index, write_outputs
from skiagram.sweeps.rows import Sweep
from skiagram.sweeps.table import run_sweep
from skiagram.sweeps.workspace import Workspace
from skiagram.tracking.sweeps import find_tracker, record_sweep


@errors_in_one_line("sweep", "Stopped. The same command goes on with the rows that are left.")
def main() -> None:
    """Sweep as the command line says."""
    words = get_args_parser().parse_args()
    name, sweep, failure = (run_jobs if words.multirun else find_sweep)(words.overrides)
    if sweep is not None:
        write_sweep(name, sweep)
    if failure is not None:
        raise failure


def write_sweep(name: str, sweep: Sweep) -> None:
    """Run the rows; write their table and page, and record them."""
    result, folder = run_sweep(name, sweep, Workspace.of_project(ROOT)), f"sweeps/{name}"
    with publish(*(f"{folder}/{output}" for output in list_outputs(result))) as staging:
        write_outputs(result, staging / folder)
    write_index(ROOT)
    lines = (*result.describe_choice(), f"Table: {folder}/table.csv", f"Page: {folder}/page.html")
    print(*map(printable, lines), sep="\n")
    print(printable(record_sweep(find_tracker(ROOT), result, ROOT)))


if __name__ == "__main__":
    main()
