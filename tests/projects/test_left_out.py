"""What git would take of a project into which a person put images and tables."""

import shutil
import subprocess

import pytest

from skiagram.errors import DataError
from skiagram.projects.left_out import explain_taken, leave_out
from skiagram.sealing.ledger import LEDGER
from tests import REPOSITORY
from tests.folders import git

PEOPLE = (
    *("images.csv", "new.CSV", "scores.csv", "scores.html", "table.xlsx", "IM0001.DCM"),
    *("new/1.png", "new/2.JPEG", "scan.nii.gz", "scan.mhd", "scan.raw", "films.tif", "all.zip"),
    *("conf/dataset/own.csv", "conf/dataset/own.labels.age", "tables/own.cases.csv", "a.tar.age"),
    *("patient.key", "svm.skiagram", "docs/film.png", "tests/labels.csv", "data.npz"),
)


def put(place, *names):
    for name in names:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("ZZTEST")


def taken(place):
    """Return what `git add -A` takes."""
    git(place, "add -A")
    return set(git(place, "ls-files").splitlines())


@pytest.fixture
def repository(tmp_path):
    """Return an empty git repository that leaves nothing out."""
    place = tmp_path / "repository"
    place.mkdir()
    git(place, "init -q")
    return place


def test_the_usual_files_of_patients_stay_out_and_options_go_in(repository):
    shutil.copy(REPOSITORY / ".gitignore", repository)
    put(repository, *PEOPLE, "conf/dataset/own.yaml", "reports/metrics.json", "dvc.lock")
    kept = {".gitignore", "conf/dataset/own.yaml", "reports/metrics.json", "dvc.lock"}
    assert taken(repository) == kept


def test_of_what_the_repository_holds_nothing_is_left_out():
    if not (REPOSITORY / ".git").exists():
        pytest.skip("this is no clone")
    assert not git(REPOSITORY, "ls-files -ci --exclude-standard")
    # Openings that the repository held would become those of every project made of it.
    assert not git(REPOSITORY, f"ls-files {LEDGER}")


def test_a_folder_and_files_of_any_name_stay_out(repository):
    project = repository / "project"
    put(repository, "scans/p1/IM1", "table one.txt", "project/tables/[a] *.txt", "project/b.txt")
    put(repository, "project/tables/a .txt")
    for _ in range(2):
        changed = leave_out(project, repository / "scans", [repository / "table one.txt"])
    assert changed == []  # the second time all is left out already
    (beside,) = leave_out(project, repository / "scans", [project / "tables/[a] *.txt"])
    assert beside == project / "tables/.gitignore"
    assert taken(repository) == {
        *(".gitignore", "project/tables/.gitignore", "project/b.txt", "project/tables/a .txt"),
    }
    assert (repository / ".gitignore").read_text().splitlines()[1:] == ["/table one.txt"]


def test_lines_of_a_gitignore_that_exists_stay(repository):
    put(repository, "scans/IM1", "b.txt", "c.txt")
    (repository / "scans/.gitignore").write_text("*.png")
    (repository / ".gitignore").write_text("/c.txt")
    leave_out(repository, repository / "scans", [repository / "b.txt", repository / "c.txt"])
    assert taken(repository) == {".gitignore"}
    assert (repository / ".gitignore").read_text().splitlines()[0] == "/c.txt"
    assert (repository / "scans/.gitignore").read_text().splitlines()[0] == "*.png"


def test_what_lies_elsewhere_is_not_touched(repository, tmp_path):
    put(tmp_path, "scans/IM1", "table.txt")
    assert leave_out(repository, tmp_path / "scans", [tmp_path / "table.txt"]) == []
    assert sorted(path.name for path in tmp_path.rglob("*") if ".git/" not in str(path)) == [
        *(".git", "IM1", "repository", "scans", "table.txt")
    ]


def test_without_git_a_folder_is_ready_for_it(tmp_path):
    put(tmp_path, "scans/IM1", "b.txt")
    assert leave_out(tmp_path, tmp_path / "scans", [tmp_path / "b.txt"]) == []
    assert (tmp_path / "scans/.gitignore").exists()
    assert explain_taken(tmp_path) == ""


def test_a_project_among_the_images_is_refused(repository):
    put(repository, "project/IM1")
    for folder in (repository, repository / "project"):
        with pytest.raises(DataError, match=r"holds the project, too.*a folder of their own"):
            leave_out(repository / "project", folder, [])
    assert git(repository, "status --porcelain") == "?? project/\n"


@pytest.mark.parametrize("number", [2, 30])
def test_what_git_holds_already_is_told_and_the_told_command_mends_it(repository, number):
    names = [f"tables/patient {at}.csv" for at in range(number)]
    put(repository, *names, "reports/report.html", "params.yaml")
    git(repository, "add -A")
    shutil.copy(REPOSITORY / ".gitignore", repository)
    warning = explain_taken(repository)
    assert names[0] in warning
    assert "report.html" not in warning  # which a user may have forced in, to show it
    (command,) = [line.strip() for line in warning.splitlines() if "git rm --cached" in line]
    subprocess.run(command, shell=True, cwd=repository, check=True)
    assert taken(repository) == {".gitignore", "params.yaml", "reports/report.html"}
    assert all((repository / name).exists() for name in names)
    assert explain_taken(repository) == ""
