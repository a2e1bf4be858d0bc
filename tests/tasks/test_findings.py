"""What several findings refuse, tell, calibrate, and how far their figures hold."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.metrics import roc_auc_score

from skiagram.datasets.folder.table import values_of
from skiagram.errors import DataError, SkiagramError
from skiagram.evaluation.evaluation_record import DEVELOPMENT, EXTERNAL, PARTS, SHIFTS
from skiagram.evaluation.external import (
    COHORT,
    HELD_OUT,
    OUT_OF_FOLD,
    compare_with_development,
)
from skiagram.evaluation.options import DEFAULTS
from skiagram.evaluation.results import METRICS
from skiagram.evaluation.sites import SITES
from skiagram.records.predictions import scores_of
from skiagram.report.tables import tabulate_declared
from skiagram.statistics.significance import correct_by_holm
from skiagram.tables.frames import TableLine
from skiagram.tasks.cases import Cases
from skiagram.tasks.columns import OutcomeTable
from skiagram.tasks.findings import ABSENT, OTHERS, PRESENT, UNKNOWN, Findings
from skiagram.tasks.scored_cases import ScoredCases
from tests.evaluation.model_results import with_outcome
from tests.evaluation.situations import changed
from tests.models.classical.families import model
from tests.report.examples_of_results import material
from tests.report.pages import section
from tests.tasks.cohort import another_cohort, evaluated, make_findings, measured, train_all
from tests.tasks.cohort import scored as scored_by
from tests.yaml_rows import read_yaml

NAMES = ("mass", "nodule", "effusion")
FINDINGS = Findings(column="findings", findings=NAMES, balanced_by=("effusion", "nodule"))
NOTHING = {"findings": None, "finding_names": None, "blank_finding": None}


def read(cells, known=None, **given):
    count = len(next(iter(cells.values())))
    rows = [
        TableLine(number + 2, {name: column[number] for name, column in cells.items()})
        for number in range(count)
    ]
    asked = NOTHING | {"findings": [*cells]} | given
    if "balanced_by" in given:
        asked["balanced_by"] = tuple(given["balanced_by"])
    return Findings.read_columns(OutcomeTable(rows, known or [True] * count), asked)


def states_of(read_columns):
    return np.array([list(map(float, cell.split("; "))) for cell in read_columns.value])


def make_cases(cases=400, seed=0):
    """Return states of three findings, a tenth of them not known, and scores that tell them."""
    generator = np.random.default_rng(seed)
    present = generator.uniform(size=(cases, 3)) < [0.4, 0.2, 0.1]
    score = present * [2.0, 1.0, 0.5] + generator.normal(size=(cases, 3))
    unknown = generator.uniform(size=(cases, 3)) < 0.1
    return np.where(unknown, UNKNOWN, present).astype(np.int64), score


def scored(states, score):
    value = states.astype(np.float64)
    return scored_by(FINDINGS, score, value, FINDINGS.label(value))


READINGS = read_yaml(__file__, "readings.yaml")


@pytest.mark.parametrize("name", READINGS)
def test_columns_are_read_as_states_or_refused_with_their_line(name):
    row = READINGS[name]
    if "refused" in row:
        with pytest.raises(SkiagramError) as refused:
            read(row["cells"], **row.get("options", {}))
        said = str(refused.value)
    else:
        found = read(row["cells"], **row.get("options", {}))
        assert states_of(found).tolist() == row.get("states", states_of(found).tolist())
        assert found.outcome.estimates == tuple(row.get("names", found.outcome.estimates))
        said = found.note
    for words in (*row.get("refused", ()), *row.get("told", ())):
        assert words in said


def test_folds_are_balanced_by_the_rarest_finding_of_a_case():
    cells = ["a"] * 40 + ["a|b"] * 20 + ["a|b|c"] * 12 + ["No Finding"] * 30
    found = read({"labels": cells})
    assert found.outcome.classes == (*(f"{name}, the rarest there" for name in "cba"), OTHERS)
    assert found.label[0] == "a, the rarest there"
    assert found.label[45] == "b, the rarest there"
    assert found.label[65] == "c, the rarest there"
    assert found.label[-1] == OTHERS
    few = read({"labels": ["a"] * 40 + ["a|b"] * 12 + ["b|c"] * 4 + ["none"] * 30})
    assert few.outcome.classes == (
        "b, the rarest there",
        "a, the rarest there",
        OTHERS,
    )  # c has four cases
    # Sealed cases have no say.
    known = [True] * 72 + [False] * 30
    sealed = read({"labels": cells[:72] + ["c"] * 30}, known)
    assert sealed.outcome.classes == found.outcome.classes


def test_a_rare_finding_and_a_number_of_another_label_are_refused():
    states, _ = make_cases()
    value = states.astype(np.float64)
    label = FINDINGS.label(value)
    settled = FINDINGS.settle(value, label)
    known = states != UNKNOWN
    shares = (states == PRESENT).sum(axis=0) / known.sum(axis=0)
    assert settled.shares == pytest.approx(shares)
    FINDINGS.check(tuple(value[0]), int(label[0]), "line 2")
    states[:, 2] = ABSENT
    with pytest.raises(DataError, match=r"effusion \(0 with it") as refused:
        FINDINGS.settle(states.astype(np.float64), label)
    assert "--finding-names mass nodule" in str(refused.value)
    assert settled.settle(states.astype(np.float64), label) == settled  # of another cohort


def test_findings_of_any_number_come_back_from_a_cell_and_from_the_table_of_cases(tmp_path):
    states = np.random.default_rng(0).integers(-1, 2, size=(20, 60)).astype(np.float64)
    columns = {
        f"finding {number}": [f"{state:.0f}" for state in states[:, number]] for number in range(60)
    }
    cells = pd.Series(read(columns).value)
    assert_array_equal(values_of(cells), states)
    states[3] = np.nan  # of a sealed case
    ids = np.array([f"case-{number:02d}" for number in range(20)])
    Cases(ids, ids, np.full(20, "train"), np.zeros(20, np.int64), states).write(tmp_path / "a")
    assert_array_equal(Cases.read(tmp_path / "a").value, states)


def test_the_primary_figure_is_the_mean_of_the_findings_areas():
    states, score = make_cases()
    cases = scored(states, score)
    areas, figures = areas_of(states, score), measured(FINDINGS, cases)
    assert figures["macro_auc", ""].value == pytest.approx(np.mean(areas), abs=1e-12)
    of_findings = [figures["auc", name].value for name in NAMES]
    assert of_findings == pytest.approx(areas, abs=1e-12)
    # The Brier score is the mean over findings of that of the cases in which they are known.
    errors = (cases.estimate[0] - (states == PRESENT)) ** 2
    errors[states == UNKNOWN] = np.nan
    expected = np.nanmean(errors, axis=0).mean()
    assert figures["brier", ""].value == pytest.approx(expected)
    assert figures["brier", ""].estimate().method.startswith("log jackknife")
    assert figures["brier_gain", ""].estimate().low > 0


def test_the_interval_of_one_area_twice_is_that_of_the_area():
    """Two findings that always go together are one: their mean varies as each does."""
    states, score = make_cases()
    twice = np.repeat(states[:, :1], 2, axis=1)
    outcome = Findings(column="findings", findings=("a", "b"))
    value, each = twice.astype(np.float64), np.arange(len(states))
    both = np.repeat(score[None, :, :1], 2, axis=2)
    fit = np.zeros((1, len(states)), dtype=np.int64)
    cases = ScoredCases(each * 0, value, each, both, np.full(both.shape, 0.5), fit)
    (_, area), _ = outcome.measure_parts(cases)
    mean = outcome.measure_primary(cases)
    assert mean.value == pytest.approx(area.value, abs=1e-12)
    assert mean.variance() == pytest.approx(area.variance(), rel=0.02)


def test_cases_of_several_fits_are_compared_within_their_fit():
    states, score = make_cases()
    cases = scored(states, score)
    fold = (np.arange(len(states)) % 4)[None]
    shifted = replace(cases, fit=fold, score=cases.score + 100 * fold[:, :, None])
    known = states[:, 0] != UNKNOWN
    pairs = areas = 0.0
    for number in range(4):
        rows = known & (fold[0] == number)
        present = states[rows, 0] == PRESENT
        weight = present.sum() * (~present).sum()
        areas += weight * roc_auc_score(present, score[rows, 0])
        pairs += weight
    assert dict(FINDINGS.measure_parts(shifted))["mass"].value == pytest.approx(areas / pairs)


def test_a_finding_of_a_single_patient_is_left_out_of_the_mean():
    states, score = make_cases()
    states[:, 2] = ABSENT
    states[0, 2] = PRESENT
    parts = FINDINGS.measure_parts(scored(states, score))
    assert [name for name, _ in parts] == ["mass", "nodule"]
    nothing = FINDINGS.measure_primary(scored(np.zeros_like(states), score))
    assert nothing.estimate().value is None


def test_probabilities_have_the_findings_shares_and_rise_with_the_score():
    states, score = make_cases(2000)
    value = states.astype(np.float64)
    calibration = FINDINGS.calibrate(score, value, FINDINGS.label(value), np.arange(len(value)))
    probability = calibration.probabilities(score)

    for k in range(3):
        known = states[:, k] != UNKNOWN
        share = (states[known, k] == PRESENT).mean()
        assert probability[known, k].mean() == pytest.approx(share, abs=0.002)
    order = np.argsort(score[:, 0])
    assert (np.diff(probability[order, 0]) >= 0).all()
    unknown = np.full_like(states, UNKNOWN)
    nothing = FINDINGS.calibrate(
        score, unknown.astype(np.float64), FINDINGS.label(value), np.arange(len(value))
    )
    assert nothing.probabilities(score) == pytest.approx(0.5)


@pytest.mark.slow  # imports PyTorch
def test_a_network_learns_what_is_known_by_cross_entropy():
    import torch

    states, score = make_cases(50)
    value = states.astype(np.float64)
    settled = replace(FINDINGS, shares=(0.4, 0.2, 0.1))
    logits = torch.tensor(score, requires_grad=True)
    target = torch.tensor(settled.target(value, FINDINGS.label(value)))
    loss = settled.loss(logits, target, torch.zeros(0))
    shares = torch.tensor(settled.shares)
    shifted = logits + torch.log(shares / (1 - shares))
    each = torch.nn.functional.binary_cross_entropy_with_logits(
        shifted, target.clamp(min=0), reduction="none"
    )
    known = torch.tensor(states != UNKNOWN)
    assert float(loss.detach()) == pytest.approx(float(each[known].mean().detach()))
    loss.backward()
    assert (logits.grad[~known] == 0).all()


def test_another_cohort_has_the_same_findings_and_labels():
    theirs = read(
        {"labels": ["mass|nodule", "none", "effusion", "mass"] * 3},
        finding_names=[*NAMES],
        balanced_by=FINDINGS.balanced_by,
    )
    cohort = theirs.outcome
    assert cohort.classes == FINDINGS.classes
    assert FINDINGS.of_cohort(cohort).findings == NAMES
    without = read(
        {"labels": ["mass|nodule", "none", "mass"]}, finding_names=[*NAMES], balanced_by=()
    )
    assert (states_of(without)[:, 2] == ABSENT).all()


def test_few_patients_of_a_finding_are_told():
    states, _ = make_cases()
    value, each = states.astype(np.float64), np.arange(len(states))
    assert FINDINGS.doubts(value, each, each) == ()
    few = states[:120]
    (rare,) = FINDINGS.doubts(few.astype(np.float64), each[:120], each[:120])
    assert "of effusion" in rare
    # A finding that nearly all have is as little known.
    lacked = states.copy()
    lacked[12:, 0] = PRESENT
    (rare,) = FINDINGS.doubts(lacked.astype(np.float64), each, each)
    assert "without mass" in rare
    assert "nodule" not in rare
    # A finding of a single patient is no part of the mean, and the page does not say that it is.
    alone = np.where(states == PRESENT, ABSENT, states)
    alone[:, :2] = states[:, :2]
    alone[0, 2] = PRESENT
    (left_out,) = FINDINGS.doubts(alone.astype(np.float64), each, each)
    assert left_out.startswith("Left out of the mean over findings: effusion.")
    facts = dict(FINDINGS.count(value, each))
    known = int((states[:, 0] != UNKNOWN).sum())
    assert facts["cases with mass"].endswith(f"of {known} in which it is known")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Return what evaluation reads of a model that tells all findings, and one that tells none."""
    models = {name: model("logistic_regression", columns=(name,)) for name in ("signal", "noise")}
    return train_all(tmp_path_factory.mktemp("trained"), make_findings(150), models)


