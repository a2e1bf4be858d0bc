"""What `skiagram.__all__` names: light to import, its examples true, its promise kept."""

import doctest
import marshal
import py_compile
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import skiagram
from skiagram.projects import files, running
from tests.pipeline.project import fork_stages, write_project

HEAVY = ("torch", "mlflow", "dvc", "hydra", "numpy", "pandas", "sklearn", "matplotlib", "numba")


def test_the_import_loads_nothing_heavy():
    code = f"import sys, skiagram; assert not {set(HEAVY)} & sys.modules.keys(), sys.modules"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize("length", [20, 100, -10])
def test_compiled_code_that_a_full_disk_cut_short_is_written_anew(tmp_path, monkeypatch, length):
    name = f"made_by_a_full_disk_{abs(length)}"
    source = tmp_path / f"{name}.py"
    source.write_text("def answer(given):\n    return f'{given} is 42'\n")
    compiled = Path(py_compile.compile(str(source), doraise=True) or "")
    compiled.write_bytes(compiled.read_bytes()[:length])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert import_module(name).answer("this") == "this is 42"
    marshal.loads(compiled.read_bytes()[16:])  # whole again


@pytest.mark.slow
@pytest.mark.parametrize("name", ["RadiomicsFeatures", "compare", "extract", "run"])
def test_examples_are_true(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(files, "make_project", write_project)
    monkeypatch.setattr(running, "run_stages", fork_stages)
    member = getattr(skiagram, name)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    found = doctest.DocTestFinder(recurse=False).find(member, name, globs={})
    assert any(test.examples for test in found)
    for test in found:
        runner.run(test)
    assert runner.failures == 0


LIBRARIES = ("features", "near_duplicates", "radiomics", "readers", "statistics")


@pytest.mark.slow
@pytest.mark.parametrize("room", LIBRARIES)
def test_the_first_page_of_a_library_is_true(room):
    library = import_module(f"skiagram.{room}")
    assert doctest.testmod(library).attempted > 3
    assert doctest.testmod(library).failed == 0


BASE = {"arrays", "compiled", "declared", "doors", "errors", "images", "interpolation", "notices"}
BASE |= {"options", "seeding", "strict"}


@pytest.mark.slow
@pytest.mark.parametrize("room", LIBRARIES)
def test_a_library_loads_nothing_of_the_pipeline(room):
    folder = Path(import_module(f"skiagram.{room}").__path__[0])
    modules = ", ".join(f"skiagram.{room}.{path.stem}" for path in folder.glob("[a-z]*.py"))
    code = (
        f"import sys, {modules}; "
        "print(*{name.split('.')[1] for name in sys.modules if name.startswith('skiagram.')})"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    below = {"radiomics": {"features", "readers"}}.get(room, set())
    assert {*loaded} <= {room, *below} | BASE


def test_the_reference_names_all_of_it():
    page = Path(__file__).parents[1] / "docs/reference/python.md"
    text = page.read_text(encoding="utf-8")
    assert all(f"`{name}" in text for name in skiagram.__all__)


def test_a_name_that_is_not_there_is_said():
    with pytest.raises(AttributeError, match="RadiomicsFeatures"):
        skiagram.Radiomics  # noqa: B018
    assert set(skiagram.__all__) <= set(dir(skiagram))
