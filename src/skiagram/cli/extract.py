"""`skiagram extract`: radiomics features of images and masks, without a project."""

import argparse
import sys
import time
import warnings
from dataclasses import replace
from functools import partial

from skiagram.cli.file_arguments import require_new
from skiagram.cli.image_table import REASON, extract_table, read_image_table
from skiagram.compute.files import write_files
from skiagram.compute.workers import IN_PROCESS
from skiagram.doors import in_words_of
from skiagram.errors import SkiagramError, refusal
from skiagram.radiomics.features import describe_with
from skiagram.radiomics.settings import make_plan
from skiagram.readers.case_images import read_as_stated


def run(arguments: argparse.Namespace) -> int:
    """Write the table, or print one image's features; return 0, or 4 where a row failed."""
    with warnings.catch_warnings():
        # what is to be doubted of features, without the line of the code that says it
        warnings.showwarning = lambda message, *_: print(f"Note: {message}", file=sys.stderr)
        return _extract(arguments)


def _extract(arguments: argparse.Namespace) -> int:
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
        raise refusal("cli.label_beside_table")
    if arguments.output is None:
        raise refusal("cli.no_output")
    rows = read_image_table(arguments.input)
    compute = replace(IN_PROCESS, workers=arguments.jobs or "auto")
    begin = time.monotonic()
    folder, output = arguments.folder or arguments.input.parent, arguments.output
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
