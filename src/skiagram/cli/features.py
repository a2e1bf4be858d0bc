"""`skiagram features`: the features of a run as CSV."""

import argparse
from pathlib import Path

from skiagram.case_features.extraction import feature_definitions
from skiagram.case_features.pyradiomics import pyradiomics_table
from skiagram.cli.file_arguments import require_new
from skiagram.compute.files import write_files
from skiagram.errors import refusal
from skiagram.preparation import PREPARATION, Preparation
from skiagram.records.feature_table import FeatureTable
from skiagram.records.files import read_record, read_table
from skiagram.tables.frames import inert_text


def run(arguments: argparse.Namespace) -> int:
    """Write the table; return 0."""
    require_new(arguments.output, "CSV")
    # The table that stage extract left in the project.
    features, preparation = Path("data/features.parquet"), Path("data/preparation")
    if not features.is_file():
        raise refusal("cli.no_features", str(features))
    described = read_table(features)
    # With the names of PyRadiomics, those features that it has.
    if arguments.names == "pyradiomics":
        recorded = read_record(Preparation, preparation / PREPARATION)
        definitions = feature_definitions(recorded)
        described = pyradiomics_table(FeatureTable.read(features), definitions, recorded.modalities)
        if described.shape[1] == 1:
            raise refusal("cli.no_pyradiomics_feature", str(features))
    text = inert_text(described, float_format="%.9g")
    write_files({arguments.output: text.encode()})
    print(f"Wrote {arguments.output}: {len(described)} cases, {described.shape[1] - 1} features.")
    return 0
