"""What every section of the page promises, and the words and figures of each by example."""

from dataclasses import replace
from functools import cache, partial

import pandas as pd
import pytest

from skiagram.evaluation.evaluation_record import PRIMARY, SIMPLE_RULES, ArmChoice
from skiagram.evaluation.figure_table import FigureTable, make_row
from skiagram.evaluation.results import CASES, OTHERS, STABILITY, SUBGROUPS, Part
from skiagram.explanation.record import FeatureReliance, Reliance
from skiagram.report.section import make_sections
from skiagram.statistics.estimate import Estimate
from skiagram.tasks.classes import Classes
from tests.evaluation.situations import DARKER, SHIFTED, changed
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
from tests.report.sections.test_repeatability import KINDS


def failed_arms():
    evaluation = with_failure("out of memory")
    models = (evaluation.models[0], evaluation.models[-1])
    evaluation = changed(evaluation, lambda row: None if row.analysis == PRIMARY else row)
    return replace(evaluation, models=models, arms={})


def without_comparison():
    return changed(full(), lambda row: None if row.analysis == PRIMARY else row)


def trained(evaluation, times):
    row = make_row(Estimate(times), PRIMARY, "trainings", model="deep", versus="classical")
    return replace(evaluation, figures=FigureTable((*evaluation.figures.rows, row)))


def procedures():
    """Return the full example whose classical arm was chosen anew in each fold."""
    evaluation = full()
    network, forest = evaluation.best["deep"], evaluation.best["classical"]
    arms = {
        "deep": ArmChoice(network, {network: 9}, 9),
        "classical": ArmChoice(forest, {forest: 5, "svm": 4}, 9),
    }
    task = replace(evaluation.task, design="cv")
    return trained(replace(evaluation, arms=arms, task=task), 3)


def choosing():
    """Return the full example whose first model selects features."""
    first, *others = full().models
    rows = first.figures.select(analysis=STABILITY).rows
    chosen = [
        ("selection_agreement", "", Estimate(0.61, 0.4, 0.8, "Nogueira")),
        ("choosing_fits", "", Estimate(5.0)),
        ("features_to_choose_from", "", Estimate(40.0)),
        ("features_kept", "", Estimate(2.4)),
        ("chosen_by", "first_order_skewness", Estimate(1.0)),
        ("chosen_by", "age", Estimate(0.4)),
    ]
    figures = [*((row.figure, row.group, row) for row in rows), *chosen]
    return replace(full(), models=(first.with_figures(STABILITY, figures), *others))


def on_encoders():
    """Return two heads on one frozen network."""
    encoder = {"title": "EfficientNet-Lite0", "licence": "Apache-2.0", "citation": "photographs"}
    options = {"encoder": {"encoder": encoder}, "head": {}}
    models = []
    for title in ("Logistic regression", "Support vector machine"):
        model = finished_model("svm", near_duplicates=False, ideal=False)
        models.append(replace(model, outcome=replace(model.outcome, title=title, options=options)))
    return replace(binary(ideal=False), models=tuple(models), arms=choose(classical="svm"))


def shifted():
    shift = [replace(row, model="random_forest") for row in SHIFTED]
    return replace(binary(), figures=FigureTable((*binary().figures.rows, *shift, *DARKER)))


def part_of_classes(*, compared):
    """Return a run of three classes with one subgroup, perhaps compared with the other cases."""
    model, part = several_classes().models[0], Part("view", "left")
    row = partial(make_row, analysis=SUBGROUPS, model=model.outcome.model, group=part.name)
    rows = [row(Estimate(9.0), figure=CASES), row(Estimate(0.8, 0.7, 0.9), figure="roc_auc")]
    if compared:
        tested = Estimate(0.1, 0.05, 0.2)
        rows.append(row(tested, figure="roc_auc", versus=OTHERS, p=0.001, p_holm=0.01))
    model = replace(model.with_rows(SUBGROUPS, rows), parts=(part,))
    return replace(several_classes(), models=(model,))


