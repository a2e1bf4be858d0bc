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

import pyrage
import pytest
import yaml
from PIL import Image
from pyrage import x25519

from skiagram.cli.check_report import patient_hint, problem_lines
from skiagram.cli.main import main
from skiagram.datasets.folder.source import Folder
from skiagram.errors import DataError
from skiagram.intake.file_options import FileOptions
from skiagram.intake.images import read_folder
from skiagram.options import build
from skiagram.preparation import PREPARATION, Preparation
from skiagram.records.files import read_record
from tests.datasets.own_folders import (
    OwnFolder,
    faulty,
    film,
    mixed_folder,
    row,
    sound_folder,
    write_films,
    write_folder,
)
from tests.datasets.sources import ingested
from tests.terminal import Terminal

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
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


def words(own: OwnFolder, *more: str) -> list[str]:
    return [str(own.folder), str(own.csv), *more]


def written(project: Path, name: str = "films") -> Folder:
    values = yaml.safe_load((project / f"conf/dataset/{name}.yaml").read_text())
    source = build(values, "dataset")
    assert isinstance(source, Folder)
    return source


@pytest.mark.slow
def test_check_of_a_sound_folder_counts_what_is_there(
    project: Path, tmp_path: Path, terminal: Terminal
) -> None:
    shown = terminal(["check", *words(sound_folder(tmp_path, 48))])
    lines = [line.split() for line in shown.splitlines()]
    assert ["cancer", "24", "12"] in lines
    assert ["normal", "24", "12"] in lines
    assert ["all", "48", "24"] in lines
    assert ["height", "24", "24", "24"] in lines
    assert "Disk: " in shown
    assert "This data set can be run." in shown
    assert "the disease: `--positive cancer` or `--positive normal`." in shown
    assert [path.name for path in (project / "conf/dataset").iterdir()] == ["phantom.yaml"]
    named = ["--positive", "cancer"]
    assert "--positive" not in terminal(["check", *words(sound_folder(tmp_path / "b", 48)), *named])


@pytest.mark.slow
def test_check_names_every_problem_and_ends_with_4(
    project: Path, tmp_path: Path, terminal: Terminal
) -> None:
    shown = terminal(["check", *words(mixed_folder(tmp_path)), "--gray", "refuse"], 4)
    assert "What would stop the run (10):" in shown
    for name in (*faulty(), "film-00.png", "gone.png", "forgotten.png"):
        assert f"\n  {name}: " in shown
    assert "This data set cannot be run yet" in shown


def test_where_no_file_can_be_read_nothing_else_is_said_of_classes(
    tmp_path: Path, terminal: Terminal
) -> None:
    for name in ("yes/1.png", "yes/2.png", "no/3.png", "no/4.png"):
        (tmp_path / "films" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "films" / name).write_bytes(b"\x89PNG\r\n\x1a\n")
    shown = terminal(["check", str(tmp_path / "films"), "--positive", "yes"], 4)
    assert "What would stop the run (4):" in shown
    assert "pixels cannot be read" in shown
    assert "only one class" not in shown


def test_each_kind_of_problem_is_told_once_with_its_count_and_the_option() -> None:
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
    two = [*problem_lines(beside[:2])]
    assert two[1] == "  the same once more: 1.png"


@pytest.mark.slow
def test_check_says_that_patients_are_too_few_for_the_folds(
    project: Path, tmp_path: Path, terminal: Terminal
) -> None:
    shown = terminal(["check", *words(write_films(tmp_path, 8))], 4)
    assert "folds: 3 folds, and 2 patients of the class `cancer`" in shown


@pytest.mark.slow
def test_check_needs_no_torch(project: Path, tmp_path: Path) -> None:
    own = sound_folder(tmp_path)
    code = (
        "import sys; from skiagram.cli.main import main; code = main(sys.argv[1:]); "
        "sys.exit(code or ('torch' in sys.modules))"
    )
    command = [sys.executable, "-c", code, "check", *words(own)]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.mark.slow
