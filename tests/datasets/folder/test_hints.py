"""What a table and its files say of the label before ingest: order, format and columns."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skiagram.audit.contract import Finding
from skiagram.datasets.folder.survey import survey
from skiagram.datasets.folder.table import read_rows
from tests.datasets.own_folders import COLUMNS, encoded, film, row, source_of, write_folder

FILES = 40


def findings(
    place: Path, names: list[str], *, narrow: bool = False, **columns: list[object]
) -> dict[str, Finding]:
    """Survey one film a patient; row `at` is of class `at % 2`."""
    files, rows = {}, []
    for at, name in enumerate(names):
        pixels = film(at)[:, : 23 if narrow and at % 2 else None]
        files[name] = encoded(Image.fromarray(pixels), "PNG")
        known = {key: values[at] for key, values in columns.items()}
        label = "cancer" if at % 2 else "normal"
        rows.append(row(at, name, patient_id=f"MRN-{at:04d}", label=label, **known))
    own = write_folder(place, files, rows)
    source = source_of(own)
    source = replace(source, columns=replace(COLUMNS, covariates=tuple(columns)))
    found = survey(source, own.folder, read_rows(own.csv.read_bytes()), "cv")
    assert not found.problems
    return {one.name: one for one in found.findings}


def drawn_names() -> list[str]:
    return [f"{number:08d}.png" for number in np.random.default_rng(0).permutation(10**6)[:FILES]]


def test_names_by_class_are_noted(tmp_path: Path) -> None:
    names = [f"{'ab'[at % 2]}/film-{at:03d}.png" for at in range(FILES)]
    found = findings(tmp_path, names)
    assert found["label_from_file_order"].severity == "note"
    assert "No model sees that" in found["label_from_file_order"].summary


def test_numbers_by_class_are_noted_wherever_they_stand(tmp_path: Path) -> None:
    letters = np.random.default_rng(1).permutation(list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN"))
    names = [f"{letters[at]}-{at + 500 * (at % 2)}.png" for at in range(FILES)]
    assert "label_from_file_order" in findings(tmp_path, names)


def test_names_at_random_are_not(tmp_path: Path) -> None:
    found = findings(tmp_path, drawn_names())
    assert {one.severity for one in found.values()} == {"note"}
    assert "label_from_file_order" not in found
    assert "file order" in found["shortcut_probes"].summary


def test_a_format_that_goes_with_the_class_warns(tmp_path: Path) -> None:
    assert findings(tmp_path, drawn_names(), narrow=True)["label_from_format"].severity == "warning"


@pytest.mark.parametrize("column", ["text", "number"])
def test_a_column_that_is_the_label_warns(column: str, tmp_path: Path) -> None:
    kinds: dict[str, list[object]] = {"text": ["no", "yes"], "number": [1.5, 7]}
    values = [kinds[column][at % 2] for at in range(FILES)]
    found = findings(tmp_path, drawn_names(), room=values)
    assert "room (AUC 1.00)" in found["label_among_covariates"].summary
