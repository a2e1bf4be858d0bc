"""`check` and `init` as a new user meets them."""

import csv
import shutil
from pathlib import Path

import pytest
import yaml

from skiagram.cli.main import main
from skiagram.datasets.folder.source import Folder
from skiagram.options import build
from tests.datasets.own_folders import (
    OwnFolder,
    faulty,
    mixed_folder,
    png,
    row,
    sound_folder,
    write_folder,
)
from tests.datasets.sources import ingested

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty project with the standing choices, and work in it."""
    place = tmp_path / "project"
    (place / "conf" / "dataset").mkdir(parents=True)
    for name in ("restoration", "features", "model"):
        shutil.copytree(REPOSITORY / "conf" / name, place / "conf" / name)
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


def test_check_of_a_sound_folder_counts_and_estimates(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *words(sound_folder(tmp_path, 48))]) == 0
    shown = capsys.readouterr().out
    lines = [line.split() for line in shown.splitlines()]
    assert ["cancer", "24", "12"] in lines
    assert ["normal", "24", "12"] in lines
    assert ["all", "48", "24"] in lines
    assert ["height", "24", "24", "24"] in lines
    for stage in ("ingest, audit", "restore", "extract", "train small_cnn", "Disk: 0.00 GB"):
        assert stage in shown
    assert "This data set can be run." in shown
    assert list((project / "conf/dataset").iterdir()) == []


def test_check_names_every_problem_and_ends_with_4(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *words(mixed_folder(tmp_path))]) == 4
    shown = capsys.readouterr().out
    assert "What would stop the run (10):" in shown
    for name in (*faulty(), "film-00.png", "gone.png", "forgotten.png"):
        assert f"\n  {name}: " in shown
    assert "This data set cannot be run as it is." in shown


def test_check_says_that_patients_are_too_few_for_the_folds(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {f"film-{at}.png": png(at) for at in range(8)}
    own = write_folder(tmp_path, files, [row(at, name) for at, name in enumerate(files)])
    assert main(["check", *words(own)]) == 4
    assert "has 2 patients for 3 folds" in capsys.readouterr().out


def test_check_works_outside_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["check", *words(sound_folder(tmp_path))]) == 0
    assert "Disk: " in capsys.readouterr().out


def test_init_writes_what_ingest_reads(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = sound_folder(tmp_path)
    assert main(["init", *words(own, "--positive", "cancer")]) == 0
    source = written(project)
    assert source.positive_class == "cancer"
    assert source.columns.patient == "patient_id"
    assert source.columns.covariates == ("age", "view")
    _, cases = ingested(source, tmp_path / "out", "cv")
    assert len(cases) == 24
    assert "dvc exp run -S dataset=films -S design=cv" in capsys.readouterr().out


def test_init_keeps_a_readers_score_apart_from_covariates(project: Path, tmp_path: Path) -> None:
    files = {f"film-{at}.png": png(at) for at in range(12)}
    rows = [row(at, name) | {"reader_1": at / 7} for at, name in enumerate(files)]
    own = write_folder(tmp_path, files, rows)
    assert main(["init", *words(own, "--positive", "cancer", "--scores", "reader_1")]) == 0
    source = written(project)
    assert source.columns.scores == ("reader_1",)
    assert source.columns.covariates == ("age", "view")
    assert [one.scores["reader_1"] for one in source.open(None).entries()] == [
        at / 7 for at in range(12)
    ]


def test_init_writes_an_option_file_a_reader_once(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {f"film-{at}.png": png(at) for at in range(12)}
    rows = [row(at, name) | {"Dr Gray": at / 7, "svm": at} for at, name in enumerate(files)]
    own = write_folder(tmp_path, files, rows)
    line = ["init", *words(own, "--positive", "cancer", "--scores", "Dr Gray")]
    assert main(line) == 0
    assert "to compare, add dr_gray to baselines" in capsys.readouterr().out
    path = project / "conf/model/dr_gray.yaml"
    reader = build(yaml.safe_load(path.read_text()), "model")
    assert (reader.column, reader.title) == ("Dr Gray", "Dr Gray")
    path.write_text(path.read_text().replace("title: Dr Gray", "title: Dr A. Gray"))
    assert main([*line, "--renew"]) == 0
    assert "title: Dr A. Gray" in path.read_text()
    before = (project / "conf/model/svm.yaml").read_bytes()
    assert main([*line, "svm", "--name", "other"]) == 2
    assert "conf/model/svm.yaml exists and is no reader of `svm`" in capsys.readouterr().err
    assert (project / "conf/model/svm.yaml").read_bytes() == before
    assert not (project / "conf/dataset/other.yaml").exists()


def test_renewing_takes_up_labels_and_keeps_what_was_written_of_the_set(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = sound_folder(tmp_path)
    line = ["init", *words(own, "--positive", "cancer")]
    assert main([*line, "--renew"]) == 2
    assert "no conf/dataset/films.yaml to renew" in capsys.readouterr().err
    main(line)
    assert "the same line with --renew" in capsys.readouterr().out
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
    assert {path.name for path in options.parent.iterdir()} == {"films.yaml", "films.csv"}


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


def test_init_for_external_validation(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--positive", "cancer", "--test-sites", "Leeds", "--name", "elsewhere")
    assert main(["init", *words(sound_folder(tmp_path), *more)]) == 0
    _, cases = ingested(written(project, "elsewhere"), tmp_path / "out", "holdout")
    assert 0 < len(cases.test()) < len(cases)
    assert "-S dataset=elsewhere -S design=holdout" in capsys.readouterr().out


def test_init_asks_which_class_is_looked_for(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = sound_folder(tmp_path)
    assert main(["init", *words(own)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("--positive: not told which class is looked for. Allowed: cancer or")
    assert main(["init", *words(own, "--positive", "tumour")]) == 2
    assert "`tumour` was given. Allowed: cancer, normal." in capsys.readouterr().err


def test_init_overwrites_nothing(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = sound_folder(tmp_path)
    main(["init", *words(own, "--positive", "cancer")])
    before = (project / "conf/dataset/films.yaml").read_bytes()
    assert main(["init", *words(own, "--positive", "normal")]) == 2
    assert "conf/dataset/films.yaml exists" in capsys.readouterr().err
    assert (project / "conf/dataset/films.yaml").read_bytes() == before


def test_init_writes_nothing_for_a_folder_that_cannot_be_run(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", *words(mixed_folder(tmp_path), "--positive", "cancer")]) == 4
    error = capsys.readouterr().err
    assert "empty.png: an empty file." in error
    assert list((project / "conf/dataset").iterdir()) == []


def test_init_outside_a_project_says_where_to_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", *words(sound_folder(tmp_path), "--positive", "cancer")]) == 2
    assert "go to the project" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["films", "films.csv"]


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (("--label", "diagnosis"), 4, "the CSV: no column `diagnosis`. Allowed: `file`"),
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
