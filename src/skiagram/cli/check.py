"""`skiagram check`: what is in a folder, and all that would stop a run on it."""

import argparse
from collections import Counter
from pathlib import Path

from skiagram.cli.check_report import (
    checked_text,
    disk_text,
    findings_text,
    left_out,
    patient_hint,
    problems_text,
    spelling_hints,
    text_in_pixels,
    text_table,
)
from skiagram.cli.file_arguments import read_file_options
from skiagram.composition import Composition
from skiagram.datasets.contract import Source
from skiagram.datasets.ingest import task_of
from skiagram.errors import DataError, OptionError, printable
from skiagram.intake.arrays import array_source
from skiagram.intake.file_options import FileOptions
from skiagram.intake.labels import positive_lines
from skiagram.intake.tables import describe_table
from skiagram.options import PARAMS, split_names
from skiagram.projects.files import shipped_root
from skiagram.steps.check import CheckedData, check_data, check_table
from skiagram.steps.preflight import DataSetFacts, check_run
from skiagram.steps.presets import FittingChoices, choices_of, describe_sides


def run(arguments: argparse.Namespace) -> int:
    """Print what ingest and audit say; return 0 when the set can be run, 4 when not."""
    # Arrays have a check of their own.
    options = read_file_options(arguments)
    if options.is_arrays:
        return _check_arrays(options)
    # The table, its files if it has some, and every row.
    described = describe_table(options)
    checked = check_table(described.source, described.frame, described.settling)
    data, source = checked.data, checked.source
    # Whether the usual choices would run with these data.
    if not data.problems and data.cases is not None:
        try:
            _check_choices(DataSetFacts.of_checked(source, data), choices_of(checked))
        except OptionError as error:
            data.problems.append(error.restated(DataError))
    # All that was found, and what to do next.
    parts = ["\n".join(described.notes), checked_text(checked), text_in_pixels(data.first)]
    parts += [left_out(described), spelling_hints(described), patient_hint(described)]
    parts.append(describe_sides(data))
    if data.first and not source.columns.features:
        parts.append(disk_text(data.first))
    print(printable("\n\n".join(filter(None, parts))), end="\n\n")
    return _conclude(data, source)


def _check_arrays(options: FileOptions) -> int:
    """Print counts of classes and splits, the size of the images, and what the audit says."""
    # The entries are counted by class and split.
    source, shape = array_source(options)
    opened, splits = source.open(None), ["train", "validation", "test"]
    counts = Counter((entry.label, str(entry.split)) for entry in opened.entries())
    rows = [
        [name, *(counts[label, split] for split in splits)]
        for label, name in enumerate(source.classes)
    ]
    size = " × ".join(map(str, shape[1:]))
    print(printable(text_table(["class", *splits], rows)))
    print(f"\nImages of {size}.", end="\n\n")
    # Their images are read and audited, as those of a folder.
    data = check_data(source, opened, task_of(source, source.design))
    parts = [data.sentence, findings_text(data, source), problems_text(data.problems)]
    print(printable("\n\n".join(filter(None, parts))), end="\n\n")
    return _conclude(data, source)


def _conclude(data: CheckedData, source: Source) -> int:
    """Say whether a data set can be run, and what comes next; return 0, or 4 where it cannot."""
    if not data.runnable:
        waive = "" if data.problems else " or waive the findings marked STOP (`init` says how)"
        print(f"This data set cannot be run yet: solve the problems above first{waive}.")
        return DataError.exit_code
    print("This data set can be run. Next: `skiagram run` with the same arguments; in a project")
    print("or a clone, where you choose more yourself, `skiagram init`.")
    if lines := positive_lines(source.positive_class, source.classes):
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
    check_run(Composition(root, changes), data)
