"""The config of a data set and its copy of the table, as `skiagram init` writes them."""

import dataclasses
import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from skiagram.compute.files import write_files
from skiagram.datasets.choices import CopyChoice
from skiagram.datasets.contract import RealDataSet
from skiagram.datasets.feature_table import FeatureFile
from skiagram.datasets.folder.columns import Columns
from skiagram.datasets.folder.keyed_names import KEYED, OF_FILE, key_name
from skiagram.datasets.folder.source import Folder, checksum_columns
from skiagram.datasets.folder.table import join_masks, normalise_name, split_masks
from skiagram.errors import OptionError, refusal
from skiagram.options import check, composed, meanings, read_option_file, write_value
from skiagram.tables.frames import csv_text, read_table

L = TypeVar("L", bound=Folder | FeatureFile)
LEFT_OUT = "and were left out of the data set."  # how a sentence of the record ends


def config_text(options: Any) -> str:
    """Return options of a class as the YAML of a config, each with its meaning."""
    meaning, lines = meanings(type(options)) | meanings(Columns), list[str]()
    for option, value in composed(options).items():
        inner: Mapping[str, Any] = value if option == "columns" else {}
        lines.append(_yaml_line(option, "" if inner else value, meaning))
        lines += [f"  {_yaml_line(name, column, meaning)}" for name, column in inner.items()]
    return "\n".join(lines) + "\n"


@dataclasses.dataclass(frozen=True)
class OptionFiles:
    """The two files of a data set within the project in this folder.

    Attributes:
        outside: Folder of the manifest; None puts it beside the config, and features into `tables`.
        patient_key: Secret key for patients and file names in the manifest; None keeps them.
        of_features: Whether the manifest is a table of features, without files.
    """

    name: str
    outside: Path | None = None
    patient_key: bytes | None = dataclasses.field(default=None, repr=False)
    of_features: bool = False

    @property
    def options(self) -> Path:
        return Path("conf", "dataset", f"{self.name}.yaml")

    @property
    def manifest(self) -> Path:
        if self.outside is not None:
            return self.outside.resolve() / f"{self.name}.csv"
        if self.of_features:
            return Path("tables", f"{self.name}.csv")
        return self.options.with_suffix(".csv")

    @property
    def sealed_labels(self) -> Path:
        """Return where the encrypted labels of test cases stand, if there are some."""
        return self.manifest.with_suffix(".labels.age")

    @property
    def cases(self) -> Path:
        """Return where the table stands that says which file each case is; git leaves it out."""
        folder = Path("tables") if self.outside is None else self.outside.resolve()
        return folder / f"{self.name}.cases.csv"

    def require_new(self) -> None:
        """Refuse to overwrite, and to write where no project is."""
        if not self.options.parent.is_dir():
            raise refusal("datasets.no_project", str(Path().resolve()))
        for path in (self.options, self.manifest):
            if path.exists():
                raise refusal("datasets.config_exists", config=path.as_posix())

    def renewed(self, source: L, copies: CopyChoice | None) -> L:
        """Return a data set with what people wrote into its present config.

        What is predicted is none of that: the line says it, each time.

        Args:
            source: As the line says it.
            copies: What the line does with copies, which comes before the config; None where it
                says nothing.

        Raises:
            OptionError: The config is of another data set, or cannot be read any more.
        """
        # the data set of the config, which must be of the line's kind
        if not self.options.is_file():
            raise refusal("datasets.nothing_to_renew", config=self.options)
        shown, kind, values = self.options.as_posix(), type(source), read_option_file(self.options)
        of_another = refusal(
            "datasets.name_of_another", kind=OptionError, config=shown, name=self.name
        )
        if values.pop("_target_", None) != f"{kind.__module__}.{kind.__qualname__}":
            raise of_another
        try:
            present = check(kind, values, "dataset")
        except OptionError as error:  # such as of an earlier version
            remedy = f"correct it, or remove {shown} and run the same line again"
            where = f"{shown}, {error.where}"
            raise error.restated(OptionError, where=where, remedy=remedy) from error
        # plain ids, or file names, do not come where they were kept out before
        present_file = Path(present.file) if isinstance(present, FeatureFile) else self.manifest
        if present_file.absolute() != self.manifest.absolute():
            raise of_another
        if isinstance(present, Folder) and present.manifest != self.manifest.as_posix():
            raise refusal("datasets.manifest_elsewhere", manifest=present.manifest)
        columns = (present.columns.file, present.columns.patient)
        if self.patient_key is None and self.manifest.is_file():
            frame = read_table(self.manifest.read_bytes())
            known = [name for name in columns if name in frame]
            if any(frame[name].str.startswith(KEYED).any() for name in known):
                raise refusal("datasets.keyed_names")
        # what people wrote; what is left out is that of the line, each time
        fields = {field.name for field in dataclasses.fields(RealDataSet)} - {"name", "outcome"}
        written = {name: getattr(present, name) for name in fields}
        written |= {} if copies is None else {"copies": copies}
        own = (issue for issue in present.known_issues if not issue.endswith(LEFT_OUT))
        written["known_issues"] = (*own, *source.known_issues)
        written |= {"source": present.source} if isinstance(present, Folder) else {}
        return dataclasses.replace(source, **written)

    def write(
        self,
        source: Folder | FeatureFile,
        frame: pd.DataFrame,
        checksums: Mapping[str, str],
        sealed: bytes | None = None,
    ) -> None:
        """Write manifest and config; earlier ones are replaced.

        Args:
            frame: The table; columns that are not used do not enter the project.
            checksums: File → SHA-256; none of features.
            sealed: Labels of test cases, encrypted; None where the table holds them.
        """
        # the manifest: the columns that are used, a checksum a file, and names under the key
        columns, key = source.columns, self.patient_key
        written = frame[[*columns.used()]].copy()
        for column, sums in checksum_columns(columns).items():
            files = [
                split_masks(cell) if column == columns.mask else (normalise_name(cell),)
                for cell in frame[column]
            ]
            shown = str if key is None else partial(key_name, key=key, kind=OF_FILE)
            written[column] = [join_masks(map(shown, names)) for names in files]
            written[sums] = [join_masks(checksums[file] for file in names) for names in files]
        if key is not None and columns.patient is not None:
            written[columns.patient] = [
                cell and key_name(cell, key) for cell in frame[columns.patient]
            ]
        content = csv_text(written).encode()
        if isinstance(source, Folder):
            source = dataclasses.replace(
                source,
                manifest=self.manifest.as_posix(),
                manifest_sha256=hashlib.sha256(content).hexdigest(),
                sealed_labels=None if sealed is None else self.sealed_labels.as_posix(),
                sealed_labels_sha256=None if sealed is None else hashlib.sha256(sealed).hexdigest(),
            )
        else:
            source = dataclasses.replace(source, file=self.manifest.as_posix())
        sealed_files = {} if sealed is None else {self.sealed_labels: sealed}
        # The config comes first: after a kill `--renew` makes the others.
        texts = {self.options: config_text(source).encode(), self.manifest: content}
        self.manifest.parent.mkdir(exist_ok=True)
        write_files(texts | sealed_files)


def _yaml_line(key: str, value: Any, meaning: Mapping[str, str]) -> str:
    plain = list(value) if isinstance(value, tuple) else value
    scalar = "" if value == "" and key == "columns" else write_value(plain)
    return f"{key}: {scalar}".rstrip() + (f" # {meaning[key]}" if key in meaning else "")
