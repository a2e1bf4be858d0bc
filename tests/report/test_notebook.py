"""Columns of scores of any origin compared, and a run's evaluation read: words, table, page."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

import skiagram
from skiagram.cli.main import main
from skiagram.errors import DataError, OptionError
from skiagram.evaluation.results import CALIBRATION
from skiagram.evaluation.sites import SITES
from skiagram.records.files import write_record
from skiagram.report.sections.sites import tabulate_sites
from skiagram.statistics.bootstrap import PatientDraws
from skiagram.statistics.delong import auc_of_scores
from tests.evaluation.model_results import interval
from tests.report.examples_of_results import binary

N = 120
LABEL = np.arange(N) % 2
PATIENT = np.arange(N) // 2
RANDOM = np.random.default_rng(1)
GOOD, POOR = (LABEL + RANDOM.normal(0, noise, N) for noise in (0.6, 1.5))


def probability(score):
    return pd.Series(1 / (1 + np.exp(-3 * (score - 0.5))))


@pytest.fixture(scope="module")
def found():
    """Return the comparison of both scores by patient."""
    return skiagram.compare(LABEL, GOOD, POOR, patients=PATIENT)


@pytest.mark.slow
def test_figures_are_those_of_the_room_of_statistics(found):
    areas = [roc_auc_score(LABEL, score) for score in (GOOD, POOR)]
    assert found.table["auc"].tolist() == pytest.approx(areas)
    good, poor = (auc_of_scores(score[None], LABEL == 1, PATIENT) for score in (GOOD, POOR))
    expected = (good - poor).estimate()
    assert interval(found.difference) == pytest.approx(interval(expected), rel=1e-12)
    assert found.difference.method == expected.method
    assert found.decision == "yes"
    assert repr(found) == found.verdict
    assert found.verdict.startswith("Use A in place of B: yes. A is better")
    assert skiagram.compare(LABEL, POOR, GOOD, patients=PATIENT).decision == "no"
    noise = RANDOM.normal(size=(2, N))
    chance = skiagram.compare(LABEL, *noise)
    assert chance.verdict.startswith("No model is shown to work on these data")
    assert "in place of" not in chance.verdict
    assert chance.decision != "yes"


def test_equal_orders_are_not_called_equal_scores():
    calibrated = probability(GOOD)
    found = skiagram.compare(LABEL, calibrated, calibrated**3)
    assert "exactly 0, as the two order all cases alike" in found.verdict


def test_where_no_patients_are_named_none_are_claimed(found):
    assert "On these 120 cases of 60 patients, A" in found.verdict
    unnamed = skiagram.compare(LABEL, GOOD, GOOD + RANDOM.normal(0, 0.1, N))
    assert "On these 120 cases, each of which counts as a patient" in unnamed.verdict
    assert "More patients" not in unnamed.verdict
    of_sites = skiagram.compare(LABEL, GOOD, POOR, sites=np.arange(N) // 24).evaluation
    assert tabulate_sites(of_sites).columns[:2] == ["Cases, 0", "Cases, 1"]


def test_scores_that_are_surely_below_chance_may_be_reversed():
    found = skiagram.compare(LABEL, -GOOD, GOOD)
    assert "Are the scores of A reversed?" in str(found)
    assert "Are the scores of B" not in str(found)


def test_a_verdict_of_many_cases_waits_for_no_resample(monkeypatch):
    def refuse(_):
        raise AssertionError("2,000 resamples of each case take minutes and gigabytes")

    monkeypatch.setattr(PatientDraws, "counts", property(refuse))
    label = np.arange(20_000) % 2
    scores = label + RANDOM.normal(size=label.size), label + RANDOM.normal(0, 2, label.size)
    found = skiagram.compare(label, *scores, patients=np.arange(label.size) // 3)
    assert str(found).startswith("Use A in place of B: yes.")
    assert f"A  AUC {roc_auc_score(label, scores[0]):.3f}" in str(found)


@pytest.mark.slow
def test_probabilities_alone_are_judged_as_such():
    found = skiagram.compare(LABEL, probability(GOOD), probability(POOR) * 7)
    first, second = found.evaluation.models
    expected = brier_score_loss(LABEL, probability(GOOD))
    assert found.table["brier"].iloc[0] == pytest.approx(expected)
    assert first.find("slope", CALIBRATION).value is not None
    assert first.decision_curve is not None
    assert not second.figures.select(analysis=CALIBRATION)
    assert second.find("brier").reason == "the scores are no probabilities between 0 and 1"


def table(path):
    columns = {
        "patient": [f"p{number}" for number in PATIENT],
        "truth": np.where(LABEL == 1, "malignant", "benign"),
        "new": probability(GOOD).round(6),
        "old": probability(POOR).round(6),
        "size": POOR.round(3),
        "reader1": (GOOD * 2).round(),
        "reader2": (GOOD + POOR).round(),
        "sex": np.array(["f", "m"])[PATIENT % 2],
        "site": np.array(["x", "y", "z"])[PATIENT % 3],
    }
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


@pytest.mark.slow
def test_a_table_is_compared_on_the_command_line(tmp_path, capsys):
    page = tmp_path / "page.html"
    named = ["--label", "truth", "--positive", "malignant", "--a", "new", "--b", "old"]
    more = ["--others", "size", "--readers", "reader1", "reader2", "--subgroups", "sex"]
    command = ["compare", str(table(tmp_path / "scores.csv")), *named, "--patient", "patient"]
    assert main([*command, *more, "--site", "site", "-o", str(page)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Use new in place of old: yes.")
    assert "new minus size" in said
    assert "(Holm)" in said
    assert "new: not shown to differ from the mean reader" in said
    assert "for a new value of “site” it lies" in said
    html = page.read_text()
    for words in ("Calibration", "Decision curve", "Subgroups, new", "Sites", "Readers", "<svg"):
        assert words in html
    assert "network" not in html
    assert "Deep" not in html
    assert "case id" not in html.lower()  # its own column is no subgroup
    assert "the scores are no probabilities between 0 and 1" in html  # of the size
    assert "not computed for this task" not in html
    assert main([*command, "-o", str(page)]) == 2  # nothing is replaced
    assert main([*command[:2], *named[:-1], "older"]) == 2


@pytest.mark.parametrize(
    ("labels", "scores", "options", "said"),
    [
        (np.ones(N), GOOD, {}, "one class alone (1.0)"),
        (np.where(LABEL, "yes", "no"), GOOD, {}, "the disease: positive='no' or positive='yes'"),
        (np.arange(N) % 3, GOOD, {}, "3 classes (0, 1, 2)"),
        (LABEL, GOOD[1:], {}, "119 values. Allowed: 120"),
        (LABEL, np.where(PATIENT == 3, np.nan, GOOD), {}, "2 scores are missing"),
        (
            LABEL,
            np.stack([1 - LABEL, LABEL], axis=1),
            {},
            "a matrix of shape (120, 2). Allowed: 120",
        ),
        (LABEL, ["high"] * N, {}, "no number, the first in row 0 (`high`)"),
        (LABEL, ["0,75"] * N, {}, "replace decimal commas"),
        (np.where(PATIENT == 3, np.nan, LABEL), GOOD, {}, "2 labels are missing"),
        ((np.arange(N) == 0).astype(int), GOOD, {}, "too few cases of class 1: 1"),
        (LABEL, GOOD, {"patients": PATIENT[1:]}, "patients: 119 values"),
        (LABEL, GOOD, {"positive": 2}, "`2` is not one of the labels. Allowed: 0, 1"),
        (pd.Series(LABEL, name="truth"), GOOD, {"positive": "x"}, "the column `truth`. Allowed"),
        (LABEL, GOOD, {"margin": 0}, "margin: 0"),
        (LABEL, GOOD, {"names": ("a", "a")}, "both columns are called a"),
        (LABEL, GOOD, {"sites": [None] * N}, "a row without a value"),
        # -999 among probabilities was taken for the lowest score, in silence
        (
            LABEL,
            np.where(np.arange(N) == 3, -999, GOOD - GOOD.min()),
            {},
            "A: 1 scores are -999, far from all others",
        ),
        (
            LABEL,
            GOOD,
            {"patients": PATIENT, "folds": np.arange(N) % 5},
            "several folds: patient `0` in the folds 0, 1.",
        ),
        (
            pd.Series(LABEL),
            GOOD,
            {"patients": pd.Series(PATIENT).iloc[::-1]},
            "patients: its index names the rows of `labels` in another order",
        ),
    ],
)
def test_bad_input_is_one_line(labels, scores, options, said):
    with pytest.raises((DataError, OptionError)) as caught:
        skiagram.compare(labels, scores, POOR, **options)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_scores_of_a_cross_validation_are_compared_within_folds():
    fold = PATIENT % 5
    shifted = GOOD + 10 * fold  # another scale in each fold
    within = skiagram.compare(LABEL, shifted, POOR, patients=PATIENT, folds=fold)
    assert roc_auc_score(LABEL, shifted) < 0.7
    expected = np.mean([roc_auc_score(LABEL[fold == k], GOOD[fold == k]) for k in range(5)])
    assert within.table["auc"].iloc[0] == pytest.approx(expected)
    assert "overlapping training sets" in within.difference.method


@pytest.mark.slow
def test_both_show_themselves_in_a_notebook_which_finds_its_project(tmp_path, monkeypatch):
    evaluation = binary()
    compared = skiagram.compare(LABEL, probability(GOOD), probability(POOR))
    write_record(evaluation, tmp_path / "reports/evaluation.json")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    project = skiagram.read_project()
    assert project.evaluation == skiagram.read_project(tmp_path).evaluation == evaluation
    with pytest.raises(DataError, match="no evaluation"):
        skiagram.read_project(".")
    for shown in (compared, project):
        html = shown._repr_html_()
        assert "<strong>" in html
        assert "<table" in html
        assert "data:image/svg+xml;base64," in html
        assert "<script" not in html
    assert str(project) == evaluation.verdict
    with pytest.raises(DataError, match="dvc repro"):
        skiagram.read_project(tmp_path / "reports")


def test_scores_of_several_folds_are_in_no_common_order(tmp_path):
    fold, site = np.arange(600) % 5, RANDOM.integers(0, 3, 600)
    label = RANDOM.integers(0, 2, 600)
    better, worse = (label * effect + RANDOM.normal(size=600) for effect in (1.5, 1.0))
    # The scores of each fold lie on a scale of their own.
    found = skiagram.compare(label, better + 4 * fold, worse, folds=fold, sites=site)
    of_sites = found.answered.figures.select(analysis=SITES, model=found.answered.contender)
    rows = site == 1
    of_fits = np.arange(rows.sum()), 5, fold[None, rows]
    area = auc_of_scores(better[None, rows], label[rows] == 1, *of_fits).estimate()
    of_site = of_sites.find(group="1", figure="roc_auc", versus="")
    assert interval(of_site) == pytest.approx(interval(area))
    # Precision needs one order of all cases.
    assert found.table["average_precision"].isna().all()
    model = found.evaluation.models[0]
    assert "share no scale" in model.find("average_precision").reason
    assert model.roc is not None
    assert model.precision_recall is None
    assert model.precision_recall_band is None
    found.write(tmp_path / "page.html")
    assert "share no scale" in (tmp_path / "page.html").read_text()


def test_ids_that_differ_in_case_alone_are_one_patient(found):
    """`P001` and `p001` counted as two people, so that intervals were too narrow."""
    ids = [f"P{number:03d}" for number in PATIENT]
    mixed = [name.lower() if at % 2 else name for at, name in enumerate(ids)]
    one_spelling = skiagram.compare(LABEL, GOOD, POOR, patients=mixed)
    assert interval(one_spelling.difference) == pytest.approx(interval(found.difference))
    assert one_spelling.difference != skiagram.compare(LABEL, GOOD, POOR).difference
