"""`skiagram init`: a folder of images becomes a data set of this project."""

import argparse
import os
import re
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from skiagram.cli.file_arguments import USUAL as USUAL_OF_FILES
from skiagram.cli.file_arguments import add_file_arguments, read_file_options
from skiagram.errors import DataError, OptionError, listed, printable

if TYPE_CHECKING:
    from skiagram.datasets.folder.option_file import OptionFiles
    from skiagram.intake.feature_tables import DescribedFeatures
    from skiagram.intake.file_options import FileOptions
    from skiagram.intake.images import DescribedFolder
    from skiagram.steps.check import CheckedData, CheckedFolder, KeptCheck
    from skiagram.tasks.task import Design

NAME = "init"
SUMMARY = "add a folder of images and its CSV to this project as a data set"
USUAL = (*USUAL_OF_FILES, "--renew")
EXAMPLES = """\
  skiagram init images images.csv --positive malignant
      writes conf/dataset/images.yaml and its manifest (one checksum per file), and prints what
      to run next. It overwrites nothing; every value can be edited in the config.
  skiagram init images images.csv --positive malignant --covariates age,density
      keeps two more columns of the CSV; every column that is not named stays behind
  skiagram init images images.csv --positive malignant --renew
      does it again after files or labels have changed; what you edited by hand stays
  skiagram init images images.csv --positive malignant --test-sites Leeds --name screening
      external validation: train on all sites except Leeds, test on Leeds
  skiagram init volumes volumes.csv --positive yes --images PET MR_T1
      volumes (NIfTI, NRRD, MetaImage, folders of DICOM series) with their regions of interest, two
      images per case (columns `mask` and `modality` of the CSV)"""

_MIN_KEY = 16  # bytes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_file_arguments(parser)
    again = "read files and labels again; what you edited in the config stays"
    parser.add_argument("--renew", action="store_true", help=again)
    outside = "folder outside the project for the manifest, which holds files and patient ids"
    parser.add_argument("--manifest-outside", metavar="FOLDER", type=Path, help=outside)
    key = "file with a secret key (or the variable SKIAGRAM_PATIENT_KEY holds it): the manifest "
    key += "then holds HMAC-SHA256 of patients and files"
    parser.add_argument("--patient-key", metavar="FILE", type=Path, help=key)


class Added(NamedTuple):
    """A data set as it was written, and what is known of it."""

    files: "OptionFiles"
    design: "Design"
    readers: list[Path]
    checked: "CheckedFolder"
    unused: list[str]
    gitignores: list[Path]


def run(arguments: argparse.Namespace) -> int:
    """Write config and manifest; return 0, or 4 where `check` would."""
    from skiagram.compute.files import write_files
    from skiagram.options import read_option_file
    from skiagram.projects.files import CHOICES
    from skiagram.projects.left_out import explain_taken
    from skiagram.steps.presets import fitting_choices

    outside, key_file = arguments.manifest_outside, arguments.patient_key
    # The data set itself.
    options = read_file_options(arguments)
    added = add_data_set(options, renew=arguments.renew, outside=outside, key_file=key_file)
    # The choices that fit it, in files of their own.
    params = Path(CHOICES)
    choices = fitting_choices(
        added.files.name,
        added.checked.data,
        added.design,
        added.checked.source.outcome,
        added.checked.source.columns.covariates,
        read_option_file(params)["baselines"] if params.is_file() else None,
    )
    write_files({path: text.encode() for path, text in choices.files.items()})
    # What was written, and what to do next.
    print(_next(added, choices.line(), [*choices.files]))
    stop = added.checked.data.report.explain_stop({}, str(added.files.options)).rstrip()
    for sentence in filter(None, [*added.checked.notes, choices.why, choices.frozen, stop]):
        print(printable(sentence))
    if added.unused:
        left_columns = listed(added.unused)
        print(f"Columns left in the CSV: {left_columns}. `skiagram check` says how to take some.")
    if warning := explain_taken(Path()):
        print(warning, file=sys.stderr)
    return 0