def test_init_writes_what_ingest_reads(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = sound_folder(tmp_path)
    assert main(["init", *words(own, "--positive", "cancer", "--covariates", "age,view")]) == 0
    source = written(project)
    assert source.positive_class == "cancer"
    assert source.columns.patient == "patient_id"
    assert source.columns.covariates == ("age", "view")
    _, cases = ingested(source, tmp_path / "out", "cv")
    assert len(cases) == 24
    assert "dvc exp run -S dataset=films -S design=cv" in capsys.readouterr().out
    with (project / "tables/films.cases.csv").open(encoding="utf-8") as file:
        listed = {line["case_id"]: line["file"] for line in csv.DictReader(file)}
    label_of = {line["file"]: line["label"] for line in csv.DictReader(own.csv.open())}
    told = [source.classes.index(label_of[listed[case]]) for case in cases.case_id]
    assert told == cases.label.tolist()


@pytest.mark.slow
def test_what_init_prints_for_git_works_and_git_gets_no_patient(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = sound_folder(project)
    (project / "films.csv").rename(project / "films.txt")
    shutil.copy(own.folder / "palette.png", own.folder / "palette")  # as DICOM often is
    with (project / "films.txt").open("a") as table:
        csv.writer(table).writerow(row(24, "palette").values())
    git(project, "init", "-q")
    taken = git(project, "add", "--dry-run", "-A")
    assert "films/palette" in taken  # no .gitignore knows of patients yet
    line = ["init", "films", "films.txt", "--positive", "cancer"]
    assert main([*line, "--scores", "age", "--name", "dr"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    (typed,) = [text.strip() for text in shown.out.splitlines() if text.startswith("  git add ")]
    subprocess.run(shlex.split(typed), check=True)
    staged = git(project, "ls-files")
    assert staged.split() == [
        *(".gitignore", "conf/dataset/.gitignore", "conf/dataset/dr.yaml", "conf/model/age.yaml"),
        "tables/.gitignore",
    ]
    git(project, "add", "-A")
    everything = [project / name for name in git(project, "ls-files").splitlines()]
    held = b"".join(path.read_bytes() for path in everything)
    for mark in ("MRN-", "Mary", "palette", "ward-"):
        assert mark not in " ".join(map(str, everything))
        assert mark.encode() not in held
    assert ingested(written(project, "dr"), tmp_path / "out", "cv")


@pytest.mark.slow
def test_a_manifest_that_git_holds_from_before_is_told(
    project: Path, tmp_path: Path, terminal: Terminal
) -> None:
    own = sound_folder(tmp_path)
    git(project, "init", "-q")
    line = ["init", *words(own, "--positive", "cancer")]
    assert main(line) == 0
    git(project, "add", "-f", "conf/dataset/films.csv")  # as `init` told once
    assert "git rm --cached -q -- conf/dataset/films.csv" in terminal([*line, "--renew"])


def git(project: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=project, capture_output=True, text=True, check=True
    )
    return done.stdout


TELLING = ("Name", "Birth Date", "Physician", "weight")


def folder_of_people(place: Path) -> OwnFolder:
    return write_films(
        place,
        24,
        lambda at: {
            "Name": f"ZZTEST^PATIENT{at}",
            "Birth Date": f"{at + 1}.03.1950",
            "Physician": f"ZZTEST-Arzt-{at % 2}",
            "weight": 50 + at % 9,
        },
    )


@pytest.mark.slow
def test_columns_that_nobody_named_stay_in_the_csv(
    project: Path, tmp_path: Path, terminal: Terminal
) -> None:
    own = folder_of_people(tmp_path)
    shown = terminal(["check", *words(own)])
    assert "--covariates age,view,weight" in shown
    assert "  Birth Date: its name stands for" in shown
    shown += terminal(["init", *words(own, "--positive", "cancer")])
    kept = "".join(path.read_text() for path in (project / "conf/dataset").iterdir())
    for name in (*TELLING, "view", "ZZTEST"):
        assert name not in re.sub(" #.*", "", kept)  # behind it stands what each option means
    assert "ZZTEST" not in shown
    assert "1950" not in shown
    assert written(project).columns.covariates == ()


@pytest.mark.slow
def test_a_column_that_identifies_is_no_covariate_unless_forced(
    project: Path, tmp_path: Path, terminal: Terminal
) -> None:
    own, name = folder_of_people(tmp_path), "Physician"
    line = ["init", *words(own, "--positive", "cancer", "--covariates")]
    error = terminal([*line, f"weight,{name}"], 4)
    assert f"the CSV, column `{name}`: as a covariate it could tell who a patient is" in error
    assert f"--force-covariates {name}" in error
    assert "ZZTEST" not in error
    assert "1950" not in error
    assert [path.name for path in (project / "conf/dataset").iterdir()] == ["phantom.yaml"]
    assert main([*line, "weight", "--force-covariates", name]) == 0
    assert written(project).columns.covariates == ("weight", name)
    assert written(project).columns.forced_covariates == (name,)


@pytest.mark.slow
def test_a_hand_written_option_file_goes_through_the_same_check(
    project: Path, tmp_path: Path
) -> None:
    own = folder_of_people(tmp_path)
    line = ["init", *words(own, "--positive", "cancer", "--force-covariates", "Physician")]
    assert main(line) == 0
    source = written(project)
    ingested(source, tmp_path / "out", "cv")
    source = replace(source, columns=replace(source.columns, forced_covariates=()))
    with pytest.raises(DataError, match="column `Physician`: as a covariate it could tell"):
        ingested(source, tmp_path / "again", "cv")
    assert not list((tmp_path / "again").rglob("*.parquet"))


def test_the_root_of_the_file_system_is_not_looked_through(
    project: Path, tmp_path: Path, terminal: Terminal
) -> None:
    own = sound_folder(tmp_path)
    assert "the root of the file system" in terminal(["check", own.folder.anchor, str(own.csv)], 4)


@pytest.mark.slow
@pytest.mark.parametrize("outer", ["", "train/"])
def test_the_printed_pattern_takes_folders_within_classes_for_patients(
    project: Path, tmp_path: Path, terminal: Terminal, outer: str
) -> None:
    for at in range(48):
        place = tmp_path / "films" / f"{outer}{('no', 'yes')[at // 2 % 2]}/person{at // 2}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(film(at)).save(place / f"{at}.png")
    line = ["check", str(tmp_path / "films"), "--positive", "yes"]
    shown = terminal(line)
    assert ["all", "48", "unknown"] in [words_of.split() for words_of in shown.splitlines()]
    (printed,) = re.findall(r"--pattern '\S+'", shown)
    shown = terminal([*line, *shlex.split(printed)])
    assert ["all", "48", "24"] in [words_of.split() for words_of in shown.splitlines()]


def shown_of_folders(place: Path, names: list[str]) -> str:
    """Return what is said of patients of files with these names, without pixels."""
    for name in names:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(b"\x89PNG\r\n\x1a\n")
    return patient_hint(read_folder(FileOptions(place)))


def test_folders_are_looked_through_down_to_those_that_branch(tmp_path: Path) -> None:
    names = [
        f"{label}/SOB/{kind}/{kind}-{slide}/{zoom}X/{kind}-{slide}-{zoom}-{at}.png"  # as BreakHis
        for label, kinds in {"benign": "AF", "malignant": "DL"}.items()
        for kind in kinds
        for slide in range(3)
        for zoom in (40, 100, 200, 400)
        for at in range(2)
    ]
    shown = shown_of_folders(tmp_path / "breast", names)
    assert "4 folders, such as A, may be patients" in shown
    assert "or classes: --classes A D F L" in shown
    assert "12 folders, such as A-0, may be patients" in shown
    assert "Folders 100X, 200X, 400X, 40X lie in almost all others" in shown
    *_, printed = re.findall(r"--pattern '(\S+)'", shown)
    described = read_folder(FileOptions(tmp_path / "breast", pattern=[printed]))
    patients = {*described.frame[described.source.columns.patient or ""]}
    assert len(patients) == 12


def test_a_pattern_that_cannot_tell_the_files_apart_is_not_printed(tmp_path: Path) -> None:
    names = [
        f"{part}/patient{person}/study{study}/image{at}.png"  # as MURA
        for part, first in (("XR_ELBOW", 0), ("XR_WRIST", 3))
        for person in range(first, first + 5)
        for study in (1, 2)
        for at in (1, 2)
    ]
    assert "{patient}/" not in shown_of_folders(tmp_path / "mura", names)


KEY = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("column", ["patient", "PatientID", "Subject ID"])
def test_usual_columns_of_patients_are_taken(project: Path, tmp_path: Path, column: str) -> None:
    own = sound_folder(tmp_path)
    own.csv.write_text(own.csv.read_text().replace("patient_id", column, 1))
    assert main(["init", *words(own, "--positive", "cancer")]) == 0
    assert written(project).columns.patient == column


@pytest.mark.slow
def test_the_manifest_can_live_outside_with_patients_under_a_key(
    project: Path, tmp_path: Path, terminal: Terminal
) -> None:
    own = sound_folder(tmp_path)
    (tmp_path / "safe").mkdir()
    (tmp_path / "patient.key").write_text(KEY + "\n")
    line = ["init", *words(own, "--positive", "cancer")]
    outside = ["--manifest-outside", str(tmp_path / "safe")]
    keyed = ["--patient-key", str(tmp_path / "patient.key")]
    shown = terminal([*line, *outside, *keyed])
    manifest = tmp_path / "safe" / "films.csv"
    source = written(project)
    assert source.manifest == str(manifest)
    names = {path.name for path in (project / "conf/dataset").iterdir()}
    assert names == {"films.yaml", "phantom.yaml"}
    assert "git add conf/dataset/films.yaml\n" in shown
    with own.csv.open(newline="") as file:
        plain = [one["patient_id"] for one in csv.DictReader(file)]
    with manifest.open(newline="") as file:
        hashed = [one["patient_id"] for one in csv.DictReader(file)]
    expected = [hmac.new(KEY.encode(), one.encode(), "sha256").hexdigest() for one in plain]
    assert hashed == [f"hmac-{one}" for one in expected]
    text = manifest.read_text()
    assert not any(path.name in text for path in own.folder.rglob("*"))
    assert not any(path.stem in text for path in own.folder.rglob("MRN*"))
    folders, cases = ingested(source, tmp_path / "out", "cv")
    assert len(set(cases.patient_id)) == len(set(plain))
    known = read_record(Preparation, folders.images / PREPARATION).patient_digests
    assert len(known) == 16 * len(set(plain))
    assert not any(one[:16] in known for one in expected)
    everything = shown + (project / "conf/dataset/films.yaml").read_text()
    assert KEY not in everything
    assert "--patient-key: the names in the manifest are under a key" in terminal(
        [*line, *outside, "--renew"], 2
    )
    assert "--manifest-outside: the manifest is" in terminal([*line, *keyed, "--renew"], 2)
    before = manifest.read_bytes()
    assert main([*line, *outside, *keyed, "--renew"]) == 0
    assert manifest.read_bytes() == before


@pytest.mark.parametrize(
    ("more", "key", "message"),
    [
        (["--manifest-outside", "conf"], "", "--manifest-outside: `conf` was given"),
        (["--manifest-outside", "nowhere"], "", "a folder that exists and lies outside"),
        ([], "short", "SKIAGRAM_PATIENT_KEY: a key of 5 bytes. Allowed: at least 16"),
        (["--patient", "file"], KEY, "SKIAGRAM_PATIENT_KEY: the column `file` does not"),
    ],
)
def test_a_place_or_a_key_that_keeps_nothing_secret_is_refused(
    more: list[str],
    key: str,
    message: str,
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    terminal: Terminal,
) -> None:
    monkeypatch.setenv("SKIAGRAM_PATIENT_KEY", key)
    error = terminal(["init", *words(sound_folder(tmp_path), "--positive", "cancer", *more)], 2)
    assert message in error
    assert not key or key not in error
    assert [path.name for path in (project / "conf/dataset").iterdir()] == ["phantom.yaml"]


def test_regions_that_could_name_a_patient_are_refused_beside_keyed_names(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: Terminal
) -> None:
    rows = [row(at, f"{at}.png", mask=f"{at}-mask.png", region=f"GTV ZZ{at}") for at in range(8)]
    own = write_folder(tmp_path, {}, rows)
    monkeypatch.setenv("SKIAGRAM_PATIENT_KEY", KEY)
    error = terminal(["init", *words(own, "--positive", "cancer")], 4)
    assert "column `region`: regions stay in plain words beside the keyed names" in error
    assert "ZZ" not in error


@pytest.mark.slow
def test_init_writes_an_option_file_a_reader_once(
    project: Path, tmp_path: Path, terminal: Terminal
) -> None:
    own = write_films(tmp_path, 12, lambda at: {"Dr Gray": at / 7, "svm": at})
    line = ["init", *words(own, "--positive", "cancer", "--scores", "Dr Gray")]
    assert "to compare, add dr_gray to baselines" in terminal(line)
    path = project / "conf/model/dr_gray.yaml"
    reader = build(yaml.safe_load(path.read_text()), "model")
    assert (reader.column, reader.title) == ("Dr Gray", "Dr Gray")
    path.write_text(path.read_text().replace("title: Dr Gray", "title: Dr A. Gray"))
    assert main([*line, "--renew"]) == 0
    assert "title: Dr A. Gray" in path.read_text()
    before = (project / "conf/model/svm.yaml").read_bytes()
    error = terminal([*line, "svm", "--name", "other"], 2)
    assert "conf/model/svm.yaml exists and is not a reader with column `svm`" in error
    assert (project / "conf/model/svm.yaml").read_bytes() == before
    assert not (project / "conf/dataset/other.yaml").exists()


@pytest.mark.slow
def test_renewing_takes_up_labels_and_keeps_what_was_written_of_the_set(
    project: Path, tmp_path: Path, terminal: Terminal
) -> None:
    own = sound_folder(tmp_path)
    line = ["init", *words(own, "--positive", "cancer")]
    assert "no conf/dataset/films.yaml to renew" in terminal([*line, "--renew"], 2)
    assert "the same line with --renew" in terminal(line)
    options = project / "conf/dataset/films.yaml"
    text = options.read_text().replace("licence: not stated", "licence: ours")
    options.write_text(text.replace("known_issues: []", "known_issues: [old films]"))
    with own.csv.open(newline="") as file:
        rows = list(csv.DictReader(file))
    before = [entry.label for entry in written(project).open(None).entries()]
    for one in rows[:2]:
        one["label"] = "normal" if one["label"] == "cancer" else "cancer"
    write_folder(tmp_path / "again", {}, rows).csv.replace(own.csv)
    assert main([*line, "--renew"]) == 0
    source = written(project)
    assert (source.licence, source.known_issues) == ("ours", ("old films",))
    after = [entry.label for entry in source.open(None).entries()]
    assert after == [1 - label for label in before[:2]] + before[2:]
    names = {path.name for path in options.parent.iterdir()}
    assert names == {"films.yaml", "films.csv", "phantom.yaml"}
    # what is predicted is that of the line, not that of the earlier one
    assert main(["init", *words(own, "--number", "age"), "--renew"]) == 0
    assert written(project).outcome is not None
    assert "--name: conf/dataset/phantom.yaml is of another data set" in terminal(
        [*line, "--renew", "--name", "phantom"], 2
    )


@pytest.mark.slow
def test_init_names_a_folder_below_the_data_folder_from_there(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = sound_folder(tmp_path / "data")
    monkeypatch.setenv("SKIAGRAM_DATA", str(tmp_path / "data"))
    assert main(["init", *words(own, "--positive", "cancer")]) == 0
    source = written(project)
    assert source.folder == "films"
    assert str(tmp_path) not in (project / "conf/dataset/films.yaml").read_text()
    assert len(source.open(tmp_path / "data").entries()) == 24


def test_init_asks_which_class_is_looked_for(
    project: Path, tmp_path: Path, terminal: Terminal
) -> None:
    own = sound_folder(tmp_path)
    error = terminal(["init", *words(own)], 2)
    assert error.startswith("--positive: is not given. Allowed: cancer or")
    assert "--positive: no class `tumour`. Allowed: cancer or normal." in terminal(
        ["init", *words(own, "--positive", "tumour")], 2
    )


@pytest.mark.slow
def test_init_overwrites_nothing(project: Path, tmp_path: Path, terminal: Terminal) -> None:
    own = sound_folder(tmp_path)
    main(["init", *words(own, "--positive", "cancer")])
    before = (project / "conf/dataset/films.yaml").read_bytes()
    assert "conf/dataset/films.yaml exists" in terminal(
        ["init", *words(own, "--positive", "normal")], 2
    )
    assert (project / "conf/dataset/films.yaml").read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["films.yaml", "films.csv"])
def test_renewing_takes_up_what_a_killed_init_left(
    missing: str, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        pass

    def replaced(path: Path, target: Path) -> Path:
        if target.name == missing:
            raise KilledError
        return replace_file(path, target)

    line, replace_file = (
        ["init", *words(sound_folder(tmp_path), "--positive", "cancer")],
        Path.replace,
    )
    with monkeypatch.context() as cut:
        cut.setattr(Path, "replace", replaced)
        with pytest.raises(KilledError):
            main(line)
    began = (project / "conf/dataset/films.yaml").exists()
    assert main([*line, *["--renew"] * began]) == 0
    assert len(written(project).open(None).entries()) == 24


def test_init_outside_a_project_says_where_to_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: Terminal
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "go to the project" in terminal(
        ["init", *words(sound_folder(tmp_path), "--positive", "cancer")], 2
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["films", "films.csv"]


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (
            ("--label", "diagnosis"),
            2,
            "--label: the CSV has no column `diagnosis`. Allowed: `file`",
        ),
        (("--test-sites", "Oslo"), 2, "dataset.test_sites: no image of site `Oslo`"),
        (("--name", "My Films"), 2, "--name: `My Films` was given"),
        (("--covariates", "label"), 2, "dataset.columns.covariates: `label` was given"),
    ],
)
def test_wrong_arguments_are_one_line(
    more: tuple[str, ...],
    code: int,
    message: str,
    project: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["check", *words(sound_folder(tmp_path), *more)]) == code
    error = capsys.readouterr().err
    assert error.startswith(message)
    assert error.count("\n") == 1


@pytest.mark.slow
def test_an_encrypted_archive_becomes_the_same_data_set(
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    terminal: Terminal,
) -> None:
    """Written and ingested like its folder; the key stands nowhere, and no file but the archive."""
    own = sound_folder(tmp_path)
    identity = x25519.Identity.generate()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(own.folder, ".")
    archive = tmp_path / "vault" / "films.tar.age"
    archive.parent.mkdir()
    archive.write_bytes(pyrage.encrypt(buffer.getvalue(), [identity.to_public()]))
    plain = ingested(written_by_init(own.folder, own, "plain"), tmp_path / "plain", "cv")[0]

    monkeypatch.setenv("SKIAGRAM_ARCHIVE_KEY", str(identity))
    shutil.rmtree(own.folder)
    source = written_by_init(archive, own, "films")
    folders = ingested(source, tmp_path / "out", "cv")[0]
    for name in ("images/index.json", "cases/cases.parquet", "sealed/labels.parquet"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
    assert plain != folders
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or str(identity).encode() not in file.read_bytes()
    assert str(identity) not in "".join(capsys.readouterr())

    monkeypatch.setenv("SKIAGRAM_ARCHIVE_KEY", str(x25519.Identity.generate()))
    assert "another key is needed" in terminal(
        ["init", str(archive), str(own.csv), "--positive", "cancer", "--name", "b"], 4
    )
    assert not (project / "conf/dataset/b.yaml").exists()


def written_by_init(place: Path, own: OwnFolder, name: str) -> Folder:
    assert main(["init", str(place), str(own.csv), "--positive", "cancer", "--name", name]) == 0
    return written(Path(), name)
