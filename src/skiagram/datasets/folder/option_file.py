"""The option file and the manifest of a folder, as `skiagram init` writes them."""

import csv
import dataclasses
import hashlib
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import yaml

from skiagram.datasets.contract import RealDataSet
from skiagram.datasets.files import write_files
from skiagram.datasets.folder.csv_rows import TableRow, read_rows
from skiagram.datasets.folder.keyed_names import KEYED, key_file, key_patient
from skiagram.datasets.folder.source import CHECKSUM, MASK_CHECKSUM, Folder
from skiagram.datasets.folder.table import Columns, normalise_name
from skiagram.errors import OptionError
from skiagram.options import check, composed, read_option_file

_MEANING = {
    "title": "name in tables and figures",
    "folder": "a relative path is below SKIAGRAM_DATA",
    "manifest_sha256": "a changed manifest stops the run",
    "columns": "columns of the manifest",
    "patient": "groups the images of one person; null if unknown",
    "split": "train, validation or test; null if there is no split",
    "site": "where the image was taken; see test_sites",
    "covariates": "further columns to keep; nothing that identifies a person",
    "forced_covariates": "covariates that are kept although they look like identifiers",
    "scores": "of readers or devices, to compare with; higher = more likely the positive class",
    "mask": "file of the region of interest; null for whole images",
    "modality": "kind of image",
    "region": "name of the region in a mask's file",
    "label_value": "value of the region's voxels",
    "frame": "number of a frame of a DICOM file of several, or all for a volume of them",
    "visit": "order of a patient's images; null where each patient was seen once",
    "modalities": "which of the modalities are read, the first is audited and shown",
    "mask_grid": "a mask on other voxels than its image's: same (refuse it) or resample",
    "burnt_in_text": "marks in the borders that look like text: keep, mask or refuse",
    "most_pixels": "rows times columns that an image may have",
    "sealed_labels": "labels of test cases, encrypted for a custodian; null where they are plain",
    "classes": "in label order",
    "positive_class": "the class to detect; null for more than two classes",
    "test_sites": "sites of the test set; empty for none",
    "channels": "1 gray, 3 colour",
    "unlisted": "image files without a row: refuse or ignore",
    "waived_findings": "audit finding: reason why it does not stop the run",
}


