from dataclasses import replace

import pytest

from skiagram.records.files import write_record
from skiagram.report.index import PAGE, RESULT, TABLE, write_index, write_outputs
from skiagram.report.page import page_title
from skiagram.report.sections.answer import state_answer
from skiagram.sweeps.table import SweepResult
from tests.report.examples_of_results import binary, material
from tests.report.pages import Page
from tests.report.test_sweep import CROSSING, CURVES, LINE


def crossover(networks=1):
    """Return learning curves that as many networks cross."""
    named = ((f"n{k}", f"Net {k} <small>") for k in range(networks))
    crossings = (replace(CROSSING, model=name, title=title) for name, title in named)
    curves = replace(CURVES, curves=(), crossings=tuple(crossings))
    question = "When is a network better?"
    return SweepResult("crossover", question, "", (), "learning_curves", curves)


def project(root, networks=1):
    folder = root / "sweeps/crossover"
    folder.mkdir(parents=True)
    write_outputs(crossover(networks), folder)
    return root


def with_report(root):
    for name in ("reports", "data/cases"):
        (root / name).mkdir(parents=True)
    (root / "reports/report.html").write_text("Not read.", encoding="utf-8")
    write_record(binary(), root / "reports/evaluation.json")
    write_record(material().card, root / "data/cases/card.json")
    return root


@pytest.mark.slow
@pytest.mark.parametrize("result", [LINE, crossover()])
def test_a_sweep_leaves_what_it_says_it_leaves(result, tmp_path):
    write_outputs(result, tmp_path)
    assert result.question in Page((tmp_path / "page.html").read_text(encoding="utf-8")).text
    assert sorted(path.name for path in tmp_path.iterdir()) == [PAGE, RESULT, TABLE]


def test_every_sweep_is_linked_with_the_answer_of_its_record(tmp_path):
    (project(tmp_path) / "sweeps/crossover/page.html").write_text("Not read.", encoding="utf-8")
    page = Page(write_index(tmp_path).read_text(encoding="utf-8"))
    assert "Not read" not in page.text
    assert [one["href"] for one in page.all("a")] == ["crossover/page.html"]
    assert "When is a network better?" in page.text
    assert (
        "Net 0 <small> overtakes the best classical model at about 730 training cases" in page.text
    )
    assert "No report yet" in page.text


@pytest.mark.slow
def test_links_lead_to_pages_and_the_report_tells_its_verdict(tmp_path):
    index = write_index(with_report(project(tmp_path)))
    page = Page(index.read_text(encoding="utf-8"))
    assert all((index.parent / str(one["href"])).exists() for one in page.all("a"))
    assert len(page.all("a")) == 2
    assert state_answer(binary())[0] in page.text
    assert page_title(material().card, binary()) in page.text
    assert "Not read" not in page.text


def test_a_result_of_another_version_keeps_its_link(tmp_path):
    project(tmp_path)
    (tmp_path / "sweeps/crossover/result.json").write_text("{}", encoding="utf-8")
    page = Page(write_index(tmp_path).read_text(encoding="utf-8"))
    assert [one["href"] for one in page.all("a")] == ["crossover/page.html"]
    assert "cannot be read by this version" in page.text


def test_long_lists_of_answers_are_cut_and_counted(tmp_path):
    text = Page(write_index(project(tmp_path, networks=8)).read_text(encoding="utf-8")).text
    assert "Net 2 <small> overtakes" in text
    assert "Net 3 <small> overtakes" not in text
    assert "6 more on the page." in text
