"""`skiagram extract`: radiomics features of images and masks, without a project."""

import argparse
import sys
import time
import warnings
from functools import partial
from pathlib import Path

from skiagram.cli.file_arguments import add_options, require_new
from skiagram.cli.predict import compute_of
from skiagram.doors import in_words_of
from skiagram.errors import OptionError, SkiagramError

NAME = "extract"
SUMMARY = "write radiomics features of images and masks as CSV, also by PyRadiomics' parameter file"
EXAMPLES = """\
  skiagram extract table.csv -o features.csv
      a row per image and mask: PyRadiomics' table with the columns Image, Mask and, if a mask has
      several labels, Label; paths are relative to the table. All other columns are kept
  skiagram extract table.csv -o features.csv --param Params.yaml
      PyRadiomics' own parameter file, names and definitions; a note names what skiagram lacks
  skiagram extract scans.csv --folder scans -o features.csv
      the table that `skiagram table` wrote of the folder `scans`
  skiagram extract scan.nii.gz mask.nii.gz
      one image, a line per feature; --bin-count 32, --spacing 2 2 2 and --jobs as for a table"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("input", metavar="TABLE|IMAGE", type=Path, help="CSV, or one image beside its mask")
    add("mask", metavar="MASK", type=Path, nargs="?", help="mask of the one image")
    text = "table to write, of one image a line per feature; must be new"
    add("-o", "--output", metavar="CSV", type=Path, help=text)
    text = "folder of the files that the table names (default: the table's own)"
    add("--folder", metavar="FOLDER", type=Path, help=text)
    add("--param", metavar="YAML", type=Path, help="PyRadiomics' parameter file")
    add(
        "--names",
        choices=("ibsi", "pyradiomics"),
        help="names and definitions (default: pyradiomics with --param, else ibsi)",
    )
    add("--bin-width", type=float, help="width of the bins of grey levels (default: 25)")
    add("--bin-count", type=int, help="number of bins, in place of a width")
    add(
        "--spacing",
        type=float,
        nargs=3,
        metavar="MM",
        help="resample to these distances of slices, rows and columns; 0 leaves an axis",
    )
    label = "value of the region's voxels in the MASK of one image (default: the only one)"
    add("--label", type=int, metavar="N", help=label)
    add_options(parser, ["unstated_spacing"])
    add("--jobs", type=int, help="images at a time (default: as many as there are processors)")


def run(arguments: argparse.Namespace) -> int:
    """Write the table, or print one image's features; return 0, or 4 where a row failed."""
    with warnings.catch_warnings():
        # what is to be doubted of features, without the line of the code that says it
        warnings.showwarning = lambda message, *_: print(f"Note: {message}", file=sys.stderr)
        return _extract(arguments)


def _extract(arguments: argparse.Namespace) -> int:
    from skiagram.cli.image_table import (
        REASON,
        extract_table,
        is_written,
        read_image_table,
    )
    from skiagram.compute.files import write_files
    from skiagram.radiomics.features import describe_with
    from skiagram.radiomics.settings import make_plan
    from skiagram.readers.case_images import read_as_stated

    # The features and their settings, and what the parameter file leaves open.
    plan = make_plan(
        arguments.param,
        names=arguments.names,
        bin_width=arguments.bin_width,
        bin_count=arguments.bin_count,
        resampled_spacing=arguments.spacing,
    )
    spacing = read_as_stated(arguments.unstated_spacing).spacing
    for remark in plan.remarks:
        print(f"Note: {remark}", file=sys.stderr)
    # One image and its mask.
    if arguments.mask is not None:
        if arguments.output is not None:
            require_new(arguments.output, "--output")
        image, mask = arguments.input, arguments.mask
        try:
            features = describe_with(plan, image, mask, spacing, arguments.label)
        except SkiagramError as error:
            raise error.rephrased(partial(in_words_of, "extract IMAGE MASK")) from error
        lines = [f"{name},{value:.12g}" for name, value in features.items()]
        if arguments.output is None:
            print("\n".join(lines))
            return 0
        write_files({arguments.output: "\n".join(["feature,value", *lines, ""]).encode()})
        print(f"Wrote {arguments.output}: {len(features)} features.")
        return 0
    # A table of images, a row each.
    if arguments.label is not None:
        allowed = "for one image; a table has a column `Label`"
        raise OptionError("a label was given with a table", where="--label", allowed=allowed)
    if arguments.output is None:
        remedy = "skiagram extract table.csv -o features.csv, or IMAGE MASK"
        raise OptionError("no table to write", where="--output", remedy=remedy)
    rows = read_image_table(arguments.input)
    compute = compute_of(arguments.jobs, "--jobs")
    # The output is new, or an earlier call wrote it of the same rows.
    begin = time.monotonic()
    folder, output = arguments.folder or arguments.input.parent, arguments.output
    if not is_written(rows, folder, plan, output, spacing):
        require_new(output, "--output")
    table = extract_table(rows, folder, plan, output, compute, spacing)
    # Rows that failed are counted: the exit code tells of them.
    failed = int(table[REASON].notna().sum()) if REASON in table.columns else 0
    n_other_columns = len(rows[0].cells) + (REASON in table.columns)
    print(
        f"Wrote {arguments.output}: {len(table) - failed} of {len(table)} rows with "
        f"{len(table.columns) - n_other_columns} features, in {time.monotonic() - begin:.0f} s."
    )
    if failed:
        print(f"{failed} rows have a reason in the column `{REASON}` in place of features.")
    return 4 if failed else 0
