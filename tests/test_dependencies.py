"""Every package that is imported is declared, not merely installed along with another."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from skiagram.errors import how_to_install

REPOSITORY = Path(__file__).parents[1]
OWN = {"skiagram", "tests", "benchmarks", "make_reference"}
PEERS = {"flash_radiomics", "pictologics"}  # their benchmark runs in an environment of its own


def imported_packages(folder):
    """Return the top-level packages that the files below a folder import."""
    names = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
    scripts = [*folder.rglob("*.py"), *(REPOSITORY / "pipeline").glob("*.py")]
    beside = {path.stem for path in scripts}  # scripts import their neighbours
    return (
        {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - OWN - PEERS - beside
    )


def declared_distributions(*, development):
    """Return the normalised names of the distributions that `pyproject.toml` lists."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    lines = list(project["project"]["dependencies"])
    for extra in project["project"]["optional-dependencies"].values():
        lines += extra
    if development:
        lines += project["dependency-groups"]["dev"]
    return {_normalised(re.split(r"[<>=~!;\[ ]", line)[0]) for line in lines}


def _normalised(name):
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.slow
def test_every_imported_package_is_declared():
    distributions = packages_distributions()
    for folder in ("src", "pipeline", "tests", "docs", "benchmarks"):
        declared = declared_distributions(development=folder not in ("src", "pipeline"))
        undeclared = {
            package
            for package in imported_packages(REPOSITORY / folder)
            if not {_normalised(name) for name in distributions.get(package, [])} & declared
        }
        assert not undeclared, folder


def locked(name):
    """Return the names of the distributions that a lock file pins."""
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    return {_normalised(name) for name in re.findall(r"(?m)^([\w.-]+)(?:\[.*\])?==", text)}


def test_two_locks_share_no_package_pin_hashes_and_name_no_host():
    assert not locked("requirements.lock") & locked("requirements-dev.lock")
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index" not in text
        pins = re.split(r"(?m)^(?=\w)", text)[1:]
        assert all("==" in pin and "--hash=sha256:" in pin for pin in pins)
        assert "triton" not in locked(name)


def test_an_extra_is_said_to_come_with_the_lock_that_holds_its_packages():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    for extra, lines in project["project"]["optional-dependencies"].items():
        names = {_normalised(re.split(r"[<>=~!;\[ ]", line)[0]) for line in lines} - OWN
        target = "setup" if names <= locked("requirements.lock") else "setup-dev"
        if extra != "slurm":  # in no lock
            assert f"`make {target}`" in how_to_install(extra)
            assert names <= locked("requirements.lock") | locked("requirements-dev.lock")


def test_a_variable_chooses_the_backend_of_torch():
    plain, for_processors = (
        subprocess.run(
            ["make", "-nB", "setup", *variable],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for variable in ([], ["TORCH_BACKEND=cpu"])
    )
    assert "--torch-backend" not in plain
    assert "--torch-backend=cpu" in for_processors
    assert "nvidia" in for_processors


@pytest.mark.slow
def test_every_packages_licence_fits_and_the_check_can_fail():
    """Packages that are read by hand stand in the Makefile; without them the check fails."""
    binaries = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    make = ["make", "-o", "setup-dev", "-o", ".venv/installed-dev", "licences", f"PATH={binaries}"]
    fine, refused = (
        subprocess.run([*make, *more], cwd=REPOSITORY, capture_output=True, text=True)
        for more in ([], ["LICENCES_READ_BY_HAND=pip"])
    )
    assert fine.returncode == 0, fine.stderr
    assert refused.returncode != 0
    assert "was found for package" in refused.stderr


@pytest.mark.slow
def test_every_text_file_is_read_and_written_in_utf_8_whatever_the_locale():
    """A call without an encoding takes that of the locale, in which a page may have no letters."""
    bare = []
    for path in (*REPOSITORY.glob("src/**/*.py"), *REPOSITORY.glob("pipeline/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            most = {"read_text": 0, "write_text": 1}.get(node.func.attr, -1)
            mode = node.args[{"open": 0, "fdopen": 1}.get(node.func.attr, len(node.args)) :][:1]
            opens = [each.value for each in mode if isinstance(each, ast.Constant)]
            opens = [each for each in opens if each in ("r", "w", "a", "x", "r+", "w+")]
            named = any(word.arg == "encoding" for word in node.keywords)
            if not named and (opens or len(node.args) <= most):
                bare.append(f"{path.name}:{node.lineno}")
    assert not bare
