"""Sweeps: rows of options over the steps of the pipeline, one table and one page.

`python pipeline/sweep.py sweep=NAME` runs the rows of `conf/sweep/NAME.yaml`.
`python pipeline/sweep.py -m seed=0,1 conf.features.glcm.levels.bin_number=16,32` runs rows by hand:
names are those of params.yaml; an option of an option file has `conf.<group>.<file>.` before it.
Hydra's sweepers and launchers drive it as any other program: a job is a row, and returns
`selection_auc` (see `objective`).
"""

import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from objective import check_objective, find_entry, sweepable_options
from option_files import ROOT
from outputs import publish
from skiagram.errors import OptionError, SkiagramError
from skiagram.options import build, read_option_file
from skiagram.report.index import list_outputs, write_index, write_outputs
from skiagram.sweeps.rows import SELECTION, Row, Sweep, expand_rows
from skiagram.sweeps.runs import RowResult, run_rows
from skiagram.sweeps.table import read_sweep, run_sweep
from skiagram.sweeps.workspace import Workspace
from skiagram.tracking.sweeps import record_sweep

BY_HAND = "by_hand"  # name of a sweep whose rows the command line gives
_HYDRA = {
    "run": {"dir": "."},
    "sweep": {"dir": "multirun/sweep", "subdir": "${hydra.job.num}"},
    "output_subdir": None,
}


def main() -> None:
    """Sweep as the command line says."""
    # Jobs that a launcher starts elsewhere import option_files. No worker of a stage has this path,
    # on which `evaluate` and `record` would hide packages of these names.
    paths = [str(ROOT / "pipeline"), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come here, not to a page of Hydra's
    try:
        words = get_args_parser().parse_args()
        if words.multirun:
            sweep_by_hand(words.overrides)
        else:
            sweep_by_name(words.overrides)
    except SkiagramError as error:
        sys.exit(_print_refusal(error))
    except (HydraException, OmegaConfBaseException) as error:
        sys.exit(_print_refusal(OptionError(str(error), where="sweep")))
    except KeyboardInterrupt:
        print("Stopped. The same command goes on with the rows that are left.", file=sys.stderr)
        sys.exit(130)


def sweep_by_name(words: Sequence[str]) -> None:
    """Run the rows of an option file of `conf/sweep`; further words change its base."""
    overrides = OverridesParser.create().parse_overrides([*words])
    values = {each.key_or_group: each.value() for each in overrides}
    name = values.pop("sweep", None)
    workspace = Workspace.of_project(ROOT)
    write_sweep(str(name), read_sweep(workspace, name, values), workspace)


def sweep_by_hand(words: Sequence[str]) -> None:
    """Run the rows that Hydra's sweeper makes of the command line."""
    rows = ROOT / ".work/sweeps" / BY_HAND
    shutil.rmtree(rows, ignore_errors=True)
    config = {**sweepable_options(), "hydra": _HYDRA, "rows": str(rows)}
    ConfigStore.instance().store("sweep", config)
    check_objective(words)
    failure: SkiagramError | None = None
    try:
        hydra.main(version_base="1.3", config_path=None, config_name="sweep")(run_job)()
    except SkiagramError as error:  # of a job; the others have ended, too
        failure = error
    noted = sorted(rows.glob("*.json"), key=lambda path: int(path.stem))
    changes = [json.loads(path.read_text()) for path in noted]
    distinct = list({json.dumps(each, sort_keys=True): each for each in changes}.values())
    if distinct:
        sweep = Sweep(question="What do the options change?", rows=tuple(distinct))
        write_sweep(BY_HAND, sweep, Workspace.of_project(ROOT))
    if failure is not None:
        raise failure


def run_job(config: DictConfig) -> float | None:
    """Make one row; return what a sweeper chooses by.

    Raises:
        SkiagramError: The objective is refused, the row failed, or it lacks the figure. Sweepers
            take such a job for failed; NaN stops Optuna.
    """
    overrides = OverridesParser.create().parse_overrides([*HydraConfig.get().overrides.task])
    names = [each.key_or_group for each in overrides]
    entry = find_entry(config, names, HydraConfig.get().sweeper._target_)
    changes = {
        each.key_or_group: each.value()
        for each in overrides
        if not each.key_or_group.lstrip("+").startswith("objective.")
    }
    note = Path(config["rows"]) / f"{HydraConfig.get().job.num}.json"
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps(changes))
    row = Row(1, changes, changes, 1)
    sweep = Sweep(question="", rows=(changes,))
    (result,) = run_rows(BY_HAND, sweep, [row], Workspace.of_project(ROOT), entry)
    if result.reason:
        raise SkiagramError(f"row {row.name()} failed: {result.reason}")
    if entry is None:
        return None
    value = result.figures.selection(entry)
    if value is None:
        raise SkiagramError(f"{entry} has no {SELECTION}", where=row.name())
    return value


def write_sweep(name: str, sweep: Sweep, workspace: Workspace) -> None:
    """Run the rows; write their table and page, and record them."""
    found = run_sweep(name, sweep, expand_rows(sweep), workspace, _print_failure)
    with publish(*(f"sweeps/{name}/{output}" for output in list_outputs(found))) as staging:
        write_outputs(found, staging / "sweeps" / name)
    write_index(ROOT)
    outputs = f"Table and page: sweeps/{name}/table.csv, sweeps/{name}/page.html"
    print(*found.describe_choice(), outputs, sep="\n")
    tracking = f"conf/tracking/{workspace.choices()['tracking']}.yaml"
    tracker = build(read_option_file(ROOT / tracking, tracking), "tracking")
    print(record_sweep(tracker, found, ROOT))


def _print_failure(result: RowResult) -> None:
    row = result.row
    print(f"Row {row.number} ({row.name()}) failed: {result.reason}", file=sys.stderr)


def _print_refusal(error: SkiagramError) -> int:
    print(error, file=sys.stderr)
    return error.exit_code


if __name__ == "__main__":
    main()
