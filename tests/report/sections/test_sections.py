"""What every section of the page promises, and the words and figures of each by example."""

from dataclasses import replace
from functools import cache, partial

import pandas as pd
import pytest

from skiagram.evaluation.evaluation_record import PRIMARY, SIMPLE_BASELINES, ArmChoice
from skiagram.evaluation.figure_table import FigureRow, FigureTable, make_row
from skiagram.evaluation.results import CASES, OTHERS, STABILITY, SUBGROUPS, Part
from skiagram.evaluation.sentences import say
from skiagram.evaluation.verdict import with_verdict
from skiagram.explanation.record import Reliance
from skiagram.report.section import make_sections
from skiagram.statistics.estimate import Estimate
from skiagram.tasks.classes import Classes
from tests.evaluation.model_results import with_outcome, with_rows
from tests.evaluation.situations import FIGURES, SITUATIONS, changed
from tests.report.examples_of_findings import answered, at_chance, full, mixed, with_galleries
from tests.report.examples_of_results import (
    binary,
    choose,
    finished_model,
    material,
    opening,
    several_classes,
    with_combination,
    with_failure,
    with_reader,
)
from tests.report.pages import section
from tests.report.sections.test_explanations import FOREST, NETWORK
from tests.yaml_rows import as_record, read_yaml

MATERIALS = read_yaml(__file__, "materials.yaml")


def failed_arms():
    evaluation = with_failure("out of memory")
    models = (evaluation.models[0], evaluation.models[-1])
    evaluation = changed(evaluation, lambda row: None if row.analysis == PRIMARY else row)
    return replace(evaluation, models=models, arms={})


def without_comparison():
    return changed(full(), lambda row: None if row.analysis == PRIMARY else row)


def trained(evaluation, times):
    known = changed(evaluation, lambda row: None if row.figure == "trainings" else row)
    row = make_row(Estimate(times), PRIMARY, "trainings", model="deep", versus="classical")
    return with_rows(known, row)


def in_folds(evaluation):
    return replace(evaluation, task=replace(evaluation.task, design="cv"))


def procedures():
    """Return the full example whose classical arm was chosen anew in each fold."""
    evaluation = full()
    network, forest = evaluation.best["deep"], evaluation.best["classical"]
    arms = {
        "deep": ArmChoice(network, {network: 9}, 9),
        "classical": ArmChoice(forest, {forest: 5, "svm": 4}, 9),
    }
    return trained(in_folds(replace(evaluation, arms=arms)), 3)


def choosing():
    """Return the full example whose first model selects features."""
    first, *others = full().models
    rows = first.figures.select(analysis=STABILITY).rows
    chosen = as_record(tuple[FigureRow, ...], MATERIALS["choice"])
    figures = [(row.figure, row.group, row) for row in (*rows, *chosen)]
    return replace(full(), models=(first.with_figures(STABILITY, figures), *others))


def on_encoders():
    """Return two heads on one frozen network."""
    encoder = {"title": "EfficientNet-Lite0", "licence": "Apache-2.0", "citation": "photographs"}
    options = {"encoder": {"encoder": encoder}, "head": {}}
    models = []
    for title in ("Logistic regression", "Support vector machine"):
        model = finished_model("svm", near_duplicates=False, ideal=False)
        models.append(with_outcome(model, title=title, options=options))
    return replace(binary(ideal=False), models=tuple(models), arms=choose(classical="svm"))


def shifted():
    shift = [replace(row, model="random_forest") for row in FIGURES["shifted"]]
    return with_rows(binary(), *shift, *FIGURES["darker"])


def part_of_classes(*, compared):
    """Return a run of three classes with one subgroup, perhaps compared with the other cases."""
    model, part = several_classes().models[0], Part("view", "left")
    row = partial(make_row, analysis=SUBGROUPS, model=model.outcome.model, group=part.name)
    rows = [row(Estimate(9.0), figure=CASES), row(Estimate(0.8, 0.7, 0.9), figure="roc_auc")]
    if compared:
        tested = Estimate(0.1, 0.05, 0.2)
        difference = row(tested, figure="roc_auc", versus=OTHERS, p=0.001)
        rows.append(replace(difference, p_holm=0.01))
    model = replace(model.with_rows(SUBGROUPS, rows), parts=(part,))
    return replace(several_classes(), models=(model,))


def without_prevalence():
    """Return a run for which nobody stated a share of positives: nothing is given at one."""
    models = []
    for model in answered().models:
        rows = [row for row in model.figures.rows if not row.figure.endswith("_at_prevalence")]
        models.append(replace(model, figures=FigureTable(tuple(rows))))
    return replace(answered(), prevalence=None, models=tuple(models))


def of_many_baselines():
    """Return a run whose differences from simple baselines have intervals above 0, but not p."""

    def raise_p(row):
        if row.analysis != SIMPLE_BASELINES:
            return row
        return replace(row, value=0.141, low=0.035, high=0.349, p=0.0415, p_holm=0.083)

    return changed(full(), raise_p)


