"""A table of images or of features, as a line names it: one reading for all commands."""

from skiagram.datasets.feature_table import FeatureFile
from skiagram.datasets.folder.columns import Columns
from skiagram.datasets.folder.source import Folder
from skiagram.errors import refusal, suggest
from skiagram.intake.described_tables import DescribedTable
from skiagram.intake.feature_tables import read_features
from skiagram.intake.file_options import FileOptions
from skiagram.intake.images import read_folder

AnyTable = DescribedTable[Folder] | DescribedTable[FeatureFile]


def describe_table(options: FileOptions, at_home: Columns | None = None) -> AnyTable:
    """Read what a line says of images or of features; see `read_folder` and `read_features`."""
    for path in filter(None, (options.folder, options.csv, *options.join)):
        if not path.exists():
            names = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
            remedy = suggest(path.name, names, "check its name")
            raise refusal("intake.nothing_there", str(path), remedy=remedy)
    if options.folder.suffix == ".npz" and options.folder.is_file():
        file = str(options.folder)
        raise refusal("intake.arrays", file, file=file, folder=options.folder.stem)
    return read_features(options, at_home) if options.is_table else read_folder(options, at_home)
