"""A labelled cohort of another hospital, as the line names it: images, or a table of features.

It is read in the project's classes, and with the columns that the project's models read.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from skiagram.cli.check_report import require_usable
from skiagram.datasets.contract import Source
from skiagram.datasets.feature_table import FeatureFile
from skiagram.datasets.folder.columns import Columns
from skiagram.datasets.folder.source import Folder, FolderFiles
from skiagram.datasets.listed import ListedDataSet
from skiagram.errors import printable, refusal
from skiagram.intake.file_options import FileOptions
from skiagram.intake.tables import describe_table
from skiagram.records.files import read_table
from skiagram.steps.check import CheckedData, check_table
from skiagram.steps.validate import Project
from skiagram.tasks.kinds import AnyOutcome
from skiagram.tasks.time_columns import UNITS, find_unit

Cohort = CheckedData[Folder | FeatureFile]  # as it will be ingested


def read_cohort(options: FileOptions, project: Project, at_home: Source) -> Cohort:
    """Read the cohort that the line names.

    Args:
        at_home: The project's own data set.

    Raises:
        DataError: It is not of the kind of the project's data set, or cannot be used.
    """
    # A project of a table takes tables, one of images takes images.
    is_table = isinstance(at_home, FeatureFile)
    if options.is_table != is_table:
        kinds = ("a folder of images", "a table of features")
        place, found = str(options.folder), kinds[options.is_table]
        raise refusal("cli.cohort_of_other_kind", place, cohort=found, project=kinds[is_table])
    # the table's words for the project's classes, or its columns of what the project predicts
    task, predicted = project.task, project.task.predicted
    for option in predicted.named_by:
        if options.outcome.get(option) is None:
            meaning = f"columns of a {predicted.words}"
            raise refusal("cli.not_given", f"--{option}", meaning=meaning)
    if not predicted.has_value:
        classes = options.classes or task.predicted.classes
        if len(classes) != len(task.predicted.classes):
            own, theirs = ", ".join(task.predicted.classes), ", ".join(classes)
            raise refusal("cli.words_of_classes", words=theirs, classes=own)
        if tuple(classes) != tuple(task.predicted.classes):
            start = "The table's words for the project's classes"
            _tell_pairs(start, classes, task.predicted.classes)
        positive = None if task.predicted.positive is None else classes[task.predicted.positive]
        options = replace(options, classes=classes, positive=positive)
    else:
        given = {name: value for name, value in options.outcome.items() if value is not None}
        asked = take_over(predicted.asked, given)
        columns, findings = asked.get("findings", ()), asked.get("finding_names", ())
        if len(columns) == len(findings) and [*columns] != [*findings]:
            _tell_pairs("The table's columns of the project's findings", columns, findings)
        options = replace(options, outcome=dict(options.outcome) | asked)
    return _read_cases(options, project, at_home)


def _read_cases(options: FileOptions, project: Project, at_home: Source) -> Cohort:
    """Read and check every row and file."""
    # What the models read must be here too, under the same names.
    columns = at_home.columns if isinstance(at_home, ListedDataSet) else Columns(label="label")
    known, measured = (
        tuple(read_table(project.root / f"data/cases/{name}.parquet").columns.drop("case_id"))
        for name in ("covariates", "measured")
    )
    columns = replace(columns, covariates=known, forced_covariates=(), features=measured)
    options = replace(options, images=options.images or project.preparation.modalities)
    described = describe_table(options, columns)
    source, frame = described.source, described.frame
    for note in described.notes if measured or source.outcome else ():
        print(printable(note), file=sys.stderr)
    # Every case is of the cohort: no split, no marks, no readers.
    columns = replace(source.columns, split=None, marks=None, scores=())
    outcome = source.outcome
    if outcome is not None:  # the project's, in its unit and at its horizons
        outcome = cast("AnyOutcome", project.task.predicted).of_cohort(outcome)
    source = replace(source, columns=columns, outcome=outcome)
    # All rows and files, before anything is written.
    checked: Cohort = check_table(source, frame, described.options)
    source, frame = checked.source, checked.frame
    require_usable(checked, str(options.folder), "nothing was opened")
    # in the colours of the project's images, and without the rows that were left out
    opened = checked.opened
    if isinstance(source, Folder) and isinstance(opened, FolderFiles):
        source = replace(
            source,
            channels=3 if project.preparation.in_colour else source.channels,
            gray=source.gray or project.preparation.gray,
            unlisted=source.unlisted if len(frame) == len(described.frame) else "ignore",
        )
        opened = source.open_rows(opened.files, frame, checked.checksums)
    return replace(checked, source=source, opened=opened)


def _tell_pairs(start: str, words: Sequence[str], names: Sequence[str]) -> None:
    """Say which word of the table is which class: in another order every figure would be wrong."""
    pairs = ", ".join(f"`{word}` is `{own}`" for word, own in zip(words, names, strict=True))
    sentence = f"{start}: {pairs}. If this is wrong, change their order."
    print(printable(sentence), file=sys.stderr)


def take_over(asked: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the project and the line say of an outcome; the line's word counts.

    A unit that the column of times is called by is the line's, and refused where the project has
    another: months are no days. Columns that are called as the project's findings are these, in
    whatever order the line names them.
    """
    findings = asked.get("finding_names")
    if findings and "finding_names" not in given and sorted(given["findings"]) == sorted(findings):
        given = {**given, "findings": findings}
    unit = find_unit(given["time"]) if "time" in given and "since" not in given else None
    of_name = {"unit": unit} if unit is not None and asked["unit"] in UNITS else {}
    return {**asked, **of_name, **given}
