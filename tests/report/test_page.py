"""The page as a whole: well formed, alone, accessible, repeatable, and of every kind of run."""

import html
import re
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest

from skiagram.evaluation.evaluation_record import Verdict
from skiagram.evaluation.figure_table import FigureTable
from skiagram.evaluation.results import METRICS
from skiagram.report.page import render
from skiagram.report.section import Sections, list_sections, make_section
from skiagram.statistics.estimate import Estimate
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task
from tests import REPOSITORY
from tests.evaluation.model_results import make_result, with_outcome
from tests.report.examples_of_findings import answered, with_galleries
from tests.report.examples_of_results import (
    binary,
    choose,
    material,
    several_classes,
    with_failure,
)
from tests.report.pages import Page, page, render_all
from tests.report.sections.test_sections import example_of, sections_of

SECTIONS = [(anchor, each.title) for anchor, each in list_sections().items()][2:]  # below two pages
DOCS = REPOSITORY / "docs/explanation/report.md"
HOSTILE = '<script>alert("x")</script> & $\\frac{1}{0}$'


@cache
def page_of(name):
    return Page(render(*example_of(name), sections_of(name)))


@pytest.fixture(
    scope="module",
    params=[
        "classes",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("full", "failure")),
    ],
)
def case(request):
    return example_of(request.param)[0], page_of(request.param)


def test_the_page_loads_nothing(case):
    seen = case[1]
    assert seen.source.startswith("<!doctype html>")
    assert not {"script", "link", "iframe", "object", "embed"} & {tag for tag, _ in seen.elements}
    for _, attributes in seen.elements:
        for name in ("src", "href", "xlink:href", "srcset", "data"):
            address = attributes.get(name) or "#"
            assert address.startswith(("#", "data:image/png;base64,"))
    assert "http" not in seen.source.replace("http-equiv", "")
    assert "url(" not in seen.source.replace("url(#", "")
    assert "default-src 'none'" in seen.source


def test_links_within_the_page_lead_to_one_place_each(case):
    ids = Counter(a["id"] for _, a in case[1].elements if "id" in a)
    targets = {(a["href"] or "")[1:] for tag, a in case[1].elements if tag in {"a", "use"}}
    assert max(ids.values()) == 1
    assert targets
    assert targets <= set(ids)


def test_every_model_warning_and_reason_is_told(case):
    evaluation, words = case[0], case[1].text
    assert evaluation.verdict in words
    assert "not a medical device" in words
    for warning in evaluation.warnings:
        assert warning in words
    for model in evaluation.models:
        assert model.outcome.title in words
        assert model.outcome.reason in words
        for estimate in model.figures.select(analysis=METRICS).rows:
            assert estimate.reason in words
            assert estimate.method in words


def test_the_first_page_is_one_table_and_one_picture(case):
    first = case[1].source.split("For the statistician")[0]
    assert first.count("<table") == 1
    assert first.count("<svg") == 1


def test_names_are_code_without_backticks_and_paper_says_what_is_folded(case):
    source = case[1].source
    assert "`" not in source
    assert "&lt;code" not in source
    assert "<code>explained</code>" in source or case[1].text.count("Explanations") > 1
    assert "of a folded section nothing is printed" in case[1].text


def test_every_section_is_in_the_contents_or_named_with_its_reason(case):
    seen = case[1]
    ids = [one["id"] for one in seen.all("section") if "id" in one]
    shown = [anchor for anchor, _ in SECTIONS if anchor in ids]
    assert [one for one in ids if one in dict(SECTIONS)] == shown
    links = [one["href"] for one in seen.all("a")]
    assert [one for one in links if (one or "")[1:] in dict(SECTIONS)][-len(shown) :] == [
        f"#{one}" for one in shown
    ]
    left_out = seen.text.partition("Left out, as there is nothing to show: ")[2].lower()
    for anchor, title in SECTIONS:
        assert (f"{title.lower()} (" in left_out.lower()) == (anchor not in shown)


def test_only_the_first_two_pages_are_unfolded(case):
    ids = [one.get("class") for one in case[1].all("details")]
    assert ids.count("appendix") == len([one for one in case[1].all("section") if "id" in one])
    assert not any("open" in one for one in case[1].all("details"))


def test_pictures_and_headings_can_be_read_aloud(case):
    pictures, seen = case[1].all("svg"), case[1]
    assert pictures
    assert all(one["role"] == "img" and one["aria-label"] for one in pictures)
    assert len(seen.all("img")) >= 12
    assert all(one["alt"] for one in seen.all("img"))
    assert {one.get("scope") for one in seen.all("th")} == {"col", "row", "rowgroup"}