def test_arms_are_compared_by_each_finding_and_p_is_corrected(inputs):
    signal, noise = inputs.models
    network = with_outcome(signal, arm="deep")
    evaluation = evaluated(replace(inputs, models=(network, noise)))
    assert "macro AUC" in evaluation.verdict
    figures = evaluation.figures.select(analysis=PARTS)
    assert figures.list_distinct("group") == NAMES
    differences = figures.select(versus="classical").rows
    for row in differences:
        of_finding = figures.select(group=row.group)
        first, second = (of_finding.find(model=arm, versus="") for arm in ("deep", "classical"))
        assert row.value == pytest.approx(first.value - second.value)
    p, corrected = ([getattr(row, name) for row in differences] for name in ("p", "p_holm"))
    assert corrected == pytest.approx(correct_by_holm(p))
    assert "mass (better)" in section("parts", evaluation, material()).text
    table = tabulate_declared(evaluation, "parts")
    assert [row.title for group in table.groups for row in group.rows] == [*NAMES]
    alike = changed(evaluation, lambda row: replace(row, p_holm=1.0) if row.p_holm else row)
    assert "For no single finding" in section("parts", alike, material()).text


def areas_of(states, score):
    """Return the AUC of each finding over the cases in which it is known, by scikit-learn."""
    known = states != UNKNOWN
    return [
        roc_auc_score(states[rows, k] == PRESENT, score[rows, k]) for k, rows in enumerate(known.T)
    ]