def add_data_set(
    options: "FileOptions",
    *,
    renew: bool,
    outside: Path | None = None,
    key_file: Path | None = None,
    described: "DescribedFolder | None" = None,
    kept: "KeptCheck | None" = None,
) -> Added:
    """Write config and manifest, and the table that stays with the user.

    Args:
        described: What `read_folder` says of the options, where it was asked before.
        renew: Whether an earlier data set is replaced; what people wrote into its options stays.
        outside: Folder of the manifest; None for that of the config.
        key_file: Secret key of names in the manifest; None for that of the environment, if any.
        kept: Where what the check makes stays for stages; None for nowhere.

    Raises:
        DataError: Images or rows that cannot be used; each is printed.
    """
    from dataclasses import replace

    from skiagram.cli.check_report import patient_hint, require_usable, spelling_hints
    from skiagram.intake.images import read_folder
    from skiagram.intake.labels import LEFT_OUT, OF_OTHER_CLASSES, record_left_out
    from skiagram.steps.check import check_folder

    described = described or read_folder(options)
    hints = (*described.notes, spelling_hints(described), patient_hint(described))
    for hint in filter(None, hints):
        print(printable(hint), file=sys.stderr)
    # where it will be written, and what people wrote into an earlier config
    files = _name_files(described, outside, key_file)
    source = described.source
    if renew:
        source = files.renewed(source, options.copies)
    else:
        files.require_new()
    readers = _compose_reader_files(source.columns.scores)
    # what was left out, and what is in the files
    every = len(described.frame)
    source = replace(
        source,
        known_issues=(
            *(issue for issue in source.known_issues if not issue.endswith(LEFT_OUT)),
            *record_left_out(described.of_other_classes, every, OF_OTHER_CLASSES),
            *record_left_out(described.without_file, every, "have no file"),
        ),
    )
    checked = check_folder(
        source, options.folder, described.frame, described.design, described.settling, kept
    )
    require_usable(checked.data, checked.source.folder, "nothing was written")
    lesionless = every - len(checked.frame)
    # the folder by a name that other machines have for it, too
    folder, root = options.folder.resolve(), os.environ.get("SKIAGRAM_DATA")
    if root and folder.is_relative_to(Path(root).resolve()):
        folder = folder.relative_to(Path(root).resolve())
    source = replace(
        checked.source,
        known_issues=(
            *source.known_issues,
            *record_left_out(lesionless, len(checked.frame), "have no lesion in their masks"),
        ),
        folder=folder.as_posix(),
        unlisted="ignore" if lesionless else source.unlisted,
    )
    checked = replace(checked, source=source)
    gitignores = _write_data_set(files, checked, readers, key_file, options)
    return Added(files, described.design, [*readers], checked, described.unused, gitignores)


def _name_files(
    described: "DescribedFolder", outside: Path | None, key_file: Path | None
) -> "OptionFiles":
    """Return where config and manifest go, and under which key.

    Raises:
        OptionError: The positive class is not named, or a place or a key keeps nothing secret.
        DataError: Names of regions could tell a patient that the key hides.
    """
    from skiagram.datasets.folder.identifiers import suspect_column
    from skiagram.datasets.folder.option_file import OptionFiles
    from skiagram.datasets.ingest import task_of
    from skiagram.intake.labels import require_positive
    from skiagram.readers.files import read_file

    source, columns = described.source, described.source.columns
    require_positive(source.positive_class, source.classes)
    task_of(source, described.design)
    inside = outside is not None and outside.resolve().is_relative_to(Path().resolve())
    if outside is not None and (inside or not outside.is_dir()):
        allowed = "a folder that exists and lies outside the project"
        raise OptionError(f"`{outside}` was given", where="--manifest-outside", allowed=allowed)
    # the secret key of patients and file names
    where = "SKIAGRAM_PATIENT_KEY" if key_file is None else "--patient-key"
    environment_key = os.environ.get("SKIAGRAM_PATIENT_KEY", "").encode()
    key = (environment_key if key_file is None else read_file(key_file, str(key_file))).strip()
    if key_file is None and not key:
        return OptionFiles(Path(), source.name, outside, None)
    if len(key) < _MIN_KEY:
        fault, allowed = f"a key of {len(key)} bytes", f"at least {_MIN_KEY}"
        remedy = "make one outside the project with `openssl rand -hex 32 > patient.key`"
        raise OptionError(fault, where=where, allowed=allowed, remedy=remedy)
    # columns that would tell what it hides
    others = (columns.file, columns.label, columns.split, columns.site)
    if columns.patient in others and columns.patient is not None:
        fault = f"the column `{columns.patient}` does not hold patients alone"
        remedy = "name another column with --patient, or leave the key out"
        raise OptionError(fault, where=where, remedy=remedy)
    names = [] if columns.region is None else described.frame[columns.region].tolist()
    if why := suspect_column("", names):
        fault = f"regions stay in plain words beside the keyed names, and {why}"
        remedy = "name regions by what they are, such as `tumour`, in masks and table"
        raise DataError(fault, where=f"column `{columns.region}`", remedy=remedy)
    return OptionFiles(Path(), source.name, outside, key)


def _write_data_set(
    files: "OptionFiles",
    checked: "CheckedFolder",
    readers: dict[Path, str],
    key_file: Path | None,
    options: "FileOptions",
) -> list[Path]:
    """Write manifest and config, configs of readers, and the table of case ids.

    Args:
        key_file: File of the key of patients, which git must not take.

    Returns:
        The files that keep git from what is of patients.
    """
    import pandas as pd

    from skiagram.compute.files import write_files
    from skiagram.datasets.folder.table import split_modalities
    from skiagram.projects.left_out import leave_out
    from skiagram.readers.files import read_file
    from skiagram.tables.frames import csv_text

    source, columns = checked.source, checked.source.columns
    frame = pd.concat(split_modalities(checked.frame, columns, source.modalities).values())
    sealed = None
    if options.sealed_labels is not None:
        sealed = read_file(options.sealed_labels, str(options.sealed_labels))
    # git takes nothing of patients, from before it is written
    written = (files.manifest, files.sealed_labels, files.cases)
    files.cases.parent.mkdir(exist_ok=True)
    own = [path for path in (options.csv, options.sealed_labels, key_file) if path is not None]
    gitignores = leave_out(Path(), options.folder, [*own, *written])
    files.write(source, frame, checked.checksums, sealed)
    texts = dict(readers)
    if files.patient_key is None:
        # the table that joins case ids, which all outputs have, to files and patients
        patients = checked.frame[columns.patient] if columns.patient else [""] * len(checked.frame)
        patient_of = dict(zip(checked.frame[columns.image_file], patients, strict=True))
        table = [
            (case, file, patient_of.get(file.partition(",")[0], ""))
            for case, file in sorted(checked.data.file_of.items())
        ]
        texts[files.cases] = csv_text(pd.DataFrame(table, columns=["case_id", "file", "patient"]))
    write_files({path: text.encode() for path, text in texts.items()})
    return gitignores


