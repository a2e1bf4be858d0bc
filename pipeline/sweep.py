"""Sweeps: rows of options over the steps of the pipeline, one table and one page.

`python pipeline/sweep.py sweep=NAME` runs the rows of `conf/sweep/NAME.yaml`.
`python pipeline/sweep.py -m seed=0,1 conf.features.glcm.levels.bin_number=16,32` runs rows by hand:
names are those of params.yaml; an option of an option file has `conf.<group>.<file>.` before it.
Hydra's sweepers and launchers drive it as any other program: a job is a row (`rows_by_hand`).
"""

import os
import sys
from collections.abc import Sequence
from functools import partial

from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from entrypoint import leave
from option_files import ROOT
from outputs import publish
from rows_by_hand import BY_HAND, run_jobs
from skiagram.errors import OptionError, SkiagramError
from skiagram.options import build, read_option_file
from skiagram.report.index import list_outputs, write_index, write_outputs
from skiagram.sweeps.rows import Sweep, expand_rows
from skiagram.sweeps.table import read_sweep, run_sweep
from skiagram.sweeps.workspace import Workspace
from skiagram.tracking.sweeps import record_sweep


def main() -> None:
    """Sweep as the command line says."""
    # Jobs that a launcher starts elsewhere import option_files. No worker of a stage has this path,
    # on which `evaluate` and `record` would hide packages of these names.
    paths = [str(ROOT / "pipeline"), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come here, not to a page of Hydra's
    try:
        words = get_args_parser().parse_args()
        (sweep_by_hand if words.multirun else sweep_by_name)(words.overrides)
    except SkiagramError as error:
        leave(error)
    except (HydraException, OmegaConfBaseException) as error:
        leave(OptionError(str(error), where="sweep"))
    except KeyboardInterrupt:
        print("Stopped. The same command goes on with the rows that are left.", file=sys.stderr)
        sys.exit(130)


def sweep_by_name(words: Sequence[str]) -> None:
    """Run the rows of an option file of `conf/sweep`; further words change its base."""
    overrides = OverridesParser.create().parse_overrides([*words])
    values = {each.key_or_group: each.value() for each in overrides}
    name, workspace = values.pop("sweep", None), Workspace.of_project(ROOT)
    write_sweep(str(name), read_sweep(workspace, name, values), workspace)


def sweep_by_hand(words: Sequence[str]) -> None:
    """Run the rows that Hydra makes of the command line; those that were done are kept."""
    done = run_jobs(words)
    if done.sweep is not None:
        write_sweep(BY_HAND, done.sweep, Workspace.of_project(ROOT))
    if done.failure is not None:
        raise done.failure


def write_sweep(name: str, sweep: Sweep, workspace: Workspace) -> None:
    """Run the rows; write their table and page, and record them."""
    say = partial(print, file=sys.stderr)
    result = run_sweep(name, sweep, expand_rows(sweep), workspace, say)
    with publish(*(f"sweeps/{name}/{output}" for output in list_outputs(result))) as staging:
        write_outputs(result, staging / "sweeps" / name)
    write_index(ROOT)
    outputs = f"Table and page: sweeps/{name}/table.csv, sweeps/{name}/page.html"
    print(*result.describe_choice(), outputs, sep="\n")
    tracking = f"conf/tracking/{workspace.choices()['tracking']}.yaml"
    tracker = build(read_option_file(ROOT / tracking, tracking), "tracking")
    print(record_sweep(tracker, result, ROOT))


if __name__ == "__main__":
    main()
