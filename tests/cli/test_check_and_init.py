"""`check` and `init` as a new user meets them."""

import csv
import hmac
import io
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyrage
import pytest
from PIL import Image
from pyrage import x25519

from skiagram.cli.check_report import patient_hint, problem_lines
from skiagram.cli.main import main
from skiagram.errors import DataError
from skiagram.intake.file_options import FileOptions
from skiagram.intake.images import read_folder
from skiagram.options import build
from tests import REPOSITORY
from tests.datasets.own_folders import (
    faulty,
    film,
    mixed_folder,
    row,
    sound_folder,
    write_films,
    write_folder,
)
from tests.datasets.sources import ingested
from tests.folders import git
from tests.terminal import assert_says
from tests.yaml_rows import expand, load_yaml, read_yaml

FILMS = "../films ../films.csv"
CANCER = f"{FILMS} --positive cancer"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return an empty project with the standing choices, and work in it."""
    place = tmp_path / "project"
    (place / "conf" / "dataset").mkdir(parents=True)
    leave_out = shutil.ignore_patterns("dataset")
    shutil.copytree(REPOSITORY / "conf", place / "conf", ignore=leave_out, dirs_exist_ok=True)
    shutil.copy(REPOSITORY / "conf/dataset/phantom.yaml", place / "conf/dataset")
    (place / "params.yaml").symlink_to(REPOSITORY / "params.yaml")
    monkeypatch.chdir(place)
    monkeypatch.delenv("SKIAGRAM_DATA", raising=False)
    return place


@pytest.fixture
def sound(project, tmp_path):
    """Work in a project beside `films`, 24 of 12 patients, and `films.csv`; return the project."""
    sound_folder(tmp_path)
    return project


def written(project, name="films"):
    return build(load_yaml(project / f"conf/dataset/{name}.yaml"), "dataset")


def init(line=CANCER, name="films"):
    """Run `init`; return the data set that it wrote."""
    assert main(["init", *shlex.split(line)]) == 0
    return written(Path(), name)


def data_sets():
    return sorted(path.name for path in Path("conf/dataset").iterdir() if path.name[0] != ".")


@pytest.mark.slow
def test_check_of_a_sound_folder_counts_what_is_there(project, tmp_path, terminal):
    sound_folder(tmp_path, 48)
    counts = "cancer 24 12 | normal 24 12 | all 48 24 | height 24 24 24 | "
    asked = "the disease: `--positive cancer` or `--positive normal`."
    terminal.says(f"check {FILMS}", f"{counts}This data set can be run. | {asked}")
    assert data_sets() == ["phantom.yaml"]
    terminal.says(f"check {CANCER}", f"{counts}!--positive")


@pytest.mark.slow
def test_check_names_every_problem_and_ends_with_4(project, tmp_path, terminal):
    mixed_folder(tmp_path)
    shown = terminal(f"check {FILMS} --gray refuse", 4)
    for name in (*faulty(), "film-00.png", "gone.png", "forgotten.png"):
        assert f"\n  {name}: " in shown
    assert_says(shown, "What would stop the run (10): | This data set cannot be run yet")


def test_where_no_file_can_be_read_nothing_else_is_said_of_classes(here, terminal):
    write_folder(here, dict.fromkeys(("yes/1.png", "yes/2.png", "no/3.png"), b"\x89PNG\r\n\x1a\n"))
    says = "What would stop the run (3): | pixels cannot be read | !only one class"
    terminal.says("check films --positive yes", says, 4)


def test_each_kind_of_problem_is_told_once_with_its_count_and_the_option():
    beside = [
        DataError("an image without a row", where=f"{at}.png", remedy="`--ignore-unlisted`")
        for at in range(8)
    ]
    lines = [*problem_lines([*beside[:3], DataError("other", where="x.png"), *beside[3:]])]
    assert lines == [
        "0.png: an image without a row. Do this: `--ignore-unlisted`.",
        "  the same 7 times more, for example in 1.png, 2.png, 3.png, 4.png, 5.png",
        "x.png: other.",
    ]
    assert [*problem_lines(beside[:2])][1] == "  the same once more: 1.png"


@pytest.mark.slow
def test_check_says_that_patients_are_too_few_for_the_folds(project, tmp_path, terminal):
    write_films(tmp_path, 8)
    terminal.says(f"check {FILMS}", "folds: 3 folds, and 2 patients of the class `cancer`", 4)


@pytest.mark.slow
def test_check_needs_no_torch(sound):
    code = (
        "import sys; from skiagram.cli.main import main; code = main(sys.argv[1:]); "
        "sys.exit(code or ('torch' in sys.modules))"
    )
    command = [sys.executable, "-c", code, "check", *FILMS.split()]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.mark.slow
def test_init_writes_what_ingest_reads(sound, tmp_path, terminal):
    line = f"init {CANCER} --covariates age,view"
    terminal.says(line, "dvc exp run -S dataset=films -S design=cv")
    source = written(sound)
    assert source.positive_class == "cancer"
    assert source.columns.patient == "patient_id"
    assert source.columns.covariates == ("age", "view")
    _, cases = ingested(source, tmp_path / "out", "cv")
    assert len(cases) == 24
    listed = pd.read_csv("tables/films.cases.csv", index_col="case_id")["file"]
    labels = pd.read_csv("../films.csv", index_col="file")["label"]
    told = [source.classes.index(labels[listed[case]]) for case in cases.case_id]
    assert told == cases.label.tolist()


@pytest.mark.slow
def test_what_init_prints_for_git_works_and_git_gets_no_patient(project, tmp_path, terminal):
    own = sound_folder(project)
    (project / "films.csv").rename(project / "films.txt")
    shutil.copy(own.folder / "palette.png", own.folder / "palette")  # as DICOM often is
    with (project / "films.txt").open("a") as table:
        csv.writer(table).writerow(row(24, "palette").values())
    git(".", "init -q")
    assert "films/palette" in git(".", "add --dry-run -A")  # no .gitignore knows of patients yet
    shown = terminal("init films films.txt --positive cancer --scores age --name dr")
    (typed,) = [text.strip() for text in shown.splitlines() if text.startswith("  git add ")]
    subprocess.run(shlex.split(typed), check=True)
    assert git(".", "ls-files").split() == [
        *(".gitignore", "conf/dataset/.gitignore", "conf/dataset/dr.yaml", "conf/model/age.yaml"),
        "tables/.gitignore",
    ]
    git(".", "add -A")
    names = git(".", "ls-files").splitlines()
    held = b"".join(Path(name).read_bytes() for name in names)
    for mark in ("MRN-", "Mary", "palette", "ward-"):
        assert mark not in " ".join(names)
        assert mark.encode() not in held
    assert ingested(written(project, "dr"), tmp_path / "out", "cv")


@pytest.mark.slow
def test_a_manifest_that_git_holds_from_before_is_told(sound, terminal):
    git(".", "init -q")
    init()
    git(".", "add -f conf/dataset/films.csv")  # as `init` told once
    told = "git rm --cached -q -- conf/dataset/films.csv"
    terminal.says(f"init {CANCER} --renew", told)


@pytest.fixture
def people(project, tmp_path):
    """Work in a project beside films whose table names people; return the project."""

    def change(at):
        names = {"Name": f"ZZTEST^PATIENT{at}", "Physician": f"ZZTEST-Arzt-{at % 2}"}
        return names | {"Birth Date": f"{at + 1}.03.1950", "weight": 50 + at % 9}

    write_films(tmp_path, 24, change)
    return project


@pytest.mark.slow
def test_columns_that_nobody_named_stay_in_the_csv(people, terminal):
    hints = "--covariates age,view,weight | Birth Date: its name stands for | !ZZTEST | !1950"
    terminal.says(f"check {FILMS}", hints)
    terminal.says(f"init {CANCER}", "!ZZTEST | !1950")
    kept = "".join(path.read_text() for path in (people / "conf/dataset").iterdir())
    for name in ("Name", "Birth Date", "Physician", "weight", "view", "ZZTEST"):
        assert name not in re.sub(" #.*", "", kept)  # behind it stands what each option means
    assert written(people).columns.covariates == ()


@pytest.mark.slow
def test_a_column_that_identifies_is_no_covariate_unless_forced(people, tmp_path, terminal):
    tells = "column `Physician`: as a covariate it could tell"
    says = f"the CSV, {tells} who a patient is | --force-covariates Physician | !ZZTEST | !1950"
    terminal.says(f"init {CANCER} --covariates weight,Physician", says, 4)
    assert data_sets() == ["phantom.yaml"]
    source = init(f"{CANCER} --covariates weight --force-covariates Physician")
    assert source.columns.covariates == ("weight", "Physician")
    assert source.columns.forced_covariates == ("Physician",)
    # a hand-written option file goes through the same check
    ingested(source, tmp_path / "out", "cv")
    source = replace(source, columns=replace(source.columns, forced_covariates=()))
    with pytest.raises(DataError, match=tells):
        ingested(source, tmp_path / "again", "cv")
    assert not list((tmp_path / "again").rglob("*.parquet"))


@pytest.mark.slow
@pytest.mark.parametrize("outer", ["", "train/"])
def test_the_printed_pattern_takes_folders_within_classes_for_patients(here, terminal, outer):
    for at in range(48):
        place = here / f"films/{outer}{('no', 'yes')[at // 2 % 2]}/person{at // 2}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(film(at)).save(place / f"{at}.png")
    line = "check films --positive yes"
    shown = terminal(line)
    assert_says(shown, "all 48 unknown")
    (printed,) = re.findall(r"--pattern '\S+'", shown)
    terminal.says(f"{line} {printed}", "all 48 24")


HINTS = read_yaml(__file__)["hints"]


@pytest.mark.parametrize("case", HINTS)
def test_folders_beside_those_of_the_classes_and_names_of_files_may_tell_patients(case, here):
    row = HINTS[case]
    for texts in expand({"name": row["names"]}, row["each"]):
        (here / texts["name"]).parent.mkdir(parents=True, exist_ok=True)
        (here / texts["name"]).write_bytes(b"\x89PNG\r\n\x1a\n")
    shown = patient_hint(read_folder(FileOptions(here, classes=row.get("classes", ()))))
    assert_says(shown, row["says"])
    if case == "as BreakHis":
        *_, printed = re.findall(r"--pattern '(\S+)'", shown)
        described = read_folder(FileOptions(here, pattern=[printed]))
        assert described.frame[described.source.columns.patient or ""].nunique() == 12


KEY = "0123456789abcdef0123456789abcdef"


@pytest.mark.slow
def test_the_manifest_can_live_outside_with_patients_under_a_key(sound, tmp_path, terminal):
    (tmp_path / "safe").mkdir()
    (tmp_path / "patient.key").write_text(KEY + "\n")
    manifest = tmp_path / "safe" / "films.csv"
    outside, keyed = f"--manifest-outside {manifest.parent}", "--patient-key ../patient.key"
    shown = terminal(f"init {CANCER} {outside} {keyed}")
    source = written(sound)
    assert source.manifest == str(manifest)
    assert data_sets() == ["films.yaml", "phantom.yaml"]
    assert "git add conf/dataset/films.yaml\n" in shown
    assert KEY not in shown + (sound / "conf/dataset/films.yaml").read_text()
    # no name of a patient or a file
    plain, hashed = (pd.read_csv(path)["patient_id"] for path in ("../films.csv", manifest))
    expected = [hmac.new(KEY.encode(), one.encode(), "sha256").hexdigest() for one in plain]
    assert hashed.tolist() == [f"hmac-{one}" for one in expected]
    text = manifest.read_text()
    assert not any(path.stem in text for path in (tmp_path / "films").rglob("MRN*"))
    _, cases = ingested(source, tmp_path / "out", "cv")
    assert len(set(cases.patient_id)) == plain.nunique()
    # the same line renews the same bytes, and neither option is forgotten in silence
    before = manifest.read_bytes()
    lacks_key = "--patient-key: the names in the manifest are under a key"
    terminal.says(f"init {CANCER} {outside} --renew", lacks_key, 2)
    lacks_place = "--manifest-outside: the manifest is"
    terminal.says(f"init {CANCER} {keyed} --renew", lacks_place, 2)
    init(f"{CANCER} {outside} {keyed} --renew")
    assert manifest.read_bytes() == before


@pytest.mark.parametrize(
    ("more", "key", "message"),
    [
        ("--manifest-outside conf", "", "--manifest-outside: `conf` was given"),
        ("--manifest-outside nowhere", "", "a folder that exists and lies outside"),
        ("", "short", "SKIAGRAM_PATIENT_KEY: a key of 5 bytes. Allowed: at least 16"),
        ("--patient file", KEY, "SKIAGRAM_PATIENT_KEY: the column `file` does not"),
    ],
)
def test_a_place_or_a_key_that_keeps_nothing_secret_is_refused(
    more,
    key,
    message,
    sound,
    monkeypatch,
    terminal,
):
    monkeypatch.setenv("SKIAGRAM_PATIENT_KEY", key)
    hidden = f" | !{key}" if key else ""
    terminal.says(f"init {CANCER} {more}", message + hidden, 2)
    assert data_sets() == ["phantom.yaml"]


def test_regions_that_could_name_a_patient_are_refused_beside_keyed_names(
    project, tmp_path, monkeypatch, terminal
):
    rows = [row(at, f"{at}.png", mask=f"{at}-mask.png", region=f"GTV ZZ{at}") for at in range(8)]
    write_folder(tmp_path, {"0.png": b""}, rows)
    monkeypatch.setenv("SKIAGRAM_PATIENT_KEY", KEY)
    stay = "column `region`: regions stay in plain words beside the keyed names"
    terminal.says(f"init {CANCER}", f"{stay} | !ZZ", 4)


@pytest.mark.slow
def test_init_writes_an_option_file_a_reader_once(project, tmp_path, terminal):
    write_films(tmp_path, 12, lambda at: {"Dr Gray": at / 7, "svm": at})
    line = f"init {CANCER} --scores 'Dr Gray'"
    terminal.says(line, "to compare, add dr_gray to baselines")
    path = project / "conf/model/dr_gray.yaml"
    reader = build(load_yaml(path), "model")
    assert (reader.column, reader.title) == ("Dr Gray", "Dr Gray")
    path.write_text(path.read_text().replace("title: Dr Gray", "title: Dr A. Gray"))
    terminal(f"{line} --renew")
    assert "title: Dr A. Gray" in path.read_text()
    before = (project / "conf/model/svm.yaml").read_bytes()
    says = "conf/model/svm.yaml exists and is not a reader with column `svm`"
    terminal.says(f"{line} svm --name other", says, 2)
    assert (project / "conf/model/svm.yaml").read_bytes() == before
    assert "other.yaml" not in data_sets()


@pytest.mark.slow
def test_renewing_takes_up_labels_and_keeps_what_was_written_of_the_set(sound, terminal):
    line = f"init {CANCER}"
    terminal.says(f"{line} --renew", "no conf/dataset/films.yaml to renew", 2)
    terminal.says(line, "the same line with --renew")
    options = sound / "conf/dataset/films.yaml"
    # the same line alone, or with another class, overwrites nothing
    first = options.read_bytes()
    terminal.says(f"init {FILMS} --positive normal", "conf/dataset/films.yaml exists", 2)
    assert options.read_bytes() == first
    text = options.read_text().replace("licence: not stated", "licence: ours")
    options.write_text(text.replace("known_issues: []", "known_issues: [old films]"))
    before = written(sound).open(None).entries["label"].tolist()
    table = pd.read_csv("../films.csv", dtype=str)
    swapped = {"cancer": "normal", "normal": "cancer"}
    table.loc[:1, "label"] = table.loc[:1, "label"].map(swapped)
    table.to_csv("../films.csv", index=False)
    source = init(f"{CANCER} --renew")
    assert (source.licence, source.known_issues) == ("ours", ("old films",))
    after = source.open(None).entries["label"].tolist()
    assert after == [1 - label for label in before[:2]] + before[2:]
    assert data_sets() == ["films.csv", "films.yaml", "phantom.yaml"]
    # what is predicted is that of the line, not that of the earlier one
    assert init(f"{FILMS} --number age --renew").outcome is not None
    says = "--name: conf/dataset/phantom.yaml is of another data set"
    terminal.says(f"{line} --renew --name phantom", says, 2)


@pytest.mark.slow
def test_init_names_a_folder_below_the_data_folder_from_there(sound, tmp_path, monkeypatch):
    monkeypatch.setenv("SKIAGRAM_DATA", str(tmp_path))
    source = init()
    assert source.folder == "films"
    assert str(tmp_path) not in (sound / "conf/dataset/films.yaml").read_text()
    assert len(source.open(tmp_path).entries) == 24


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["films.yaml", "films.csv"])
def test_renewing_takes_up_what_a_killed_init_left(missing, sound, monkeypatch):
    class KilledError(BaseException):
        pass

    def replaced(path, target):
        if target.name == missing:
            raise KilledError
        return replace_file(path, target)

    replace_file = Path.replace
    with monkeypatch.context() as cut:
        cut.setattr(Path, "replace", replaced)
        with pytest.raises(KilledError):
            init()
    began = (sound / "conf/dataset/films.yaml").exists()
    assert len(init(f"{CANCER} {'--renew' if began else ''}").open(None).entries) == 24


@pytest.mark.slow
def test_an_encrypted_archive_becomes_the_same_data_set(sound, tmp_path, monkeypatch, terminal):
    """Written and ingested like its folder; the key stands nowhere, and no file but the archive."""
    identity = x25519.Identity.generate()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add("../films", ".")
    archive = tmp_path / "films.tar.age"
    archive.write_bytes(pyrage.encrypt(buffer.getvalue(), [identity.to_public()]))
    ingested(init(f"{CANCER} --name plain", "plain"), tmp_path / "plain", "cv")

    monkeypatch.setenv("SKIAGRAM_ARCHIVE_KEY", str(identity))
    shutil.rmtree("../films")
    line = f"init {archive} ../films.csv --positive cancer"
    terminal.says(line, f"!{identity}")
    ingested(written(sound), tmp_path / "out", "cv")
    for name in ("images/index.json", "cases/cases.parquet", "sealed/labels.parquet"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or str(identity).encode() not in file.read_bytes()


@pytest.mark.parametrize("shared", ["patient_id", "ID"])
def test_a_second_table_of_images_is_joined_by_patients_or_by_an_id_that_never_repeats(
    tmp_path, shared
):
    own = write_films(tmp_path, 24, lambda at: {"patient_id": f"P{at}"})
    table, clinic = pd.read_csv(own.csv), tmp_path / "clinic.csv"
    table.assign(ID=range(24)).to_csv(own.csv, index=False)
    ids = {"patient_id": table["patient_id"], "ID": range(24)}[shared]
    pd.DataFrame({shared: ids, "stage": [1, 2, 3, 4] * 6})[::-1].to_csv(clinic, index=False)
    said = {"join": [clinic], "covariates": ["stage"], "positive": "cancer"}
    described = read_folder(FileOptions(own.folder, own.csv, **said))
    assert described.frame["stage"].tolist() == ["1", "2", "3", "4"] * 6
    assert any("joined by `ID`" in note for note in described.notes) is (shared == "ID")


def test_copies_across_the_split_stop_the_check_until_the_line_settles_them(tmp_path, terminal):
    own = write_films(tmp_path, 24, lambda at: {"split": ("train", "val", "test")[at // 8]})
    shutil.copy(own.folder / "film-0.png", own.folder / "film-23.png")
    line = f"check {own.folder} {own.csv} --positive cancer"
    terminal.says(line, "STOP exact_duplicates_across_splits | cannot be run yet", 4)
    terminal.says(f"{line} --copies drop", "1 of 24 cases | This data set can be run")