def with_faults(rows=slice(None)):
    """Return material of three restored cases, or of some of them."""
    faults = {"missing": [0, 5, 65], "outliers": [0, 0, 0], "dead_lines": [0, 1, 0]}
    table = pd.DataFrame(faults | {"noise": [0.1, 0.2, float("nan")]})
    return replace(material(), treatment=table[rows])


def with_curves(**measures):
    """Return material with what one network recorded in each epoch of one fit."""
    table = pd.DataFrame(measures).assign(fit="repeat0-final")
    return replace(material(), curves={"small_cnn": table.reset_index(names="epoch")})


def learned_by_heart():
    """Return material of three fits, in two of which the validation loss rises."""
    rising = {"fold0": [0.7, 0.6, 0.65, 0.8], "fold1": [0.7, 0.6, 0.7, 0.9]}
    losses = pd.DataFrame(rising | {"fold2": [0.7, 0.6, 0.5, 0.4], "epoch": range(4)})
    table = losses.melt("epoch", var_name="fit", value_name="validation_loss")
    table["training_loss"] = 0.7 - 0.1 * table["epoch"]
    return replace(material(), curves={"small_cnn": table})


def of_many_rules():
    """Return a run whose differences from simple baselines have intervals above 0, but not p."""

    def raise_p(row):
        if row.analysis != SIMPLE_RULES:
            return row
        return replace(row, value=0.141, low=0.035, high=0.349, p=0.0415, p_holm=0.083)

    return changed(full(), raise_p)


# Example → its run; those that are not named are of `binary`.
RUNS = {
    "full": full,
    "classes": several_classes,
    "failure": lambda: with_failure("out of memory"),
    "explained": with_reader,
    "answered": answered,
    "loss": lambda: answered("no", -0.05, 0.01),
    "gain": lambda: answered("yes", 0.03, 0.06),
    "loss of 5 trainings": lambda: trained(answered("no", -0.05, 0.01), 5),
    "without prevalence": lambda: replace(answered(), prevalence=None),
    "no patients": full,
    "mixed": mixed,
    "combination": with_combination,
    "failed arms": failed_arms,
    "twins": lambda: binary(near_duplicates=52),
    "at chance": at_chance,
    "of many rules": of_many_rules,
    "without comparison": without_comparison,
    "procedures": procedures,
    "procedures of a holdout": lambda: trained(full(), 3),
    "choosing": choosing,
    "encoders": on_encoders,
    "shifted": shifted,
    "sites of classes": lambda: replace(
        full(), task=replace(full().task, predicted=Classes(full().task.classes))
    ),
    "part of classes": lambda: part_of_classes(compared=True),
    "lone part of classes": lambda: part_of_classes(compared=False),
}
UNNAMED = replace(material().card, patients_known=False)
RECORDED = {"training_loss": [0.7, 0.5], "validation_loss": [0.8, 0.6]}
RECORDED |= {"validation_accuracy": [0.5, 0.75], "learning_rate": [0.1, 0.1]}
RELIANCE = Reliance(
    "Random forest",
    cases=80,
    unseen=True,
    clusters=60,
    used=12,
    features=(
        FeatureReliance("glcm_contrast", ("glcm_energy", "lbp_0"), 0.31),
        FeatureReliance("shape_volume", (), 0.004),
    ),
)
EXPLAINED = {"explanations": (FOREST, NETWORK), "repeatability": KINDS}
EXPLAINED |= {"reliance": RELIANCE}
# Example → what is shown beside its figures, where it is not `material`
SEEN = {
    "full": with_galleries,
    "explained": lambda: replace(material(), **EXPLAINED),
    "no patients": lambda: replace(material(), card=UNNAMED),
    "faults": with_faults,
    "one fault": lambda: with_faults(slice(2, 3)),
    "nothing restored": lambda: with_faults(slice(0, 0)),
    "opened twice": lambda: replace(material(), opening=opening(2)),
    "recorded": lambda: with_curves(**RECORDED),
    "rate alone": lambda: with_curves(learning_rate=[0.1]),
    "by heart": learned_by_heart,
}


