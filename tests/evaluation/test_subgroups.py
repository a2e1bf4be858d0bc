"""Subgroups by any column: the cut, the figures, their differences, and what is not shown."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from skiagram.evaluation.compared_model import ComparedModel
from skiagram.evaluation.figure_table import FigureTable
from skiagram.evaluation.results import CASES, OTHERS, SUBGROUPS, Part, patients_of
from skiagram.evaluation.subgroups import (
    hidden_parts,
    measure_subgroups,
    rare_texts,
    split_by_value,
)
from skiagram.statistics.delong import auc_of_scores
from skiagram.statistics.linearised import difference_of_groups, share
from tests.evaluation.scenario import evaluated, finished, scenario


class Found(NamedTuple):
    """A part with its rows, those of the differences apart."""

    part: Part
    figures: FigureTable
    differences: FigureTable

    @property
    def cases(self):
        return self.figures.find(figure=CASES).value

    @property
    def metrics(self):
        return {*self.figures.list_distinct("figure")} & {"roc_auc", "sensitivity", "specificity"}


def run(known, least=5, signal=None, **columns):
    """Measure a model in the parts that columns of covariates divide the cases into."""
    setting = known.opened(covariates=table(known, **columns))
    model = finished(known, "svm", signal=signal)
    parts, rows = measure_subgroups(ComparedModel.on(setting, model), setting, least)
    of_part = [FigureTable(rows).select(group=part.name) for part in parts]
    return [
        Found(part, rows.select(versus=""), rows.select(versus=OTHERS))
        for part, rows in zip(parts, of_part, strict=True)
    ]


def split(values):
    """Split a column of cases that have a patient each."""
    return split_by_value(pd.Series(values), np.arange(len(values)), 5)


def table(known, **columns):
    return pd.DataFrame({"case_id": known.cases.case_id, **columns})


KNOWN = scenario(120, 200)
SITE = np.where(np.arange(320) // 2 % 5 < 2, "east", "west")


def test_each_value_has_the_figures_of_its_cases():
    known, site = KNOWN, SITE
    east, west = run(known, site=site)
    assert (east.part, east.cases) == (Part("site", "east"), 80)
    rows = finished(known, "svm").part("test")
    score = (rows["score_1"] - rows["score_0"]).to_numpy()
    for one in (east, west):
        own = site[120:] == one.part.value
        expected = roc_auc_score(known.label[120:][own], score[own])
        assert one.figures.find(figure="roc_auc").value == pytest.approx(expected)
        assert one.metrics == {"roc_auc", "sensitivity", "specificity"}
        patients = [
            one.figures.find(figure=patients_of(name)).value
            for name in known.task.predicted.classes
        ]
        assert sum(patients) == own.sum() / 2


def test_the_evaluation_has_a_part_s_figures_and_numbers_as_rows():
    shuffled = table(KNOWN, site=SITE).sample(frac=1, random_state=0)
    found = evaluated(KNOWN, [finished(KNOWN, "svm")], covariates=shuffled)
    assert [part.name for part in found.models[0].parts] == ["site: east", "site: west"]
    rows = found.table.select(analysis=SUBGROUPS, model="svm", group="site: east", versus="")
    for row in run(KNOWN, site=SITE)[0].figures.rows:
        assert rows.get(figure=row.figure) == replace(row, model="svm")


def test_texts_of_few_patients_are_one_part_without_their_names():
    room = np.where(np.arange(320) < 300, "usual", "ZZTEST north")
    room[306:314], room[314:] = "ZZTEST east", "ZZTEST west"
    usual, rare = run(KNOWN, room=room)
    assert (usual.part.value, rare.part.value, rare.cases) == ("usual", rare_texts(5), 20)
    assert [value for value, _ in split([1, 2, 2, 2, 2, 2])] == ["1", "2"]


@pytest.mark.slow
def test_a_part_of_few_patients_is_hidden_with_its_name_and_counts():
    film = np.where(np.arange(320) < 304, "digital", "ZZTEST analogue")
    digital, hidden = run(KNOWN, film=film)
    assert (digital.part.value, digital.cases) == ("digital", 184)
    assert not digital.differences  # with its own figure they would tell the hidden one
    assert hidden.part == Part("film", hidden_parts(5))
    assert [(row.figure, row.value) for row in hidden.figures.rows] == [(CASES, 0)]
    shown = run(KNOWN, least=1, film=film)[0]
    assert (shown.part.value, shown.cases) == ("ZZTEST analogue", 16)
    assert shown.figures.find(figure=patients_of("normal")).value == 4
    assert {*shown.differences.list_distinct("figure")} == shown.metrics


def test_one_class_of_few_patients_hides_the_part():
    age = np.where((np.arange(320) >= 200) & (KNOWN.label == 1), "old", "young")
    age[-4:] = "old"  # one patient of each class
    values = [one.part.value for one in run(KNOWN, age=age)]
    assert values == ["young", hidden_parts(5)]


def test_numbers_are_cut_at_tertiles_and_the_unknown_come_last():
    found = dict(split([*np.arange(30.0), np.nan, np.nan]))
    assert list(found) == ["≤ 9.66667", "> 9.66667 to 19.3333", "> 19.3333", "not known"]
    assert [int(rows.sum()) for rows in found.values()] == [10, 10, 10, 2]
    assert np.sum(list(found.values()), axis=0).tolist() == [1] * 32


def test_few_numbers_and_flags_are_values():
    assert [value for value, _ in split([2, 1, 2, 1])] == ["1", "2"]
    assert [value for value, _ in split([True, False, True])] == ["False", "True"]


def test_too_many_values_are_not_looked_at():
    (found,) = run(KNOWN, hospital=[f"h{k}" for k in range(320)])
    assert (found.part.value, found.metrics) == ("200 values", set())
    assert "more than 12 different values" in found.part.warning


def hits(found, of, first_patient=0):
    success = np.repeat([1.0, 0.0], (found, of - found))[None]
    return share(success, np.arange(of) + first_patient)


def test_two_shares_have_newcombes_published_interval():
    """Newcombe 1998, *Statistics in Medicine* 17:873, table II, method 10: 56/70 − 48/80."""
    found, p = difference_of_groups(hits(56, 70), hits(48, 80, 100))
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert 0.005 < p < 0.05


def test_the_interval_excludes_no_difference_just_where_p_is_below_5_percent():
    for found in range(40, 71):
        difference, p = difference_of_groups(hits(found, 70), hits(48, 80, 100))
        assert (p < 0.05) == (difference.low > 0 or difference.high < 0)
        turned, same = difference_of_groups(hits(48, 80, 100), hits(found, 70))
        assert same == pytest.approx(p)
        assert turned.low == pytest.approx(-difference.high)


def test_patients_on_both_sides_go_together():
    """Left and right images of the same patients, nearly alike: a short interval."""
    generator, patient = np.random.default_rng(5), np.arange(200)
    positive = np.tile([True, False], 100)
    skill = generator.normal(size=200) + 1.5 * positive
    one, other = skill + 0.1 * generator.normal(size=(2, 1, 200))
    left, right = (auc_of_scores(each, positive, patient) for each in (one, other))
    strangers = auc_of_scores(other, positive, patient + 1000)
    assert left.correlation(right) > 0.9
    assert left.correlation(strangers) == 0
    near, far = (difference_of_groups(left, other)[0] for other in (right, strangers))
    assert near.high - near.low < 0.4 * (far.high - far.low)


@pytest.mark.slow
def test_a_part_is_compared_with_all_other_cases_and_corrected_over_all_columns():
    half = np.where(np.arange(520) // 2 % 4 < 2, "east", "west")
    third = np.array(["a", "b", "c"])[np.arange(520) // 2 % 3]
    strength = np.where(half == "east", 4.0, 0.5)
    known = scenario(120, 400)
    signal = strength * (known.label - 0.5) + np.random.default_rng(0).normal(size=520)
    found = run(known, signal=signal, site=half, room=third)
    east, west = found[:2]
    difference, other = (one.differences.get(figure="roc_auc") for one in (east, west))
    assert difference.p_holm == other.p_holm < 0.01
    assert difference.value == pytest.approx(
        east.figures.find(figure="roc_auc").value - west.figures.find(figure="roc_auc").value
    )
    tests = 3 + 3 * 3  # of two sites one against the other; of three rooms each against the rest
    every = [one for part in found for one in part.differences.rows]
    raw = {one.p for one in every if one.p is not None}
    assert len(raw) == tests
    smallest = min(one.p_holm for one in every if one.p_holm is not None)
    assert smallest == pytest.approx(tests * min(raw))