def first_screen():
    """Return the words of the first page of the example with an answer."""
    evaluation, seen = answered(), with_galleries()
    pages = tuple(make_section(anchor, evaluation, seen) for anchor in ("answer", "doubts"))
    source = render(evaluation, seen, Sections(pages, {}))
    header, sheet = (
        source[source.index(f"<{tag}") :].partition(f"</{tag}>")[0] + f"</{tag}>"
        for tag in ("header", "section")
    )
    return Page(f"<div>{header}{sheet}</div>").text


def test_ten_questions_of_a_physician_are_answered_by_the_first_page_alone():
    words = first_screen()
    section = (
        DOCS.read_text(encoding="utf-8").partition("## Ten questions")[2].partition("\n## ")[0]
    )
    rows = re.findall(r"^\| \d+\. ([^|]+\?) \| “([^|]+)” \|$", section, re.MULTILINE)
    assert len(rows) == 10
    for question, quoted in rows:
        for part in quoted.split(" … "):
            assert part in words.replace("\N{NO-BREAK SPACE}", " "), question
    for jargon in ("single trainings", "Use a network:", "flat prior", "Left open"):
        assert jargon not in words


def test_what_a_task_does_not_have_is_said():
    page_of("classes").check("""
        decisions at a threshold (no single threshold with more than two classes)
        subgroups (no covariate divides the cases into parts
        several readers (defined for two classes)
        was chosen within each fold by its inner folds
        not: chosen on the development set
    """)


def test_card_audit_and_provenance_are_printed():
    given, words = material(), page_of("classes").text
    for text in (
        given.card.citation,
        given.card.licence,
        *given.card.known_issues,
        *(finding.summary for finding in given.audit.findings),
        *(finding.waived for finding in given.audit.findings),
        *given.sha256.values(),
        "restoration.wavelet: db4",
        "scikit-learn 1.7.0",
    ):
        assert text in words


@pytest.mark.slow
def test_names_in_a_finding_are_code():
    given = material()
    finding = replace(given.audit.findings[0], summary="`site` <b>tells</b> the class.")
    seen = page(
        several_classes(),
        card=replace(given.card, modality="not stated"),
        audit=replace(given.audit, findings=(finding,)),
    )
    assert "<code>site</code> &lt;b&gt;tells&lt;/b&gt; the class." in seen.source
    assert "not stated" not in seen.text.partition("research result")[0]


@pytest.mark.slow
def test_hostile_text_stays_text():
    evaluation = binary()
    first, second, *_ = evaluation.models
    failed = with_outcome(second, status="failed", reason=HOSTILE, title=HOSTILE)
    hostile = replace(
        evaluation,
        task=Task(Classes(("normal", HOSTILE), 1), "holdout"),
        cases={side: {HOSTILE: 1} for side in evaluation.cases},
        figures=FigureTable(),
        models=(with_outcome(first, title=HOSTILE), failed),
        answer=Verdict("none", HOSTILE),
        warnings=(HOSTILE,),
        arms=choose(classical=first.outcome.model),
    )
    card = replace(material().card, title=HOSTILE, citation=HOSTILE)
    seen = page(hostile, card=card)
    assert not seen.all("script")
    assert html.escape(HOSTILE.split(">")[0]) in seen.source.replace("&#34;", "&quot;")
    assert seen.text.count("<script>alert") > 8


@pytest.mark.slow
def test_no_model_or_no_figure_at_all_still_makes_a_page():
    evaluation = with_failure("out of memory")
    seen = page(replace(evaluation, models=evaluation.models[-1:], figures=FigureTable()))
    assert "failed: out of memory" in seen.text
    assert "curves (no model was trained, or" in seen.text
    evaluation = binary(ideal=False)
    empty = {"roc_auc": Estimate(None, reason="one class only")}
    model = make_result(evaluation.models[0].outcome, empty, Estimate(0.8))
    alone = replace(evaluation, models=(model,), arms={}, figures=FigureTable())
    assert "one class only" in page(alone).text


def test_a_table_without_images_speaks_of_no_restored_images():
    evaluation, seen = example_of("classes")
    card = replace(seen.card, has_images=False)
    without = render_all(evaluation, replace(seen, card=card))
    for words in ("Before and after restoration", "restored images", "example images belong"):
        assert words in page_of("classes").source
        assert words not in without
