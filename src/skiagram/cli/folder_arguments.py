"""What `check` and `init` ask alike: a folder, its table, and which column holds what."""

import argparse
from pathlib import Path


def add_folder_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="folder of image files")
    parser.add_argument("csv", metavar="CSV", type=Path, help="table with a row a file")
    parser.add_argument("--name", help="short name of the data set (the folder's)")
    columns = parser.add_argument_group("columns of the CSV")
    columns.add_argument("--file", default="file", help="file name within FOLDER (file)")
    columns.add_argument("--label", default="label", help="class (label)")
    columns.add_argument("--patient", help="patient (patient_id, else case_id, if there)")
    columns.add_argument("--split", help="train, validation or test (split, if there)")
    columns.add_argument("--site", help="where the image was taken (site, if there)")
    columns.add_argument(
        "--covariates",
        nargs="*",
        help="what else goes on (further columns whose values do not look like identifiers)",
    )
    columns.add_argument(
        "--scores",
        nargs="+",
        default=[],
        help="what readers or devices said, to compare with (higher: rather the positive class)",
    )
    task = parser.add_argument_group("task")
    task.add_argument("--classes", nargs="+", help="in label order (those that occur, sorted)")
    task.add_argument("--positive", help="the class looked for, where there are two")
    task.add_argument("--test-sites", nargs="+", default=[], help="train on the others, test here")
    task.add_argument(
        "--ignore-unlisted", action="store_true", help="leave out image files without a row"
    )
