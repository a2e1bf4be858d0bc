from pathlib import Path

from skiagram.report.index import write_index
from skiagram.report.page import render
from tests.report.examples_of_results import binary, material
from tests.report.test_page import Page

STUDY = """<!doctype html><html><head><meta charset="utf-8"></head><body>
<h1>Tissue: from <i>how many</i> cases?</h1>
<p class="verdict">The network &lt;small&gt; overtakes<br> at 4,000 cases.</p>
{more}<p>Not an answer.</p></body></html>"""


def project(root: Path, more: int = 0) -> Path:
    answers = "".join(f'<li class="answer"><b>{k}</b>: open.</li>' for k in range(more))
    page = root / "studies/crossover/page.html"
    page.parent.mkdir(parents=True)
    page.write_text(STUDY.format(more=answers), encoding="utf-8")
    return root


def test_every_study_is_linked_with_its_answer(tmp_path: Path) -> None:
    page = Page(write_index(project(tmp_path)).read_text(encoding="utf-8"))
    assert [one["href"] for one in page.all("a")] == ["crossover/page.html"]
    assert "Tissue: from how many cases?" in page.text
    assert "The network <small> overtakes at 4,000 cases." in page.text
    assert "Not an answer" not in page.text
    assert "No report yet" in page.text


def test_links_lead_to_pages_and_the_report_tells_its_verdict(tmp_path: Path) -> None:
    report = project(tmp_path) / "reports/report.html"
    report.parent.mkdir()
    report.write_text(render(binary(), material()), encoding="utf-8")
    index = write_index(tmp_path)
    page = Page(index.read_text(encoding="utf-8"))
    assert all((index.parent / str(one["href"])).exists() for one in page.all("a"))
    assert len(page.all("a")) == 2
    assert binary().verdict in page.text


def test_long_lists_of_answers_are_cut_and_counted(tmp_path: Path) -> None:
    text = Page(write_index(project(tmp_path, more=7)).read_text(encoding="utf-8")).text
    assert "1: open." in text
    assert "2: open." not in text
    assert "5 more on the page." in text


def test_an_empty_project_says_what_to_run(tmp_path: Path) -> None:
    text = Page(write_index(tmp_path).read_text(encoding="utf-8")).text
    assert "No report yet" in text
    assert "No study yet" in text
