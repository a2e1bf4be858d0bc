"""`skiagram features`: the features of a run as CSV."""

import argparse
from pathlib import Path

from skiagram.cli.file_arguments import require_new
from skiagram.errors import DataError

NAME = "features"
SUMMARY = "write the features of the last run as CSV, also under PyRadiomics' names"
EXAMPLES = """\
  skiagram features features.csv
      one row per case, a column per feature; `make reference` builds a page of their formulas
  skiagram features features.csv --names pyradiomics
      only what PyRadiomics has too, for example original_glcm_JointEnergy; kurtosis is raised by 3
      as there. Bins of a width begin elsewhere, so that values of texture may differ"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("output", metavar="CSV", type=Path, help="table to write; must be new")
    parser.add_argument(
        "--names", choices=("own", "pyradiomics"), default="own", help="names of the columns"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the table; return 0."""
    from skiagram.case_features.extraction import feature_definitions
    from skiagram.case_features.pyradiomics import pyradiomics_table
    from skiagram.compute.files import write_files
    from skiagram.preparation import PREPARATION, Preparation
    from skiagram.records.feature_table import FeatureTable
    from skiagram.records.files import read_record, read_table
    from skiagram.tables.frames import inert_text

    require_new(arguments.output, "CSV")
    # The table that stage extract left in the project.
    features, preparation = Path("data/features.parquet"), Path("data/preparation")
    if not features.is_file():
        raise DataError(
            "no features",
            where=str(features),
            remedy="stand in the project's folder and run `dvc repro extract` first",
        )
    described = read_table(features)
    # With the names of PyRadiomics, those features that it has.
    if arguments.names == "pyradiomics":
        recorded = read_record(Preparation, preparation / PREPARATION)
        definitions = feature_definitions(recorded)
        described = pyradiomics_table(FeatureTable.read(features), definitions, recorded.modalities)
        if described.shape[1] == 1:
            raise DataError(
                "no feature that PyRadiomics has",
                where=str(features),
                remedy="extract families such as first_order, morphology, glcm",
            )
    text = inert_text(described, float_format="%.9g")
    write_files({arguments.output: text.encode()})
    print(f"Wrote {arguments.output}: {len(described)} cases, {described.shape[1] - 1} features.")
    return 0
