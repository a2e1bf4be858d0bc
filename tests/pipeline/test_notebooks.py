"""The notebooks run on what a finished run left, change nothing and agree with its record."""

import json
import re

import nbformat
import numpy as np
import pytest
from nbclient.exceptions import CellExecutionError

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.records.files import read_record, read_table, write_table
from skiagram.statistics.estimate import format_difference
from tests.pipeline.project import BASELINES, NETWORK, REPOSITORY
from tests.pipeline.run_notebooks import NOTEBOOKS, run

LARGEST = 350_000  # characters of a notebook with its pictures
OUTPUTS = ("conf", "data", "models", "scores", "reports")


@pytest.fixture
def executed(tmp_path, monkeypatch):
    """Return what runs a notebook in a folder, and returns what each code cell shows, as text.

    What it shows is of the kinds that the repository keeps of it. The kernel is of this
    environment, and its own files stay out of the home folder.
    """
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "jupyter"))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "1")

    def execute(name, folder):
        path = REPOSITORY / "notebooks" / f"{name}.ipynb"
        kept, book = nbformat.read(path, as_version=4), run(path, folder)
        for before, now in zip(kept.cells, book.cells, strict=True):
            assert _kinds(before) == _kinds(now), now.id
        return {cell.id: _shown(cell) for cell in book.cells if cell.cell_type == "code"}

    return execute


@pytest.fixture(scope="module")
def imperfect(finished, tmp_path_factory):
    """Return the finished run with models that err: each has some test scores exchanged."""
    project = finished.copy(tmp_path_factory.mktemp("imperfect") / "project")
    for seed, model in enumerate((*BASELINES, NETWORK)):
        path = project.folder / "scores" / model / "predictions.parquet"
        table = read_table(path)
        rng = np.random.default_rng(seed)
        rows = rng.choice(np.flatnonzero(table["part"] == "test"), 12, replace=False)
        columns = [name for name in table.columns if name.startswith(("score_", "probability_"))]
        table.loc[rows, columns] = table.loc[rng.permutation(rows), columns].to_numpy()
        path.unlink()
        write_table(table, path)
    project.stage("evaluate", code=0)
    return project


def _kinds(cell):
    """List the kinds of what a cell shows, such as a picture."""
    return {kind for output in cell.get("outputs", ()) for kind in output.get("data", ["text"])}


def _shown(cell):
    """Join printed text and the richest form of the value."""
    shown = []
    for output in cell.outputs:
        data = output.get("data", {})
        rich = [
            data[kind] for kind in ("text/html", "image/svg+xml", "text/markdown") if kind in data
        ]
        shown += rich or [output.get("text", data.get("text/plain", ""))]
    return "\n".join(shown)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_with_what_it_shows(path):
    text = path.read_text(encoding="utf-8")
    book = json.loads(text)
    nbformat.validate(book)
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert code
    assert [cell["execution_count"] for cell in code] == [*range(1, len(code) + 1)]
    assert any(cell["outputs"] for cell in code)
    assert len(text) < LARGEST
    for cell in code:
        assert "".join(cell["source"]).strip()
        assert "error" not in {output["output_type"] for output in cell["outputs"]}
    assert {key for cell in book["cells"] for key in cell["metadata"]} == set()
    assert set(book["metadata"]) == {"kernelspec", "language_info"}
    assert not re.search(r"(?<![\w/.])/(home|root|tmp|work|Users)/|C:\\", text)
    assert str(REPOSITORY) not in text


@pytest.mark.slow
def test_the_comparison_follows_from_the_artefacts(imperfect, executed):
    before = imperfect.hashes(*OUTPUTS)
    shown = executed("comparison", imperfect.folder)
    assert imperfect.hashes(*OUTPUTS) == before
    evaluation = read_record(Evaluation, imperfect.folder / "reports/evaluation.json")
    recorded = evaluation.difference
    assert recorded.value
    assert format_difference(recorded) in shown["paired"]
    assert recorded.method in shown["paired"]
    assert shown["equal"].strip() == "Equal to the report."
    assert evaluation.verdict in shown["verdict"]
    for result in evaluation.models:
        assert result.outcome.title in shown["performance"]
        assert f"{result.find('roc_auc').value:.3f}" in shown["performance"]
    for figure in ("auc", "roc", "stability"):
        assert shown[figure].startswith("<svg")
    for gallery in ("examples", "disagreeing"):
        assert shown[gallery].count("<figure>") >= 1
        assert shown[gallery].count("<img") == 3 * shown[gallery].count("<figure>")


@pytest.mark.slow
def test_the_comparison_stops_where_the_record_and_the_scores_differ(imperfect, executed, tmp_path):
    """A table that was edited by hand does not pass for the one the report was made from."""
    altered = imperfect.copy(tmp_path / "project")
    table = altered.folder / "reports/scores.csv"
    lines = table.read_text().splitlines()
    table.unlink()
    table.write_text("\n".join(lines[:-3]) + "\n")
    with pytest.raises(CellExecutionError, match="AssertionError"):
        executed("comparison", altered.folder)


@pytest.mark.slow
def test_a_folder_of_ones_own_goes_from_check_to_audit(finished, executed, monkeypatch):
    monkeypatch.delenv("SKIAGRAM_DATA", raising=False)
    before = finished.hashes(*OUTPUTS)
    shown = executed("bring_your_own_images", finished.folder)
    assert finished.hashes(*OUTPUTS) == before
    assert "This data set can be run." in shown["check"]
    assert "exit code 0" in shown["check"]
    assert "What would stop the run (4):" in shown["bad"]
    for name in ("film00 (copy).png", "film03.png", "film07.png", "film11.png"):
        assert f"\n  {name}: " in shown["bad"]
    assert "exit code 4" in shown["bad"]
    assert "exit code 0" in shown["init"]
    assert "positive_class: striped" in shown["written"]
    assert shown["stages"].count("exit code 0") == 2
    assert "case-000000" in shown["stages"]


@pytest.mark.slow
def test_a_project_is_read(imperfect, executed):
    shown = executed("a_project_read", imperfect.folder)
    evaluation = read_record(Evaluation, imperfect.folder / "reports/evaluation.json")
    assert "<table" in shown["project"]
    assert "data:image/svg+xml" in shown["project"]
    assert evaluation.answer.decision in shown["difference"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "cell"), [("features_in_scikit_learn", "verdict"), ("two_scores_compared", "compared")]
)
def test_features_and_scores_need_no_project(name, cell, executed, tmp_path):
    shown = executed(name, tmp_path)
    assert "<strong>Use" in shown[cell]
    assert "data:image/svg+xml" in shown[cell]