def example_of(name):
    return RUNS.get(name, binary)(), SEEN.get(name, material)()


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
    "Repeatable features": "perturbed",
    "Subgroups": "no column divides",
}


@pytest.mark.parametrize("title", LEFT_OUT)
def test_a_section_without_its_material_is_left_out_with_a_reason(title):
    assert LEFT_OUT[title] in sections_of("binary").left_out[title]


PRAISE = """
        not: false alarms
        not: are needed
        not: finds
        not: slope
        not: More patients
        not: Found, per 100
"""
# (Section, example) → words that stand there, a line each; those behind `not:` do not.
WORDS = {
    ("answer", "full"): """
        Classical features Random forest 0.899
        Deep networks Small network with batch norm 0.924
        What the answer rests on Best network minus best classical model +0.021
        Simple baselines Decision tree 0.724
        Chance 0.500 90 90 The limit of this task Ideal observer 0.955
        Below: the difference on which the answer rests; inside the grey band it does not count.
        not: Support vector machine
        not: best of arm
    """,
    ("answer", "without comparison"): """
        Of 100 abnormal cases, Random forest finds 90;
        not: minus best
        not: the difference on which
    """,
    ("answer", "explained"): """
        Dr Gray
        The features that Random forest rests on most: glcm_contrast, shape_volume.
    """,
    ("answer", "combination"): "Stacking of both",
    ("answer", "failed arms"): "Small network with batch norm failed: out of memory",
    ("answer", "twins"): """
        AUC AUC without near duplicates
        0.899 (0.82 to 0.94) 0.839
    """,
    ("answer", "answered"): """
        Found, per 100 abnormal False alarms, per 100 others
        Random forest 0.879 (0.82 to 0.93) 88 (80 to 93) 30 (21 to 40)
        Calibration: the risks of the best network and best classical model are not those
        Net benefit of acting from a risk of 10 % and 50 %: the best network does more good at 10 %
        at the stated prevalence of 1 %: best network, positive 0.034
    """,
    ("answer", "without prevalence"): """
        Calibration: the risks
        from a risk of
        not: Predictive values at
    """,
    ("answer", "classes"): """
        not: Calibration:
        not: of the test cases are
    """,
    ("answer", "mixed"): """
        Best network of each fold (Small network with batch norm 3, Convolutional network of
        the articles 2) 0.763 (0.70 to 0.82) 93
        has the AUC 0.763 and the best classical model (Random forest) 0.879
        not: Deep networks Small network with batch norm
    """,
    ("answer", "binary"): """
        40 % of the test cases are abnormal
    """,
    ("answer", "at chance"): f"""
        No model is shown to work on these data
        None of these models is to be used.
        Cases: 150, 60 of them abnormal.
        {PRAISE}
    """,
    ("answer", "loss"): "each trained once: the difference",
    ("answer", "loss of 5 trainings"): "not: each trained once",
    ("doubts", "at chance"): f"""
        Test on more cases: these are too few to tell even a good model from chance.
        Look at the labels and at images
        {PRAISE}
    """,
    ("doubts", "answered"): """
        Train every model five times
        Test on more patients than these 75, each with a probability of 80 %:
        about 680 tell a gain of just 0.020 from 0;
        about 910 show two equal models to differ by less
        Split by cluster of near duplicates.
    """,
    ("doubts", "loss"): "not: more patients",
    ("doubts", "gain"): "not: more patients",
    ("verdict", "at chance"): PRAISE,
    ("verdict", "full"): """
        More patients: with these 75 patients
        The AUC of the ideal observer is 0.031 above that of the better
        at most 0.071 (upper bound of its 95 % interval)
        The best classical model (Random forest) beats chance.
        not: The best network (
    """,
    ("verdict", "no patients"): "these 75 groups of near duplicates",
    ("verdict", "loss"): "not: are needed",
    ("verdict", "gain"): "not: are needed",
    ("verdict", "classes"): "not: More patients",
    ("data", "faults"): """
        2 of 3 cases had missing pixels (per such case: median 35, at most 65).
        No case had outlier pixels that were replaced.
        1 of 3 cases had dead rows or columns
        median 0.150 (quartiles 0.125–0.175)
        abnormal positive 140 60 All cases 350 150 Patients 175 75
    """,
    ("data", "one fault"): "No noise was removed.",
    ("data", "nothing restored"): "No case was restored.",
    ("data", "no patients"): "Groups 175 75",
    ("data", "shifted"): """
        Test cases beside the development set
        AUC of Random forest differs 0.994 0.969 −0.025 (−0.040 to −0.010) 0.002
        share of abnormal differs 0.73 0.62
        brightness differs 120 88.5
        glcm_contrast differs 2.1 3.4 0.800 (0.70 to 0.90)
        with an AUC of 0.930 (0.90 to 0.96); 1 of the features differ
        not: height differs
    """,
    ("data", "classes"): "not: Test cases beside the development set",
    ("models", "explained"): """
        Readers and devices Dr Gray
        not: Dr Gray best of arm
    """,
    ("models", "binary"): """
        Ideal observer 0.955 (0.93 to 0.96) 1.000
        not: without near
    """,
    ("models", "twins"): "AUC without near duplicates",
    ("models", "classes"): """
        AUC, mean over classes
        defined for two classes only
        melanoma nevus keratosis
        0.791 (0.73 to 0.82) 0.822 (0.78 to 0.84) –
    """,
    ("models", "encoders"): """
        EfficientNet-Lite0
        Apache-2.0
        photographs
        regression, Support vector
    """,
    ("confusion", "classes"): "melanoma 30 8 2 nevus 5 50 5 keratosis 1 9 20",
    ("comparisons", "full"): """
        Random forest Support vector machine +0.011 (−0.015 to +0.037) 0.410 1.000
        counts as worthwhile is possible, such a loss is unlikely 12 : 9, p 0.510
        +0.050 (+0.030 to +0.070) < 0.001 0.012
        one class only
        these fits alone
    """,
    ("comparisons", "procedures"): """
        Small network with batch norm Best classical model of each fold (
        in 5, Support vector machine in 4 of 9 folds)
        the mean of 3 trainings
        share training cases
    """,
    ("comparisons", "procedures of a holdout"): "other patients and other seeds",
    ("comparisons", "classes"): "not: Requested pairs",
    ("trivial_rules", "full"): """
        Small network with batch norm The prevalence (AUC 0.5) +0.400 (+0.300 to +0.500) – yes
        Decision tree +0.020 (−0.100 to +0.100) – not shown
        not: The only simple baseline
    """,
    ("trivial_rules", "of many rules"): """
        Better: the difference lies above 0 and p is below 0.05; p is corrected by Holm
        The prevalence (AUC 0.5) +0.141 (+0.035 to +0.349) 0.083 not shown
    """,
    (
        "trivial_rules",
        "at chance",
    ): "The only simple baseline in this run is “The prevalence (AUC 0.5)”.",
    ("stability", "full"): """
        Support vector machine 0.030 0.010 0.000 10 %
        not: Agreement of the selected features
    """,
    ("stability", "binary"): """
        Out-of-fold AUC, mean of folds (used to choose
        not: SD from
    """,
    ("stability", "classes"): """
        Inner AUC (used to choose the best)
        there is no order
    """,
    ("stability", "choosing"): """
        Agreement of the selected features
        0.610
        the model selects no features
        Linear regression: 2.4 of 40 features per fit, 5 fits first_order_skewness 100 %
        age 40 % none
    """,
    ("provenance", "choosing"): "Nogueira",
    ("provenance", "opened twice"): "2nd",
    ("calibration", "full"): """
        Intercept (ideal 0) Slope (ideal 1)
        Support vector machine −0.200
        Support vector machine 0.041 0.034 0.030 0.090
        0.900 (0.80 to 0.95) of 50 at 0.90
    """,
    ("calibration", "at chance"): "they support no decision",
    ("decisions", "full"): """
        Threshold for a sensitivity of 90 %
        PPV at 1 % NPV at 1 %
        0.034
        Threshold for a specificity of 90 %
        Linear regression – – 1 – 1
        Per 1,000 cases, 1 % of them positive
        10 % 90 % −100.0 1.1 4.2 +3.1 (+0.6 to +5.6)
        Brier score (lower is better) −0.012
        no threshold was fixed
        0.350 at 0.1
        not: they support no decision
    """,
    ("decisions", "without prevalence"): """
        Threshold for a sensitivity
        not: PPV at
    """,
    ("decisions", "at chance"): "they support no decision",
    ("decisions", "binary"): "needs a network and a classical model that were trained",
    ("subgroups", "full"): """
        view position CC 80 25 30 0.830
        MLO only 7 patients of class abnormal, fewer than 20 70 40 7
        film hidden: fewer than 5 patients, or fewer of a class – 2 – 2 – 2 – 2 – 2 – 2 site
        no positive case
        CC −0.100 (−0.190 to −0.010) 0.030 | 0.120
        Small network with batch norm, the best of its arm
        view position: MLO
        not: Support vector machine
        not: site: 40 values
    """,
    ("subgroups", "part of classes"): """
        The second table compares
        also depends on the mix of classes in a subgroup
    """,
    ("subgroups", "lone part of classes"): """
        not: The second table compares
        not: also depends on the mix of classes in a subgroup
    """,
    ("sites", "full"): """
        Basel 30 20 0.800
        Leeds 30 20 0.800 (0.70 to 0.85) 0.850 (0.75 to 0.90) +0.050
        The next such site
        (−0.080 to +0.180)
        network minus classical is +0.050 (−0.010 to +0.110)
        2 with too few of a class
    """,
    ("sites", "sites of classes"): "AUC, mean over classes, classical features",
    ("readers", "full"): """
        Mean reader 0.830
        Small network with batch norm +0.090 (+0.020 to +0.160) 0.010 0.020
        With two to five readers who truly differ, intervals
        2 readers
        Classical features: not shown to differ from the mean reader.
        Deep networks: above the mean reader.
    """,
    ("uncertainty", "full"): """
        Support vector machine 0.910
        Support vector machine 0.200 0.120 0.100 0.050
    """,
    ("training", "explained"): """
        Classical features Linear
        Deep networks
        not: Dr Gray
    """,
    ("training", "recorded"): """
        loss, accuracy by epoch of 1 fits
        validation accuracy 0.750
        not: by more than 10 %
    """,
    ("training", "rate alone"): "not: by epoch of",
    ("training", "by heart"): "In 2 of 3 fits the validation loss rose by more than 10 %",
    ("reliance", "explained"): """
        The final fit scores 80 test cases, which it did not see; no label is read.
        12 of 60 groups change any pair; the first 2 are shown
        glcm_contrast (+2) 31 %; shape_volume < 1 %
        Which features go together glcm_contrast glcm_energy , lbp_0
    """,
    ("explanations", "explained"): """
        Forest <1>
        not defined: no gradient
        glcm_b, glcm_c, glcm_d and 1 more
        Always the centre
    """,
    ("repeatability", "explained"): """
        2 of 3 features are repeatable
        glcm 2 50 %
        shape 1 100 %
        all 3 67 %
        0.70 to 0.90; 0.90, 0.80 to 0.95
    """,
}


@pytest.mark.parametrize(("anchor", "example"), WORDS)
def test_a_section_says_what_its_example_holds_and_no_more(anchor, example):
    shown(anchor, example).check(WORDS[anchor, example])


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
