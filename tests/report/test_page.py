import dataclasses
import hashlib
import html
import os
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser

import numpy as np
import pytest

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.results import Subgroup, TestedDifference
from skiagram.records import Design, Task
from skiagram.report.material import TextInPixels
from skiagram.report.page import render
from skiagram.report.pictures import encode_picture
from skiagram.report.section import list_sections
from skiagram.report.write import headline_figures
from skiagram.statistics.estimate import Estimate
from tests.evaluation.scenario import evaluated, finished, scenario
from tests.evaluation.situations import DARKER, SHIFTED
from tests.report.examples_of_findings import full, with_galleries
from tests.report.examples_of_results import (
    TITLES,
    binary,
    material,
    several_classes,
    with_failure,
)

SECTIONS = list(list_sections())[1:]  # the first page is none of the contents
VOID = {"br", "img", "meta"}
HOSTILE = '<script>alert("x")</script> & $\\frac{1}{0}$'


class Page(HTMLParser):
    """Reads a page, refusing elements that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"{tag} was never opened"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


EVALUATIONS = {
    "ideal": full(),
    "near_duplicates": binary(near_duplicates=52, ideal=False),
    "failure": with_failure("out of memory"),
    "classes": several_classes(),
}


@pytest.fixture(scope="module")
def rendered() -> dict[str, str]:
    seen = {"ideal": with_galleries()}
    return {name: render(one, seen.get(name, material())) for name, one in EVALUATIONS.items()}


@pytest.fixture(params=EVALUATIONS)
def case(request: pytest.FixtureRequest, rendered: dict[str, str]) -> tuple[Evaluation, str]:
    return EVALUATIONS[request.param], rendered[request.param]


@pytest.mark.slow
def test_the_page_is_well_formed(case: tuple[Evaluation, str]) -> None:
    page = Page(case[1])
    assert case[1].startswith("<!doctype html>")
    ids = Counter(a["id"] for _, a in page.elements if "id" in a)
    assert max(ids.values()) == 1


def test_the_page_loads_nothing(case: tuple[Evaluation, str]) -> None:
    page = Page(case[1])
    assert not {"script", "link", "iframe", "object", "embed"} & {tag for tag, _ in page.elements}
    for _, attributes in page.elements:
        for name in ("src", "href", "xlink:href", "srcset", "data"):
            address = attributes.get(name) or "#"
            assert address.startswith(("#", "data:image/png;base64,"))
    assert "http" not in case[1].replace("http-equiv", "")
    assert "url(" not in case[1].replace("url(#", "")
    assert "default-src 'none'" in case[1]


def test_links_within_the_page_lead_somewhere(case: tuple[Evaluation, str]) -> None:
    page = Page(case[1])
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    targets = {(a["href"] or "")[1:] for tag, a in page.elements if tag in {"a", "use"}}
    assert targets
    assert targets <= ids


def test_every_model_warning_and_reason_is_told(case: tuple[Evaluation, str]) -> None:
    evaluation, text = case
    words = Page(text).text
    assert evaluation.verdict in words
    for warning in evaluation.warnings:
        assert warning in words
    for model in evaluation.models:
        assert model.outcome.title in words
        assert model.outcome.reason in words
        for estimate in model.metrics.values():
            assert estimate.reason in words
            assert estimate.method in words


def test_the_first_page_is_one_table_and_one_picture(case: tuple[Evaluation, str]) -> None:
    first = case[1].split("For the statistician")[0]
    assert first.count("<table") == 1
    assert first.count("<svg") == 1


def test_every_section_stands_in_the_order_of_the_contents(case: tuple[Evaluation, str]) -> None:
    page = Page(case[1])
    ids = [one["id"] for one in page.all("h2") if "id" in one]
    assert [one for one in ids if one in SECTIONS] == SECTIONS
    assert [one["href"] for one in page.all("a")][: len(SECTIONS)] == [
        f"#{one}" for one in SECTIONS
    ]


def test_what_evaluation_found_stands_on_the_page(rendered: dict[str, str]) -> None:
    words = Page(rendered["ideal"]).text
    for text in (
        "about 680 such patients are needed",
        "undecided: the interval includes relevant differences in both directions",
        "0.410 | 1.000",
        "Threshold for a sensitivity of 90",
        "PPV at 1 %",
        "The best network is not shown to beat Decision tree.",
        "Kendall’s W is 0.810",
        "only 7 patients of class abnormal, fewer than 20",
        "1 of 60 abnormal cases were classified wrongly",
        "delta method on the logit",
    ):
        assert text in words, text


def test_what_a_task_does_not_have_is_said(rendered: dict[str, str]) -> None:
    words = Page(rendered["classes"]).text
    for text in (
        "no single threshold, no predictive value and no decision curve",
        "no column that defines subgroups",
        "Fewer than two models were trained, so there is no order.",
    ):
        assert text in words, text


@pytest.mark.slow
def test_test_cases_stand_beside_development_cases() -> None:
    shift = dataclasses.replace(SHIFTED, model="random_forest")
    found = dataclasses.replace(full(), shifts=(shift,), domain=DARKER)
    told = Page(render(found, material())).text
    for text in (
        "Test cases beside development cases",
        "AUC of Random forest differs 0.994 0.969 −0.025 (−0.040 to −0.010) 0.002",
        "share of abnormal differs 0.73 0.62",
        "brightness differs 120 88.5",
        "glcm_contrast differs 2.1 3.4 0.800 (0.70–0.90)",
        "with an AUC of 0.930 (0.90–0.96); 1 of the features differ",
    ):
        assert text in told, text
    assert "height differs" not in told
    assert "Test cases beside development cases" not in Page(render(full(), material())).text


def test_the_designs_are_not_taken_for_each_other(rendered: dict[str, str]) -> None:
    sealed, nested = Page(rendered["ideal"]).text, Page(rendered["classes"]).text
    assert "was chosen on development cases" in sealed
    assert "inner folds" not in sealed
    assert "was chosen within each fold by its inner folds" in nested
    assert "chosen on development cases" not in nested


@pytest.mark.slow
def test_pairs_that_were_asked_for_stand_with_their_difference(rendered: dict[str, str]) -> None:
    words = Page(rendered["ideal"]).text
    assert "Support vector machine Decision tree +0.084 (0.044–0.104)" in words
    assert "Support vector machine Random forest forest was not trained" in words
    assert "Requested pairs" not in Page(rendered["classes"]).text


def test_each_class_has_its_auc(rendered: dict[str, str]) -> None:
    words = Page(rendered["classes"]).text
    assert "0.791 (0.73–0.82) 0.822 (0.78–0.84) –" in words
    assert "AUC of each class" not in Page(rendered["ideal"]).text


def test_every_picture_has_words_in_its_place(case: tuple[Evaluation, str]) -> None:
    page = Page(case[1])
    pictures = page.all("svg")
    assert pictures
    assert all(one["role"] == "img" and len(one["aria-label"] or "") > 40 for one in pictures)
    assert len(page.all("img")) == (14 if case[0].reference_baselines else 12)
    assert all(one["alt"] for one in page.all("img"))


def test_headings_of_tables_name_what_they_head(case: tuple[Evaluation, str]) -> None:
    headings = Page(case[1]).all("th")
    assert {one.get("scope") for one in headings} == {"col", "row", "rowgroup"}


def test_it_says_what_it_is_not(case: tuple[Evaluation, str]) -> None:
    assert "not a medical device" in Page(case[1]).text


def test_card_audit_and_provenance_are_printed(rendered: dict[str, str]) -> None:
    words = Page(rendered["ideal"]).text
    given = material()
    for text in (
        given.card.citation,
        given.card.licence,
        *given.card.known_issues,
        *(finding.summary for finding in given.audit.findings),
        *(finding.waived for finding in given.audit.findings),
        *given.provenance.sha256.values(),
        "restoration.wavelet: db4",
        "scikit-learn 1.7.0",
    ):
        assert text in words


@pytest.mark.slow
def test_names_in_a_message_are_code_and_a_modality_that_is_not_stated_is_called_so() -> None:
    given = material()
    finding = dataclasses.replace(given.audit.findings[0], summary="`site` <b>tells</b> the class.")
    page = render(
        binary(),
        dataclasses.replace(
            given,
            card=dataclasses.replace(given.card, modality="not stated"),
            audit=dataclasses.replace(given.audit, findings=(finding,)),
        ),
    )
    assert "<code>site</code> &lt;b&gt;tells&lt;/b&gt; the class." in page
    assert "modality not stated" in Page(page).text


@pytest.mark.slow
def test_marks_that_look_like_text_are_shown_with_what_to_do(rendered: dict[str, str]) -> None:
    picture = encode_picture(np.eye(24, dtype=np.uint8))
    text = TextInPixels(50, 1, {"c00017": picture})
    page = Page(render(binary(), dataclasses.replace(material(), text=text)))
    assert "1 of 50 development images looked at" in page.text
    assert "burnt_in_text: mask" in page.text
    assert [image["src"] for image in page.all("img") if "c00017" in (image["alt"] or "")] == [
        picture
    ]
    assert not any("Text in the pixels" in other for other in rendered.values())


@pytest.mark.slow
def test_hostile_text_stays_text() -> None:
    evaluation = binary()
    outcome = dataclasses.replace(evaluation.models[0].outcome, title=HOSTILE)
    failed = dataclasses.replace(
        evaluation.models[1].outcome, status="failed", reason=HOSTILE, title=HOSTILE
    )
    hostile = dataclasses.replace(
        evaluation,
        task=Task(("normal", HOSTILE), 1, "holdout"),
        cases={side: {HOSTILE: 1} for side in evaluation.cases},
        comparisons=(),
        models=(
            dataclasses.replace(evaluation.models[0], outcome=outcome),
            dataclasses.replace(evaluation.models[1], outcome=failed),
        ),
        verdict=HOSTILE,
        warnings=(HOSTILE,),
        best={"classical": outcome.model},
    )
    given = material()
    card = dataclasses.replace(given.card, title=HOSTILE, citation=HOSTILE)
    text = render(hostile, dataclasses.replace(given, card=card))
    page = Page(text)
    assert not page.all("script")
    assert html.escape(HOSTILE.split(">")[0]) in text.replace("&#34;", "&quot;")
    assert page.text.count("<script>alert") > 8


@pytest.mark.slow
def test_no_model_at_all_still_makes_a_page() -> None:
    evaluation = with_failure("out of memory")
    none = dataclasses.replace(evaluation, models=evaluation.models[-1:], comparisons=())
    page = Page(render(none, material()))
    assert "failed: out of memory" in page.text
    assert "No model was trained, so there is no curve." in page.text


@pytest.mark.slow
def test_a_figure_without_value_is_not_drawn() -> None:
    evaluation = binary(ideal=False)
    empty = {"roc_auc": Estimate(None, reason="one class only")}
    models = [dataclasses.replace(one, metrics=empty, roc=None) for one in evaluation.models]
    text = render(dataclasses.replace(evaluation, models=tuple(models)), material())
    assert "one class only" in Page(text).text


@pytest.mark.slow
def test_another_process_gives_the_same_bytes(rendered: dict[str, str]) -> None:
    program = (
        "import hashlib; from skiagram.report.page import render; "
        "from tests.report.examples_of_findings import full, with_galleries; "
        "print(hashlib.sha256(render(full(), with_galleries()).encode()).hexdigest())"
    )
    here = hashlib.sha256(rendered["ideal"].encode()).hexdigest()
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    there = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert there.stdout.strip() == here


def test_titles_of_all_models_stand_in_the_main_figure(rendered: dict[str, str]) -> None:
    first = Page(rendered["ideal"]).all("svg")[0]["aria-label"] or ""
    assert all(title in first for title in TITLES.values())
    assert "ideal observer 0.955" in first


@pytest.mark.slow
@pytest.mark.parametrize("design", ["holdout", "cv"])
def test_a_frozen_encoder_is_an_arm_of_the_page(design: Design) -> None:
    known = scenario(120, 0 if design == "cv" else 120, design=design)
    names = {"svm": ("classical", 1.0), "small_cnn": ("deep", 1.2), "head": ("encoder", 2.0)}
    models = [
        finished(known, name, arm=arm, strength=strength, seed=seed)  # type: ignore[arg-type]
        for seed, (name, (arm, strength)) in enumerate(names.items())
    ]
    found = evaluated(known, models)
    page = Page(render(found, material())).text
    for part in (
        "Use a frozen encoder:",
        "Frozen encoders",
        "teal: frozen encoders",
        "Best frozen encoder minus best classical model:",
        "the best frozen encoder against the best classical model",
        "Pairs of arms",
        "Head, frozen encoder",
        "Small Cnn, trained network",
        "Frozen encoder against classical model",
    ):
        assert part in page
    assert "best_encoder_minus_baseline" in headline_figures(found)
    assert "best_network_minus_baseline" not in headline_figures(found)


@pytest.mark.slow
def test_what_is_defined_for_two_classes_says_so_with_more() -> None:
    page = Page(render(several_classes(), material())).text
    assert "Readers are not compared as a sample, as there are more than two classes" in page


@pytest.mark.slow
def test_subgroups_of_several_classes_are_compared_by_the_macro_auc() -> None:
    part = Subgroup("view", "left", 9, {}, {"roc_auc": Estimate(0.8, 0.7, 0.9)})
    tested = {"roc_auc": TestedDifference(Estimate(-0.05, -0.15, 0.05, "…"), 0.3, 0.3)}
    for differences in (tested, {}):
        subgroups = (dataclasses.replace(part, differences=differences),)
        model = dataclasses.replace(several_classes().models[0], subgroups=subgroups)
        several = dataclasses.replace(several_classes(), models=(model,))
        page = Page(render(several, material())).text
        assert ("The second table compares" in page) == bool(differences)
        assert ("also depends on the mix of classes in a subgroup" in page) == bool(differences)
