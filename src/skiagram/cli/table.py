"""`skiagram table`: the CSV of a folder, made of its files' names and a table of labels."""

import argparse
from pathlib import Path

from skiagram.cli.file_arguments import (
    add_options,
    list_options,
    read_file_options,
    require_new,
)
from skiagram.datasets.folder.roles import ROLES
from skiagram.errors import OptionError, printable
from skiagram.intake.file_options import NAMES

NAME = "table"
SUMMARY = "make the CSV of a folder from the names of its files and a table of labels"
EXAMPLES = """\
  skiagram table scans labels.csv scans.csv --pattern '{patient}/{modality}_{kind}.nii.gz'
      one row per patient and modality: the file whose {kind} is `image`, the mask whose {kind} is
      `mask`, and the columns of labels.csv for the patient (its column `patient_id`)
  skiagram table scans labels.csv scans.csv --pattern 'nifti/{patient}/{modality}_{kind}.nii.gz' \\
      'dicom/{patient}/{modality}/{kind}'
      several patterns, the first with image and mask is taken; a folder of DICOM is a series, and
      one with a single file stands for that file
  skiagram table films films.csv --pattern '{label}/{patient}_{region}.png'
      names that tell the label too; no table of labels is needed
  skiagram table films films.csv --pattern '{label}/{patient}.png' --masks regions
      `1_mask.png` beside `1.png` goes into the column `mask`
  skiagram table films labels.csv films.csv --pattern '{patient}/{region}.png' --marks boxes.json
      lesions into a column `marks`, and whether there is any into `lesion`: of COCO's JSON, a CSV
      with a row a lesion (`file`, `x`, `y`, `radius`, or a box), LUNA16's annotations.csv, or
      `masks`: each connected part of an image's mask is a lesion
  skiagram table radiomics.csv outcome.csv joined.csv --similar-patients same
      two tables joined by their patients, whose ids may differ in zeros (`095`, `95`)
  skiagram table brats grades.csv scans.csv --pattern '{patient}/{patient}_{modality}.nii.gz' \\
      --mask-pattern '{patient}/{patient}_seg.nii.gz' --label-value all
      one mask for the four images of a patient, its region all that has a label
  skiagram table luna16 scans.csv --pattern '{patient}.mhd' --marks annotations.csv"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "folder",
        metavar="FOLDER",
        type=Path,
        help="folder of images and masks; or a table, to join it with LABELS",
    )
    parser.add_argument(
        "csv",
        metavar="LABELS",
        type=Path,
        nargs="?",
        help="CSV with patients and labels; none where --pattern has {label} or with --marks",
    )
    parser.add_argument("output", metavar="CSV", type=Path, help="table to write; must be new")
    add_options(parser, list_options(NAMES))
    text = f"column of LABELS (default: {', else '.join(ROLES['patient'].usual)})"
    parser.add_argument("--patient", metavar="COLUMN", help=text)
    add_options(parser, ("similar_patients", "unmatched", "unstated_spacing", "masks"))
    parser.add_argument(
        "--marks",
        metavar="FILE",
        help="lesions: a CSV, COCO's JSON, or `masks`",
    )
    parser.add_argument(
        "--label-value",
        default="",
        metavar="N|all",
        help="value of the region's voxels in masks of several labels, or `all` for all of them",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the table and say what it holds and lacks; return 0."""
    from skiagram.compute.files import write_files
    from skiagram.datasets.folder.patients import join_tables
    from skiagram.intake.named_files import compose_table
    from skiagram.tables.frames import csv_text, read_csv

    # The table is new: none is overwritten.
    options, output = read_file_options(arguments), arguments.output
    folder = options.folder
    require_new(output, "CSV")
    # the rows of a table, with what another one says of their patients
    if folder.is_file():
        if options.csv is None:
            fault, allowed = "is not given", "a second table, with a row a patient"
            raise OptionError(fault, where="LABELS", allowed=allowed)
        tables = {str(path): read_csv(path) for path in (folder, options.csv, *options.join)}
        leave_out = options.unmatched == "leave-out"
        frame, notes = join_tables(
            tables, options.patient, options.similar_patients, leave_out=leave_out
        )
        write_files({output: csv_text(frame).encode()})
        print(f"Wrote {output}, {len(frame)} rows.", *map(printable, notes), sep="\n")
        return 0
    # a row for each file of a folder
    table = compose_table(options)
    write_files({output: csv_text(table.frame).encode()})
    # What the next line has to name.
    print(f"Wrote {output}, {len(table.frame)} rows.")
    column = "" if options.csv is None else " --label COLUMN"
    for name, value in table.following.items():
        column += f" --{name.replace('_', '-')}" + ("" if value is True else f" {value}")
    following = f"Next: skiagram check {folder} {output}{column}"
    print(*map(printable, table.notes), following, sep="\n")
    return 0