def test_sides_and_sites_are_compared_by_the_findings_that_both_define(inputs):
    inputs = replace(inputs, models=inputs.models[:1])
    cohort, outcome = another_cohort(inputs), inputs.task.predicted
    # No case of the cohort has an effusion, and none of its hospital B a nodule.
    states = np.array(cohort.sealed["value"].tolist())
    states[:, 2] = np.where(states[:, 2] == PRESENT, ABSENT, states[:, 2])
    hospital = cohort.covariates["cohort"].to_numpy()
    states[hospital == "B", 1] = ABSENT
    value = states.astype(np.float64)
    known = np.array(cohort.cases.value)
    known[cohort.cases.split == "test"] = value
    sealed = cohort.sealed.assign(value=[*value], label=outcome.label(value))
    cohort = replace(cohort, sealed=sealed, cases=replace(cohort.cases, value=known))
    home, found = evaluated(inputs), evaluated(cohort)
    table = cohort.models[0].part("test").set_index("case_id")
    scores = scores_of(table.loc[sealed["case_id"].tolist()])
    # The test cases beside the development cases, whose own mean would have the effusion too.
    shifts = found.figures.select(analysis=SHIFTS, model="signal", versus="")
    of_both = areas_of(states[:, :2], scores)
    assert shifts.find(group="").value == pytest.approx(np.mean(of_both))
    of_home = home.table.select(analysis=METRICS, model="signal")
    areas = [of_home.find(figure="auc", group=name).value for name in NAMES]
    expected = np.mean(areas[:2])
    assert shifts.find(group=DEVELOPMENT).value == pytest.approx(expected)
    assert of_home.find(figure="macro_auc").value == pytest.approx(np.mean(areas))
    # Both hospitals by the mass alone.
    sites = found.figures.select(analysis=SITES, model="classical", figure="macro_auc")
    for name in ("A", "B"):
        rows = hospital == name
        (of_mass,) = areas_of(states[rows, :1], scores[rows])
        assert sites.find(group=name).value == pytest.approx(of_mass)
    # Another cohort beside the project.
    rows = compare_with_development(found, home, cohort, DEFAULTS, 0).figures
    macro = rows.select(analysis=EXTERNAL, model="signal", figure="macro_auc")
    assert macro.find(group=OUT_OF_FOLD).value == pytest.approx(expected)
    assert macro.find(group=COHORT).value == shifts.find(group="").value
    # Of sealed test cases with an effusion the mean is another; of the same findings it stays.
    whole = evaluated(another_cohort(inputs))
    for at_home, is_kept in ((whole, False), (found, True)):
        rows = compare_with_development(found, at_home, cohort, DEFAULTS, 0).figures
        held_out = rows.find(analysis=EXTERNAL, model="signal", figure="macro_auc", group=HELD_OUT)
        assert (held_out.value is not None) == is_kept
        assert ("other findings" in held_out.reason) != is_kept


def test_generated_findings_are_likelier_where_the_nodule_is():
    hidden = np.arange(4000) % 2 == 1
    states, label = FINDINGS.draw(hidden, 3.0, np.random.default_rng(0))
    assert (label == FINDINGS.label(states)).all()
    gaps = [
        (states[hidden, k] == PRESENT).mean() - (states[~hidden, k] == PRESENT).mean()
        for k in range(3)
    ]
    assert gaps[0] > gaps[2] > 0.1
    assert (states == UNKNOWN).mean() == pytest.approx(0.05, abs=0.01)
