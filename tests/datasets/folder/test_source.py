"""A user's own folder through ingest: read right, verified, no identifier in any byte."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skiagram.errors import DataError, OptionError
from skiagram.image_store.store import ImageStore
from skiagram.records.files import read_record, read_table
from skiagram.tables.frames import read_table as read_csv_text
from skiagram.tasks.cases import DataCard
from tests.datasets.own_folders import (
    COLUMNS,
    encoded,
    film,
    pixels_of,
    png,
    row,
    sound_folder,
    source_of,
    write_films,
    write_folder,
)
from tests.datasets.sources import ingested
from tests.folders import git


@pytest.fixture
def own(tmp_path):
    """Return a folder that can be run, of twelve patients with two images each."""
    return sound_folder(tmp_path)


def test_every_image_arrives_with_label_patient_and_covariates(own, tmp_path):
    folders, cases = ingested(source_of(own), tmp_path / "out", "cv")
    table = read_csv_text(own.csv.read_bytes())
    rows = {pixels_of(own.folder / one["file"]): one for one in table.to_dict("records")}
    store = ImageStore(folders.images)
    known = read_table(folders.cases / "covariates.parquet").set_index("case_id")
    patients = {}
    for case_id, patient, label in zip(cases.case_id, cases.patient_id, cases.label, strict=True):
        cells = rows.pop(store.image(case_id).tobytes())
        assert ("normal", "cancer")[label] == cells["label"]
        assert patients.setdefault(patient, cells["patient_id"]) == cells["patient_id"]
        assert known.loc[case_id, "age"] == float(cells["age"])
        assert known.loc[case_id, "view"] == cells["view"]
    assert not rows
    assert len(set(patients.values())) == len(patients) == 12


def test_an_experiment_takes_no_table_that_its_commit_would_lack(here, own, monkeypatch):
    source = source_of(own)
    table = Path(source.manifest).relative_to(here).as_posix()
    source = replace(source, manifest=table)
    git(here, "init -q")
    source.open(here)
    monkeypatch.setenv("DVC_EXP_NAME", "narrower")
    with pytest.raises(DataError, match=f"{table}: is not in git.*git add {table}"):
        source.open(here)
    git(here, f"add {table}")
    source.open(here)
    git(here, f"rm -q --cached {table}")
    Path(".gitignore").write_text(table)
    source.open(here)


def test_gray_stored_as_colour_is_gray_and_gray_among_colour_is_colour(tmp_path):
    gray = Image.fromarray(film(0)).convert("RGB")
    colour = Image.fromarray(np.stack([film(1), film(2), film(3)], -1))
    for kind, most in (("gray", gray), ("colour", colour)):
        files = {f"{at}.png": encoded(most, "PNG") for at in range(4)} | {"4.png": png(9)}
        own = write_folder(tmp_path / kind, files, [row(at, name) for at, name in enumerate(files)])
        opened = source_of(own, channels=3 if kind == "colour" else 1).open(None)
        pixels = [opened.image(at).pixels for at in range(5)]
        assert {image.shape for image in pixels} == {pixels[0].shape}
        last = pixels[-1] if kind == "gray" else pixels[-1][..., 2]
        np.testing.assert_array_equal(last, film(9))
    # as a cohort of a project whose images are turned gray
    cohort = source_of(own, channels=1, gray=True).open(None)
    assert {cohort.image(at).pixels.ndim for at in (0, 4)} == {2}
    assert cohort.in_gray


def test_train_on_site_a_and_test_on_site_b(own, tmp_path):
    source = source_of(own, test_sites=("Leeds",))
    _, cases = ingested(source, tmp_path / "out", "holdout")
    sites = read_csv_text(own.csv.read_bytes())["site"].tolist()
    assert (cases.split == "test").sum() == sites.count("Leeds") > 0
    assert (cases.split == "train").sum() == sites.count("York") > 0


@pytest.mark.parametrize("covariates", [(), ("age", "site")])
def test_sites_that_are_numbers_go_on_as_texts_where_they_make_the_test_set(tmp_path, covariates):
    sites = ["1", "3", "3", "05"]
    own = write_films(
        tmp_path, 24, lambda at: {"site": sites[at // 3 % 4], "patient_id": f"MRN-{at}"}
    )
    source = source_of(own, replace(COLUMNS, covariates=covariates), test_sites=("3", "05"))
    _, cases = ingested(source, tmp_path / "out", "holdout")
    card = read_record(DataCard, tmp_path / "out/cases/card.json")
    assert card.site_column == "site"
    table = read_table(tmp_path / "out/cases/covariates.parquet").set_index("case_id")
    kept = table["site"].loc[cases.case_id.tolist()]
    assert sorted(kept[cases.split == "test"]) == ["05"] * 6 + ["3"] * 12
    assert set(kept[cases.split == "train"]) == {"1"}


def test_a_published_split_is_kept(tmp_path):
    splits = ["train"] * 4 + ["validation"] * 4 + ["test"] * 4
    own = write_films(tmp_path, 12, lambda at: {"split": splits[at]})
    source = source_of(own, replace(COLUMNS, split="split"))
    _, cases = ingested(source, tmp_path / "out", "holdout")
    assert sorted(cases.split) == sorted(splits)


SPLIT = replace(COLUMNS, split="split", scores=("reader_1",))
ROWS = {  # a cell of the second of six rows → what is said of it
    "file=": "the CSV, line 3: no file name.",
    "file=../film.png": "../film.png: `../film.png` lies outside the folder.",
    "file=a\0.png": "a\\x00.png: a file name with a NUL character.",
    "file=/film.png": "/film.png: `/film.png` lies outside the folder.",
    "file=./film-0.png": "film-0.png: 2 rows, in lines 2, 3 of the CSV.",
    "file=gone.png": "gone.png: cannot be opened (No such file or directory).",
    "label=": "film-1.png: an empty label, column `label`.",
    "label=benign": "film-1.png: label `benign`. Allowed: normal, cancer.",
    "patient_id=": "film-1.png: an empty patient, column `patient_id`.",
    "split=dev": "film-1.png: split `dev`. Allowed: train, validation, test.",
    "split=tst": "film-1.png: split `tst`. Allowed: train, validation, test. Do this: correct",
    "patient_id=MRN-0003": "data set films: 1 patients have images",
    **{
        f"reader_1={cell}": f"film-1.png: {found} column `reader_1`. Allowed: a finite"
        for cell, found in {
            "": "no score,", "n/a": "score `n/a`,", "nan": "score `nan`,", "inf": "score `inf`,",
        }.items()
    },
}  # fmt: skip


@pytest.mark.parametrize("change", ROWS)
def test_a_row_that_cannot_be_used_stops_the_run(change, tmp_path):
    def cells(at):
        named = {"split": ("train", "test")[at // 3], "label": ("normal", "cancer")[at % 2]}
        named |= {"patient_id": f"MRN-{at:04d}", "reader_1": str(at)}
        return {**named, **({column: cell} if at == 1 else {})}

    column, _, cell = change.partition("=")
    source = source_of(write_films(tmp_path, 6, cells), SPLIT, unlisted="ignore")
    with pytest.raises(DataError) as raised:
        ingested(source, tmp_path / "out", "holdout")
    assert str(raised.value).startswith(ROWS[change])
    assert raised.value.remedy or raised.value.allowed


def test_a_file_no_row_names_stops_the_run_unless_ignored(own, tmp_path):
    (own.folder / "forgotten.png").write_bytes(png(99))
    (own.folder / "read me.txt").write_text("no image")
    source = source_of(own)
    with pytest.raises(DataError, match=r"^forgotten\.png: an image without a row in the table"):
        source.open(None)
    assert len(replace(source, unlisted="ignore").open(None).entries) == 24


def test_an_altered_file_stops_the_run(own, tmp_path):
    source = source_of(own)
    (own.folder / "scan.jpg").write_bytes(png(77))
    with pytest.raises(DataError, match=r"^scan\.jpg: changed since the manifest was written"):
        ingested(source, tmp_path / "out", "cv")


def test_an_altered_manifest_stops_the_run(own):
    source = source_of(own)
    text = Path(source.manifest).read_text().replace("cancer", "normal", 1)
    Path(source.manifest).write_text(text)
    with pytest.raises(DataError, match="changed since it was written"):
        source.open(None)


def test_a_relative_folder_is_looked_for_in_the_data_folder(own, tmp_path):
    source = replace(source_of(own), folder="films")
    assert len(source.open(tmp_path).entries) == 24
    with pytest.raises(DataError, match=r"^dataset\.folder: films: no folder"):
        source.open(tmp_path / "elsewhere")


def test_scores_of_a_reader_stand_beside_the_cases_and_not_among_covariates(tmp_path):
    own = write_films(tmp_path, 12, lambda at: {"reader_1": at / 7, "device": -at})
    source = source_of(own, replace(COLUMNS, scores=("reader_1", "device")))
    folders, cases = ingested(source, tmp_path / "out", "cv")
    scores = read_table(folders.cases / "reader_scores.parquet")
    assert list(scores) == ["case_id", "reader_1", "device"]
    assert scores["case_id"].tolist() == cases.case_id.tolist()
    rows = {pixels_of(own.folder / f"film-{at}.png"): at for at in range(12)}
    store = ImageStore(folders.images)
    at = [rows[store.image(name).tobytes()] for name in cases.case_id]
    assert scores["reader_1"].tolist() == [one / 7 for one in at]
    assert scores["device"].tolist() == [-one for one in at]
    assert list(read_table(folders.cases / "covariates.parquet")) == ["case_id", "age", "view"]


@pytest.mark.parametrize("column", ["patient_id", "file", "label", "case_id"])
def test_an_identifier_or_the_label_is_no_covariate(column):
    with pytest.raises(OptionError, match="neither identify a person nor tell label"):
        replace(COLUMNS, covariates=(column,))


@pytest.mark.parametrize(
    ("columns", "sites"),
    [
        (COLUMNS, ("Oslo",)),
        (replace(COLUMNS, site=None), ("Leeds",)),
        (replace(COLUMNS, split="name"), ("Leeds",)),
    ],
)
def test_wrong_test_sites_are_named(columns, sites, own):
    source = source_of(own, columns, test_sites=sites)
    with pytest.raises(OptionError) as raised:
        source.open(None)
    assert raised.value.where == "dataset.test_sites"


@pytest.mark.parametrize("changed", ["image", "mask", "manifest", "unlisted"])
def test_a_byte_of_any_file_that_is_read_counts_and_a_state_of_the_disk_does_not(tmp_path, changed):
    own = write_films(tmp_path, 4, lambda at: {"mask": f"mask-{at}.png"})
    for at in range(4):
        (own.folder / f"mask-{at}.png").write_bytes(png(100 + at))
    source = source_of(own, replace(COLUMNS, mask="mask"))
    seen = {}
    assert source.changed_files(None, seen) == {}
    assert len(seen) == 9  # four images, their masks, and the manifest
    (own.folder / "film-2.png").touch()
    assert source.changed_files(None, seen) == {}
    path = {
        "image": own.folder / "film-1.png",
        "mask": own.folder / "mask-1.png",
        "manifest": Path(source.manifest),
        "unlisted": own.folder / "late.png",
    }[changed]
    content = path.read_bytes() if path.exists() else png(500)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if path.exists() else content)
    first = source.changed_files(None, seen)
    assert first
    if changed in ("image", "mask"):
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 2]))
        assert source.changed_files(None, seen) != first
        path.write_bytes(content)
        assert source.changed_files(None, seen) == {}
