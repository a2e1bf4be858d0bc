"""What a line of `skiagram run` prepares: its data set in a project, and what fits that.

Nothing of it is done again where the line, its files and the project are as they were.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from skiagram.cli.asked import WAITING, Asked, gone_if_refused, inside
from skiagram.cli.check_report import checked_text
from skiagram.cli.init import DataSet, check_data_set, write_data_set
from skiagram.composition import Composition
from skiagram.compute.files import locked, write_files
from skiagram.errors import listed, printable, refusal
from skiagram.intake.tables import AnyTable, describe_table
from skiagram.options import PARAMS, read_option_file, split_names
from skiagram.projects.files import (
    AT_WORK,
    CHOICES,
    is_made,
    read_shipped,
    shipped_root,
)
from skiagram.projects.option_files import edit_option_file, find_dotted, find_place
from skiagram.steps.check import offer_check
from skiagram.steps.checked import remove_checked
from skiagram.steps.digest import changed_files
from skiagram.steps.network_time import plan_network_time
from skiagram.steps.preflight import DataSetFacts, check_run, fetch_weights, find_unread
from skiagram.steps.presets import FittingChoices, choices_of, read_encoders
from skiagram.steps.settled import note_settled, options_set

_QUICK_FOLDS = 2
# What each line sets anew in params.yaml, so that a line without `--quick` is a whole run again.
_USUAL_CHOICES = (
    "restoration",
    "proposal",
    "features",
    "baselines",
    "encoders",
    "networks",
    "combinations",
    "repeats",
    "folds",
)
_TOGETHER = "all_models"  # config of the combination of all arms


def prepare_run(asked: Asked, project: Path, inputs: str) -> None:
    """Check a data set, make or renew its project, and write what its run chooses.

    Args:
        asked: With whole paths.
        project: Folder of the project, as the user calls it.
        inputs: Digest of the line and its files, noted once all is written.

    Raises:
        SkiagramError: The data set or a choice cannot be used; nothing was written.
    """
    # What is chosen, before a project is made for it: whole names of options, encoders of models
    folder = project.resolve()
    composition = Composition(folder if is_made(folder) else shipped_root())
    choices = dict(asked.choices)
    if "baselines" in choices:
        choices["encoders"] = read_encoders(choices["baselines"], composition)
    values = {composition.find_option(address): value for address, value in asked.values.items()}
    asked = replace(asked, choices=choices, values=values)
    chosen = _choose(asked)
    if asked.files.is_table and "features" not in asked.choices:
        chosen["features"] = "measured"
    _leave_out_unread(asked, chosen, composition, {})
    run = Composition(composition.root, chosen | dict(asked.values))
    check_run(run, has_features="features" in asked.choices)
    # the table and the names of files, which must be there and need no project
    described = describe_table(asked.files)
    # the data set and its project, by one command at a time
    with gone_if_refused(project), locked(project / AT_WORK, WAITING), inside(project):
        try:
            fetch_weights(run)  # first: all later steps may take hours
            options = _add_and_choose(asked, described, project, composition)
        except BaseException:
            remove_checked(Path())
            raise
        note_settled(Path(), inputs, options)


def _choose(asked: Asked, fitting: FittingChoices | None = None) -> dict[str, Any]:
    """Return what a run would be: choice of params.yaml → value.

    Args:
        fitting: What fits the data; None where that is not known.
    """
    shipped = read_shipped(CHOICES)
    chosen = {name: value for name, value in shipped.items() if name in _USUAL_CHOICES}
    if fitting is not None:
        chosen |= fitting.params
    if fitting is not None and asked.quick:
        networks = fitting.params.get("networks", ["tiny_cnn"])
        chosen |= {"folds": _QUICK_FOLDS, "baselines": [*fitting.quick], "networks": networks}
    own = {name: value for name, value in asked.values.items() if not name.startswith("conf.")}
    return {**chosen, **asked.choices, **own}


def _leave_out_unread(
    asked: Asked,
    chosen: dict[str, Any],
    composition: Composition,
    fitted: Mapping[str, Any],
) -> list[str]:
    """Take default models out of the choices whose features the line left out; return them.

    Args:
        fitted: Options of models that fit the data.
    """
    if "features" not in asked.choices or "baselines" in asked.choices:
        return []
    run = Composition(composition.root, {**chosen, **fitted})
    unread = find_unread(run, chosen["baselines"])
    chosen["baselines"] = [name for name in chosen["baselines"] if name not in unread]
    return [*unread]


def _add_and_choose(
    asked: Asked, described: AnyTable, project: Path, composition: Composition
) -> dict[str, dict[str, Any]]:
    """Add the data set to the project in this folder, and write what its run chooses.

    Args:
        described: The table.
        project: As the user calls it.
        composition: Of the project, or of a new one.

    Returns:
        File → dotted option → value, of options that the next line sets anew or takes back.
    """
    # The data set, and the choices that fit it; one that is there is renewed.
    name = asked.files.short_name
    config = Path(f"conf/dataset/{name}.yaml")
    renew = config.exists()
    data_set = check_data_set(asked.files, renew=renew, described=described, run=composition)
    checked = data_set.checked
    # families that the line names may leave the covariates to subgroups alone
    families = split_names(asked.choices.get("features", "covariates"))
    choices = choices_of(checked, reads_covariates="covariates" in families)
    choices = _take_back(choices)
    data, chosen = DataSetFacts.of_checked(checked), _choose(asked, choices)
    fitted = choices.model_options
    if left_out := _leave_out_unread(asked, chosen, composition, fitted):
        print(f"Left out, as `--features` has not what they read: {listed(left_out)}.")
    if not choices.files:  # else once the configs that it names are written
        changes = {**chosen, **fitted, **asked.values}
        del changes["dataset"]
        check_run(Composition(composition.root, changes), data)
    _write(data_set, project, config)
    write_files({path: text.encode() for path, text in choices.files.items()})
    if choices.files:
        check_run(Composition(Path(), {**chosen, **fitted, **asked.values}), data)
    # what was assumed; of the frozen network where the line leaves its models in
    if not asked.files.is_table:
        frozen = choices.frozen if asked.choices.get("encoders", True) else ""
        for sentence in filter(None, [choices.why, frozen]):
            print(sentence)
    # networks that there is time for
    if not asked.quick and "networks" not in asked.choices:
        choices, planned = plan_network_time(
            choices, asked.choices, asked.hours, of_classes=not data.predicted.has_value
        )
        chosen |= {"networks": choices.params.get("networks", chosen["networks"])}
        print(*filter(None, [planned]), flush=True)
    # all arms together are a row of the report, never what stands for an arm
    together = [_TOGETHER] if _TOGETHER in Composition(Path()).list_files("combination") else []
    simple = read_shipped(f"conf/combination/{_TOGETHER}.yaml")["without"]
    classical = {*chosen["baselines"]} - {*simple}
    several = bool(classical and (chosen["encoders"] or chosen["networks"]))
    if several and "combinations" not in data.predicted.undefined and not asked.quick:
        chosen["combinations"] = asked.values.get("combinations", together)
    # into params.yaml and the configs
    changed = {file: dict(file_values) for file, file_values in choices.options.items()}
    for option, value in asked.values.items():
        path, dotted = find_place(option)
        if option not in chosen:
            changed.setdefault(path.as_posix(), {})[dotted] = value
    for file, file_values in {PARAMS: chosen, **changed}.items():
        edit_option_file(Path(file), file_values)
    of_line = {name: value for name, value in asked.values.items() if name in chosen}
    return {PARAMS: of_line, **changed}


def _take_back(choices: FittingChoices) -> FittingChoices:
    """Return choices with what the line before has set, and nobody has changed, as it came."""
    taken_back: dict[str, dict[str, Any]] = {}
    for file, options in options_set(Path()).items():
        if not (Path(file).is_file() and (shipped_root() / file).is_file()):
            continue
        present, shipped = read_option_file(Path(file)), read_shipped(file)
        taken_back[file] = {
            dotted: find_dotted(shipped, dotted)
            for dotted, value in options.items()
            if find_dotted(present, dotted) == value
        }
    params = {**taken_back.pop(PARAMS, {}), **choices.params}
    for file, options in choices.options.items():
        taken_back[file] = {**taken_back.get(file, {}), **options}
    return replace(choices, params=params, options=taken_back)


def _write(data_set: DataSet, project: Path, config: Path) -> None:
    """Make the project of a new data set and write it; say what it is, and offer it to stages.

    Raises:
        AuditStop: The audit found what makes every figure untrustworthy.
    """
    from skiagram.projects.files import make_project

    folder, checked, name = Path().resolve(), data_set.checked, data_set.files.name
    if not is_made(folder):
        print(*make_project(folder), f"The project is {project}.", flush=True)
    write_data_set(data_set)
    # the config tells every file of images
    files = changed_files(Path(), [name]) if data_set.files.of_features else None
    text = checked_text(checked)
    print(printable(text), end="\n\n" if text else "", flush=True)
    # After a finding that stops nothing is run.
    if checked.report.stopping:
        print(printable(checked.report.explain_stop({}, str(project / config)).rstrip()))
        raise refusal("cli.audit_stops", name)
    offer_check(checked, files)
