"""The option file and the manifest of a folder, as `skiagram init` writes them."""

import csv
import dataclasses
import hashlib
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import yaml

from skiagram.datasets.described import Described
from skiagram.datasets.folder.listing import Columns
from skiagram.datasets.folder.source import CHECKSUM, Folder
from skiagram.datasets.folder.table import Row, normal
from skiagram.errors import OptionError
from skiagram.options import check, composed

_MEANING = {
    "title": "name for people",
    "modality": "kind of image, as the report shall name it",
    "folder": "a relative path starts at SKIAGRAM_DATA",
    "manifest_sha256": "a changed manifest stops the run",
    "columns": "which column of the manifest holds what",
    "patient": "groups images of one person; null where unknown",
    "split": "train, validation, test; null where no split is told",
    "site": "where the image was taken; see test_sites",
    "covariates": "what else goes on; nothing that identifies a person",
    "scores": "of readers or devices, to compare with; higher = more likely the positive class",
    "classes": "in label order",
    "positive_class": "class looked for; null for more than two classes",
    "test_sites": "train on the others, test on these; empty for none",
    "channels": "1 gray, 3 colour",
    "unlisted": "image files without a row: refuse, ignore",
    "waived_findings": "audit finding: reason why it does not stop the run",
}


@dataclasses.dataclass(frozen=True)
class OptionFiles:
    """The two files of a data set within a project.

    Attributes:
        project: Folder of `conf/`.
        name: Short name of the data set.
    """

    project: Path
    name: str

    @property
    def options(self) -> Path:
        """Return where the option file stands."""
        return self.project / "conf" / "dataset" / f"{self.name}.yaml"

    @property
    def manifest(self) -> Path:
        """Return where the manifest stands."""
        return self.options.with_suffix(".csv")

    def require_new(self) -> None:
        """Refuse to overwrite, and to write where no project is.

        Raises:
            OptionError: There is no project, or a data set of this name.
        """
        if not self.options.parent.is_dir():
            raise OptionError(
                "no folder conf/dataset here",
                where=str(self.project.resolve()),
                remedy="go to the project, the folder of dvc.yaml, and say it again",
            )
        for path in (self.options, self.manifest):
            if path.exists():
                raise OptionError(
                    f"{path.relative_to(self.project)} exists",
                    where="--name",
                    remedy="choose another name, or add --renew to take up new files and labels",
                )

    def renewed(self, source: Folder) -> Folder:
        """Return a data set with what its present option file says for people.

        Raises:
            OptionError: There is no such option file, or it holds a wrong value.
        """
        if not self.options.is_file():
            raise OptionError(
                f"no {self.options.relative_to(self.project)} to renew",
                where="--renew",
                remedy="leave it out the first time",
            )
        present = check(Folder, _values(self.options), "dataset")
        kept = {field.name for field in dataclasses.fields(Described)} - {"name"} | {"source"}
        return dataclasses.replace(source, **{name: getattr(present, name) for name in kept})

    def write(self, source: Folder, rows: list[Row], checksums: Mapping[str, str]) -> None:
        """Write manifest and option file; earlier ones are replaced.

        Args:
            source: The data set; its manifest is filled in.
            rows: The table; columns that are not used do not enter the project.
            checksums: File name → SHA-256.
        """
        content = _manifest(source.columns, rows, checksums)
        whole = dataclasses.replace(
            source,
            manifest=self.manifest.relative_to(self.project).as_posix(),
            manifest_sha256=hashlib.sha256(content).hexdigest(),
        )
        for path, written in (
            (self.manifest, content),
            (self.options, option_text(whole).encode()),
        ):
            partial = path.with_name(f".{path.name}.partial")
            partial.write_bytes(written)
            partial.replace(path)


def _values(options: Path) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load(options.read_text(encoding="utf-8"))
    return {name: value for name, value in values.items() if name != "_target_"}


def option_text(source: Folder) -> str:
    """Return a data set's options as YAML with a comment where a meaning is not plain."""
    return "\n".join(_lines(composed(source), indent="")) + "\n"


def _lines(values: Mapping[str, Any], indent: str) -> list[str]:
    lines = []
    for key, value in values.items():
        comment = f" # {_MEANING[key]}" if key in _MEANING else ""
        if isinstance(value, dict) and value:
            lines += [f"{indent}{key}:{comment}", *_lines(value, indent + "  ")]
        else:
            lines.append(f"{indent}{key}: {_scalar(value)}{comment}")
    return lines


def _scalar(value: Any) -> str:
    plain = list(value) if isinstance(value, tuple) else value
    text = yaml.safe_dump(plain, default_flow_style=True, width=10**6, allow_unicode=True)
    return text.removesuffix("...\n").strip()


def _manifest(columns: Columns, rows: list[Row], checksums: Mapping[str, str]) -> bytes:
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*columns.used(), CHECKSUM])
    for row in rows:
        used = {name: row.cells[name] for name in columns.used()}
        name = used[columns.file] = normal(row.cells[columns.file])
        writer.writerow([*used.values(), checksums[name]])
    return text.getvalue().encode()
