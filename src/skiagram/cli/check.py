"""`skiagram check`: what is in a folder, and all that would stop a run on it."""

import argparse
from pathlib import Path

from skiagram.cli.check_report import (
    checked_text,
    left_out,
    patient_hint,
    spelling_hints,
    text_in_pixels,
)
from skiagram.cli.file_arguments import read_file_options
from skiagram.composition import Composition
from skiagram.errors import DataError, OptionError, printable
from skiagram.intake.labels import positive_lines
from skiagram.intake.tables import describe_table
from skiagram.options import PARAMS, split_names
from skiagram.projects.files import shipped_root
from skiagram.steps.check import check_table
from skiagram.steps.preflight import DataSetFacts, check_run
from skiagram.steps.presets import FittingChoices, choices_of, describe_sides


def run(arguments: argparse.Namespace) -> int:
    """Print what ingest and audit say; return 0 when the set can be run, 4 when not."""
    # The table, its files if it has some, and every row.
    described = describe_table(read_file_options(arguments))
    checked = check_table(described.source, described.frame, described.options)
    # Whether the usual choices would run with these data.
    if not checked.problems and checked.cases is not None:
        try:
            _check_choices(DataSetFacts.of_checked(checked), choices_of(checked))
        except OptionError as error:
            checked.problems.append(error.restated(DataError))
    # All that was found, and what to do next.
    parts = ["\n".join(described.notes), checked_text(checked), text_in_pixels(checked.first)]
    parts += [left_out(described), spelling_hints(described), patient_hint(described)]
    parts.append(describe_sides(checked))
    print(printable("\n\n".join(filter(None, parts))), end="\n\n")
    # Whether it can be run.
    if not checked.runnable:
        waive = "" if checked.problems else " or waive the findings marked STOP (`init` says how)"
        print(f"This data set cannot be run yet: solve the problems above first{waive}.")
        return DataError.exit_code
    print("This data set can be run. Next: `skiagram run` with the same arguments; in a project")
    print("or a clone, where you choose more yourself, `skiagram init`.")
    if lines := positive_lines(checked.source.positive_class, checked.source.classes):
        print(printable(f"Add the class that you look for, such as the disease: {lines}."))
    return 0


def _check_choices(data: DataSetFacts, fitting: FittingChoices) -> None:
    """Refuse choices that no run on the data set can follow.

    They are those that fit it, and for the rest those of the project in this folder, or of a new
    one. A project names its models of images and their encoders itself, as these belong together.
    Configs that only a run would write are not looked at.

    Raises:
        OptionError: There is such a choice.
    """
    in_project = Path(PARAMS).is_file()
    named = {"baselines", "networks", "encoders"} if in_project and data.has_images else set()
    unwritten = {path.stem for path in fitting.files}
    changes = {
        choice: value
        for choice, value in fitting.params.items()
        if choice not in named and not unwritten & {*split_names(value)}
    }
    root = Path() if in_project else shipped_root()
    # the data set's own config is written later, so another one stands for it
    changes["dataset"] = Composition(root).list_files("dataset")[0]
    baselines = {*split_names(changes.get("baselines", ""))}
    # networks have options of their own, which only PyTorch reads
    options = fitting.model_options.items()
    changes |= {name: value for name, value in options if name.split(".")[2] in baselines}
    check_run(Composition(root, changes), data)
