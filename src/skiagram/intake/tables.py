"""A table of images or of features, as a line names it: one reading for all commands."""

from pathlib import Path

from skiagram.datasets.feature_table import FeatureFile
from skiagram.datasets.folder.columns import Columns
from skiagram.datasets.folder.source import Folder
from skiagram.errors import refusal, suggest
from skiagram.intake.described_tables import DescribedTable
from skiagram.intake.feature_tables import read_features
from skiagram.intake.file_options import FileOptions
from skiagram.intake.images import read_folder
from skiagram.projects.files import shipped_root

AnyTable = DescribedTable[Folder] | DescribedTable[FeatureFile]


def describe_table(options: FileOptions, at_home: Columns | None = None) -> AnyTable:
    """Read what a line says of images or of features; see `read_folder` and `read_features`."""
    _require_file(options.folder, "a folder of images, or a table of features")
    for table in filter(None, (options.csv, *options.join)):
        _require_file(table, "a table")
    return read_features(options, at_home) if options.is_table else read_folder(options, at_home)


def _require_file(path: Path, allowed: str) -> None:
    """Refuse a name that neither a folder nor a file has; the message names the nearest one."""
    if path.exists():
        return
    names = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
    remedy = suggest(path.name, names, "check its name")
    if (shipped_root() / f"conf/dataset/{path.name}.yaml").is_file():
        remedy = (
            "it is a data set of the program itself: in a clone or a project, run "
            f"`dvc exp run -S dataset={path.name}`"
        )
    raise refusal("intake.nothing_there", str(path), allowed=allowed, remedy=remedy)