# Example → its run; others are situations of the verdict, or of `binary`.
RUNS = {
    "full": full,
    "classes": several_classes,
    "failure": lambda: with_failure("out of memory"),
    "explained": with_reader,
    "answered": answered,
    "loss": lambda: answered("no", -0.05, 0.01),
    "gain": lambda: answered("yes", 0.03, 0.06),
    "loss of 5 trainings": lambda: trained(answered("no", -0.05, 0.01), 5),
    "in folds": lambda: in_folds(answered("no", -0.05, -0.01)),
    "in folds of groups": lambda: replace(in_folds(answered()), patients_known=False),
    "a first look": lambda: replace(
        SITUATIONS["Cross-validation"], warnings=(say("doubt.two_folds"),)
    ),
    "five trainings": lambda: trained(SITUATIONS["Trainings spread too wide to tell"], 5),
    "without prevalence": without_prevalence,
    "no patients": lambda: replace(full(), patients_known=False),
    "mixed": mixed,
    "combination": with_combination,
    "failed arms": failed_arms,
    "twins": lambda: binary(near_duplicates=52),
    "at chance": at_chance,
    "of many baselines": of_many_baselines,
    "without comparison": without_comparison,
    "procedures": procedures,
    "procedures of a holdout": lambda: trained(full(), 3),
    "choosing": choosing,
    "encoders": on_encoders,
    "shifted": shifted,
    "sites of classes": lambda: replace(
        full(), task=replace(full().task, predicted=Classes(full().task.predicted.classes))
    ),
    "part of classes": lambda: part_of_classes(compared=True),
    "lone part of classes": lambda: part_of_classes(compared=False),
}
UNNAMED = replace(material().card, patients_known=False)
RELIANCE = as_record(Reliance, MATERIALS["reliance"])
EXPLAINED = {"explanations": (FOREST, NETWORK), "reliance": RELIANCE}
# Example → what is shown beside its figures, where that is no other file or `material`
SEEN = {
    "full": with_galleries,
    "explained": lambda: replace(material(), **EXPLAINED),
    "no patients": lambda: replace(material(), card=UNNAMED),
    "opened twice": lambda: replace(material(), opening=opening(2)),
}


def example_of(name):
    situation = SITUATIONS.get(name)
    evaluation = RUNS.get(name, binary)() if situation is None else with_verdict(situation)
    seen = SEEN.get(name, material)()
    if name in MATERIALS["treatments"]:
        seen = replace(seen, treatment=pd.DataFrame(MATERIALS["treatments"][name], dtype=float))
    return evaluation, seen


WHOLE = ("full", "binary", "classes", "failure", "explained")


@cache
def sections_of(example):
    """Return all sections of one of `WHOLE`; to draw their figures takes most of the time."""
    return make_sections(*example_of(example))


@cache
def shown(anchor, example):
    made = sections_of(example).filled if example in WHOLE else ()
    contexts = {one.anchor: one.context for one in made}
    return section(anchor, *example_of(example), contexts.get(anchor))


@pytest.mark.parametrize("example", WHOLE)
def test_every_section_keeps_its_tables_and_its_words_whole(example):
    assert all(sections_of(example).left_out.values())
    for one in sections_of(example).filled:
        page = shown(one.anchor, example)
        for columns in page.tables():
            assert len(set(columns)) <= 1, one.anchor
        for word in ("nan", "None", "inf", "Estimate"):
            assert word not in page.text.split(), one.anchor
        assert "{{" not in page.source
        for drawing in one.figures():
            assert len(drawing.description) > 40


LEFT_OUT = {
    "Explanations": "explained",
    "What the best classical model rests on": "no classical model",
    "Finding lesions": "no model searches for lesions",
    "Subgroups": "no covariate",
}


@pytest.mark.parametrize("title", LEFT_OUT)
def test_a_section_without_its_material_is_left_out_with_a_reason(title):
    assert LEFT_OUT[title] in sections_of("binary").left_out[title]


WORDS = read_yaml(__file__, "words.yaml")


@pytest.mark.parametrize(
    ("anchor", "example"), [(anchor, example) for anchor in WORDS for example in WORDS[anchor]]
)
def test_a_section_says_what_its_example_holds_and_no_more(anchor, example):
    shown(anchor, example).check(WORDS[anchor][example])


@pytest.mark.parametrize("anchor", ["calibration", "decisions"])
def test_only_the_best_of_each_arm_is_drawn_and_described(anchor):
    page = shown(anchor, "full")
    (described,) = (one["aria-label"] or "" for one in page.all("svg"))
    assert "Small network with batch norm" in described
    assert "Random forest" in described
    assert "Support vector machine" not in described


def test_the_cells_of_a_confusion_matrix_are_shares_of_the_true_class():
    found = shown("confusion", "classes").all("td")
    tones = [cell["class"] for cell in found]
    assert tones == [["wrong", "right"][at % 4 == 0] for at in range(9)]
    shares = [float((cell["style"] or "").removeprefix("--share: ")) for cell in found]
    assert shares[:3] == [0.75, 0.2, 0.05]