@dataclasses.dataclass(frozen=True)
class OptionFiles:
    """The two files of a data set within a project.

    Attributes:
        outside: Folder of the manifest; None puts it beside the option file.
        patient_key: Secret key under which the manifest holds patients and file names; None keeps
            them as they are.
    """

    project: Path
    name: str
    outside: Path | None = None
    patient_key: bytes | None = dataclasses.field(default=None, repr=False)

    @property
    def options(self) -> Path:
        """Return where the option file stands."""
        return self.project / "conf" / "dataset" / f"{self.name}.yaml"

    @property
    def manifest(self) -> Path:
        """Return where the manifest stands."""
        if self.outside is not None:
            return self.outside.resolve() / f"{self.name}.csv"
        return self.options.with_suffix(".csv")

    @property
    def sealed_labels(self) -> Path:
        """Return where the encrypted labels of test cases stand, if there are some."""
        return self.manifest.with_suffix(".labels.age")

    def require_new(self) -> None:
        """Refuse to overwrite, and to write where no project is."""
        if not self.options.parent.is_dir():
            raise OptionError(
                "no folder conf/dataset here",
                where=str(self.project.resolve()),
                remedy="go to the project, the folder of dvc.yaml, and run it again",
            )
        for path in (self.options, self.manifest):
            if path.exists():
                raise OptionError(
                    f"{self._shown(path)} exists",
                    where="--name",
                    remedy="choose another name, or add --renew to read files and labels again",
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
                remedy="run it without --renew the first time",
            )
        present = check(Folder, _read_options(self.options), "dataset")
        self._require_same_manifest(present)
        hand_written = {field.name for field in dataclasses.fields(RealDataSet)} - {"name"} | {
            "source"
        }
        return dataclasses.replace(
            source, **{name: getattr(present, name) for name in hand_written}
        )

    def write(
        self,
        source: Folder,
        rows: list[TableRow],
        checksums: Mapping[str, str],
        sealed: bytes | None = None,
    ) -> None:
        """Write manifest and option file; earlier ones are replaced.

        Args:
            rows: The table; columns that are not used do not enter the project.
            sealed: Labels of test cases, encrypted; None where the table holds them.
        """
        content = _manifest_bytes(source.columns, rows, checksums, self.patient_key)
        whole = dataclasses.replace(
            source,
            manifest=self._shown(self.manifest),
            manifest_sha256=hashlib.sha256(content).hexdigest(),
            sealed_labels=None if sealed is None else self._shown(self.sealed_labels),
            sealed_labels_sha256=None if sealed is None else hashlib.sha256(sealed).hexdigest(),
        )
        beside = {} if sealed is None else {self.sealed_labels: sealed}
        texts = {self.manifest: content, self.options: option_text(whole).encode()}
        write_files(beside | texts)

    def _shown(self, path: Path) -> str:
        inside = path.is_relative_to(self.project)
        return (path.relative_to(self.project) if inside else path).as_posix()

    def _require_same_manifest(self, present: Folder) -> None:
        """Refuse to put plain ids, or file names, where they were kept out before."""
        if present.manifest != self._shown(self.manifest):
            raise OptionError(
                f"the manifest is {present.manifest}",
                where="--manifest-outside",
                remedy="give the folder of the manifest as the first time",
            )
        columns = (present.columns.file, present.columns.patient)
        path = self.project / present.manifest
        if self.patient_key is None and path.is_file():
            rows = read_rows(path.read_bytes())
            cells = [row.cells.get(name, "") for row in rows for name in columns if name]
            if any(cell.startswith(KEYED) for cell in cells):
                raise OptionError(
                    "the names in the manifest are under a key",
                    where="--patient-key",
                    remedy="give the key again, in a file or as SKIAGRAM_PATIENT_KEY",
                )


def _read_options(options: Path) -> dict[str, Any]:
    values = read_option_file(options)
    return {name: value for name, value in values.items() if name != "_target_"}


def option_text(source: Folder) -> str:
    """Return a data set's options as YAML with a comment where a meaning is not plain."""
    return "\n".join(_yaml_lines(composed(source), indent="")) + "\n"


def _yaml_lines(values: Mapping[str, Any], indent: str) -> list[str]:
    lines = []
    for key, value in values.items():
        comment = f" # {_MEANING[key]}" if key in _MEANING else ""
        if isinstance(value, dict) and value:
            lines += [f"{indent}{key}:{comment}", *_yaml_lines(value, indent + "  ")]
        else:
            lines.append(f"{indent}{key}: {_yaml_scalar(value)}{comment}")
    return lines


def _yaml_scalar(value: Any) -> str:
    plain = list(value) if isinstance(value, tuple) else value
    text = yaml.safe_dump(plain, default_flow_style=True, width=10**6, allow_unicode=True)
    return text.removesuffix("...\n").strip()


def _manifest_bytes(
    columns: Columns, rows: list[TableRow], checksums: Mapping[str, str], key: bytes | None
) -> bytes:
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    kinds = {columns.file: CHECKSUM}
    if columns.mask is not None:
        kinds[columns.mask] = MASK_CHECKSUM
    writer.writerow([*columns.used(), *kinds.values()])
    for row in rows:
        used = {name: row.cells[name] for name in columns.used()}
        for name in kinds:
            used[name] = normalise_name(row.cells[name])
        sums = [checksums[used[name]] for name in kinds]
        if key is not None:
            used |= {name: key_file(used[name], key) for name in kinds}
            if columns.patient is not None and used[columns.patient]:
                used[columns.patient] = key_patient(used[columns.patient], key)
        writer.writerow([*used.values(), *sums])
    return text.getvalue().encode()