def add_feature_table(
    options: "FileOptions", kept: "KeptCheck | None" = None
) -> "tuple[DescribedFeatures, CheckedData]":
    """Write the config and the columns that are read into the project; return what they say.

    Args:
        kept: Where what the check makes stays for stages; None for nowhere.

    Raises:
        DataError: Rows cannot be used, each of which is printed, or the cases cannot carry an
            evaluation.
    """
    import json
    from dataclasses import replace

    import yaml

    from skiagram.cli.check_report import require_usable
    from skiagram.compute.files import write_files
    from skiagram.datasets.feature_table import FeatureFile
    from skiagram.datasets.folder.option_file import described_as, of_another, read_present
    from skiagram.intake.feature_tables import read_features
    from skiagram.intake.labels import LEFT_OUT
    from skiagram.options import composed
    from skiagram.projects.left_out import leave_out
    from skiagram.steps.check import check_rows
    from skiagram.tables.frames import csv_text

    described = read_features(options)
    table = Path(f"tables/{described.source.name}.csv").resolve()
    option_file = Path(f"conf/dataset/{described.source.name}.yaml")
    # what people wrote into an earlier config stays, such as a waived finding
    if option_file.exists():
        present = read_present(FeatureFile, option_file, str(option_file))
        if present.file != str(table):
            raise of_another(option_file, str(option_file))
        written = [issue for issue in present.known_issues if not issue.endswith(LEFT_OUT)]
        issues = (*written, *described.source.known_issues)
        renewed = described_as(described.source, present, options.copies)
        described = described._replace(source=replace(renewed, known_issues=issues))
    source = replace(described.source, file=str(table))
    described = described._replace(source=source)
    data = check_rows(described, kept)
    require_usable(data, str(options.folder), "nothing was written")
    table_files = [path for path in (options.folder, options.csv, *options.join) if path]
    leave_out(Path(), options.folder, [*table_files, table])
    table.parent.mkdir(exist_ok=True)
    text = csv_text(described.frame[[*described.source.columns.used()]])
    values = json.loads(json.dumps(composed(source)))
    options_text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
    write_files({table: text.encode(), option_file: options_text.encode()})
    source.open(None)
    return described, data


def _next(added: Added, line: str, further: list[Path]) -> str:
    files, readers = added.files, added.readers
    options, manifest = files.options, files.manifest
    gitignores = [Path(os.path.relpath(path)) for path in added.gitignores]
    committed = [options, *readers, *further, *gitignores]
    keyed = files.patient_key is not None
    held = "files and patients under your key" if keyed else "your file names and patient ids"
    reader_lines = "".join(
        f"Wrote {path} (edit the title); to compare, add {path.stem} to baselines in params.yaml.\n"
        for path in readers
    )
    meaning = "which file and patient each case id stands for. It stays with you, too."
    cases = f"Wrote {files.cases}: {meaning}\n" if files.cases.exists() else ""
    return f"""\
Wrote {options} (edit title, modality, licence and known issues).
Wrote {manifest}, its manifest. It holds {held}:
git leaves it out, as it does images and tables. It stays with you.
{cases}{reader_lines}
Next:
  git add {shlex.join(map(str, committed))}
  {line}
  dvc exp show

After files or labels have changed, run the same line with --renew."""


def _compose_reader_files(columns: Iterable[str]) -> dict[Path, str]:
    """Return path → text of a config per column of scores, without those that exist."""
    import yaml

    from skiagram.models.reader import Reader
    from skiagram.options import composed, read_option_file

    files: dict[Path, str] = {}
    for column in columns:
        name = re.sub(r"\W+", "_", column.lower()).strip("_")
        path = Path("conf/model", f"{name}.yaml")
        target = composed(Reader(column=column, title=column))["_target_"]
        options = read_option_file(path) if path.exists() else {}
        if options and (options.get("_target_"), options.get("column")) != (target, column):
            fault = f"{path} exists and is not a reader with column `{column}`"
            raise OptionError(fault, where="--scores", remedy="rename the column")
        if not options:
            scalar = yaml.safe_dump(column, allow_unicode=True, width=10**6).splitlines()[0]
            files[path] = f"""\
# Scores of a reader or an existing device, compared with the models; nothing is trained.
_target_: {target}
column: {scalar} # column of scores; higher = more likely the positive class
title: {scalar} # name in tables and figures
"""
    return files
