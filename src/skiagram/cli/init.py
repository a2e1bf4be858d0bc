"""`skiagram init`: a folder of images becomes a data set of this project."""

import argparse
import os
import re
import shlex
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from skiagram.cli.check_report import patient_hint, require_usable, spelling_hints
from skiagram.cli.file_arguments import read_file_options
from skiagram.cli.templates import fill_in
from skiagram.composition import Composition
from skiagram.compute.files import write_files
from skiagram.datasets.choices import find_data
from skiagram.datasets.folder.identifiers import suspect_column
from skiagram.datasets.folder.option_file import OptionFiles, config_text
from skiagram.datasets.folder.source import Folder
from skiagram.datasets.folder.table import split_modalities
from skiagram.datasets.ingest import task_of
from skiagram.errors import listed, printable, refusal
from skiagram.intake.file_options import FileOptions
from skiagram.intake.labels import record_left_out, require_positive
from skiagram.intake.tables import AnyTable, describe_table
from skiagram.models.reader import Reader
from skiagram.options import composed, read_option_file
from skiagram.projects.files import CHOICES
from skiagram.projects.left_out import explain_taken, leave_out
from skiagram.readers.files import read_file
from skiagram.steps.check import AnyChecked, check_table
from skiagram.steps.presets import choices_of
from skiagram.tables.frames import csv_text

_MIN_KEY = 16  # bytes


class DataSet(NamedTuple):
    """A data set that can be used, and where it is to be written.

    Attributes:
        line: What the line says of its files.
        files: Its config and manifest.
        readers: Path → text of the config of each reader whose scores the table has.
        unused: Columns that stay behind.
        key_file: File of the key of patients, which git must not take.
    """

    line: FileOptions
    files: OptionFiles
    checked: AnyChecked
    readers: dict[Path, str]
    unused: list[str]
    key_file: Path | None


def run(arguments: argparse.Namespace) -> int:
    """Write config and manifest; return 0, or 4 where `check` would."""
    outside, key_file = arguments.manifest_outside, arguments.patient_key
    options = read_file_options(arguments)
    # The data set itself.
    data_set = check_data_set(options, renew=arguments.renew, outside=outside, key_file=key_file)
    gitignores = write_data_set(data_set)
    # The choices that fit it, in files of their own.
    params = Path(CHOICES)
    baselines = read_option_file(params)["baselines"] if params.is_file() else None
    choices = choices_of(data_set.checked, baselines)
    write_files({path: text.encode() for path, text in choices.files.items()})
    # What was written, and what to do next.
    files, readers = data_set.files, data_set.readers
    committed = [files.options, *readers, *map(os.path.relpath, [*choices.files, *gitignores])]
    text = fill_in(
        "init.txt",
        files=files,
        manifest=os.path.relpath(files.manifest),
        keyed=files.patient_key is not None,
        readers=readers,
        committed=shlex.join(map(str, committed)),
        line=choices.line(),
    )
    print(text)
    stop = data_set.checked.report.explain_stop({}, str(files.options)).rstrip()
    for sentence in filter(None, [*data_set.checked.notes, choices.why, choices.frozen, stop]):
        print(printable(sentence))
    if data_set.unused:
        left_columns = listed(data_set.unused)
        print(f"Columns left in the CSV: {left_columns}. `skiagram check` says how to take some.")
    if warning := explain_taken(Path()):
        print(warning, file=sys.stderr)
    return 0


def check_data_set(
    options: FileOptions,
    *,
    renew: bool,
    outside: Path | None = None,
    key_file: Path | None = None,
    described: AnyTable | None = None,
    run: Composition | None = None,
) -> DataSet:
    """Read and check a data set, of which `write_data_set` writes config and manifest.

    Args:
        renew: Whether an earlier data set is replaced; what people wrote into its options stays.
        outside: Folder of the manifest; None for that of the config.
        key_file: Secret key of names in the manifest; None for that of the environment, if any.
        described: What `describe_table` says of the options, where it was asked before.
        run: Options of the project in this folder, or of the new one that will be there, where what
            the check makes stays for the stages of a run; None for nowhere.

    Raises:
        DataError: Images or rows that cannot be used; each is printed.
    """
    # where it will be written, and what people wrote into an earlier config
    described = described or describe_table(options)
    hints = (*described.notes, spelling_hints(described), patient_hint(described))
    for hint in filter(None, hints):
        print(printable(hint), file=sys.stderr)
    files = _name_files(described, outside, key_file)
    if not renew and run is None:
        files.require_new()
    # what is in the table and its files
    as_table = described.source
    as_table = files.renewed(as_table, options.copies) if renew else as_table
    readers = _compose_reader_files(as_table.columns.scores)
    checked: AnyChecked = check_table(as_table, described.frame, described.options, run)
    require_usable(checked, str(options.folder), "nothing was written")
    source = checked.source
    if isinstance(source, Folder):
        # the folder by a name that other machines have for it, too
        folder, root = options.folder.resolve(), find_data()
        if root and folder.is_relative_to(root.resolve()):
            folder = folder.relative_to(root.resolve())
        lesionless, stay = len(described.frame) - len(checked.frame), len(checked.frame)
        issues = record_left_out(lesionless, stay, "have no lesion in their masks")
        source = replace(
            source,
            known_issues=(*source.known_issues, *issues),
            folder=folder.as_posix(),
            unlisted="ignore" if lesionless else source.unlisted,
        )
        checked = replace(checked, source=source)
    return DataSet(options, files, checked, readers, described.unused, key_file)


def _name_files(described: AnyTable, outside: Path | None, key_file: Path | None) -> OptionFiles:
    """Return where config and manifest go, and under which key.

    Raises:
        OptionError: The positive class is not named, or a place or a key keeps nothing secret.
        DataError: Names of regions could tell a patient that the key hides.
    """
    source, columns = described.source, described.source.columns
    require_positive(source.positive_class, source.classes)
    task_of(source, source.design)
    of_features = bool(columns.features)
    inside = outside is not None and outside.resolve().is_relative_to(Path().resolve())
    if outside is not None and (inside or not outside.is_dir()):
        raise refusal("cli.manifest_inside", folder=outside)
    # the secret key of patients and file names
    where = "SKIAGRAM_PATIENT_KEY" if key_file is None else "--patient-key"
    environment_key = os.environ.get("SKIAGRAM_PATIENT_KEY", "").encode()
    key = (environment_key if key_file is None else read_file(key_file, str(key_file))).strip()
    if key_file is None and not key:
        return OptionFiles(source.name, outside, None, of_features)
    if len(key) < _MIN_KEY:
        raise refusal("cli.short_key", where, length=len(key), least=_MIN_KEY)
    # columns that would tell what it hides
    others = (columns.file, columns.label, columns.split, columns.site)
    if columns.patient in others and columns.patient is not None:
        raise refusal("cli.keyed_column_of_others", where, column=columns.patient)
    names = [] if columns.region is None else described.frame[columns.region].tolist()
    if why := suspect_column("", names):
        raise refusal("cli.telling_regions", f"column `{columns.region}`", why=why)
    return OptionFiles(source.name, outside, key, of_features)


def write_data_set(data_set: DataSet) -> list[Path]:
    """Write manifest and config, configs of readers, and the table of case ids.

    Returns:
        The files that keep git from what is of patients.
    """
    options, files, checked = data_set.line, data_set.files, data_set.checked
    source, frame = checked.source, checked.frame
    if isinstance(source, Folder):
        frame = pd.concat(split_modalities(frame, source.columns, source.modalities).values())
    sealed = None
    if options.sealed_labels is not None:
        sealed = read_file(options.sealed_labels, str(options.sealed_labels))
    # git takes nothing of patients, from before it is written
    written = (files.manifest, files.sealed_labels, files.cases)
    files.cases.parent.mkdir(exist_ok=True)
    tables = (options.csv, *options.join, options.sealed_labels, data_set.key_file)
    own = [path for path in tables if path is not None]
    gitignores = leave_out(Path(), options.folder, [*own, *written])
    files.write(source, frame, checked.checksums, sealed)
    texts = dict(data_set.readers)
    if files.patient_key is None:
        # the table that joins case ids, which all outputs have, to files or rows, and patients
        patient_of = checked.entries.set_index("name")["patient"].fillna("")
        file_of = sorted(checked.file_of.items())
        table = [(case, file, patient_of[file]) for case, file in file_of]
        texts[files.cases] = csv_text(pd.DataFrame(table, columns=["case_id", "file", "patient"]))
    write_files({path: text.encode() for path, text in texts.items()})
    return gitignores


def _compose_reader_files(columns: Iterable[str]) -> dict[Path, str]:
    """Return path → text of a config per column of scores, without those that exist."""
    files: dict[Path, str] = {}
    for column in columns:
        name = re.sub(r"\W+", "_", column.lower()).strip("_")
        path = Path("conf/model", f"{name}.yaml")
        reader = Reader(column=column, title=column)
        if not path.exists():
            files[path] = config_text(reader)
        elif {**read_option_file(path), "title": column} != composed(reader):
            raise refusal("cli.other_reader", path=path, column=column)
    return files
