"""Subgroups by any column: the cut, the figures, the warnings, and what is not shown."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from skiagram.errors import DataError
from skiagram.evaluation.evaluation_set import assemble_evaluation_set
from skiagram.evaluation.results import CASES, SUBGROUPS, patients_of
from skiagram.evaluation.scores import align_scores
from skiagram.evaluation.subgroups import (
    Subgroup,
    hidden_parts,
    measure_subgroups,
    rare_texts,
    split_by_value,
)
from tests.evaluation.scenario import Scenario, evaluated, finished, scenario


def run(known: Scenario, covariates: pd.DataFrame, least: int = 5) -> tuple[Subgroup, ...]:
    none = pd.DataFrame({"first": [], "second": []})
    given = (known.cases, known.task, known.sealed, None, none, 0, 100, covariates)
    setting = assemble_evaluation_set(*given)
    scores = align_scores(finished(known, "svm"), setting.part, setting.cases)
    return measure_subgroups(scores, setting, least)


def table(known: Scenario, **columns: object) -> pd.DataFrame:
    return pd.DataFrame({"case_id": known.cases.case_id, **columns})


def test_each_value_has_the_figures_of_its_cases() -> None:
    known = scenario(120, 200)
    site = np.where(np.arange(320) // 2 % 5 < 2, "east", "west")
    shuffled = table(known, site=site).sample(frac=1, random_state=0)
    east, west = run(known, shuffled)
    assert (east.column, east.value, east.cases) == ("site", "east", 80)
    rows = finished(known, "svm").part("test")
    score = (rows["score_1"] - rows["score_0"]).to_numpy()
    for one in (east, west):
        own = site[120:] == one.value
        expected = roc_auc_score(known.label[120:][own], score[own])
        assert one.metrics["roc_auc"].value == pytest.approx(expected)
        assert set(one.metrics) == {"roc_auc", "sensitivity", "specificity"}
        assert sum(one.patients.values()) == own.sum() / 2


def test_the_evaluation_has_a_part_s_figures_and_numbers_as_rows() -> None:
    known = scenario(120, 200)
    site = np.where(np.arange(320) // 2 % 5 < 2, "east", "west")
    found = evaluated(known, [finished(known, "svm")], covariates=table(known, site=site))
    east = run(known, table(known, site=site))[0]
    assert [part.name for part in found.models[0].parts] == ["site: east", "site: west"]
    rows = found.table.select(analysis=SUBGROUPS, model="svm", group="site: east", versus="")
    assert rows.find(figure=CASES).value == east.cases
    assert rows.find(figure=patients_of("abnormal")).value == east.patients["abnormal"]
    assert rows.find(figure="sensitivity").low == east.metrics["sensitivity"].low


def test_texts_of_few_patients_are_one_part_without_their_names() -> None:
    known = scenario(120, 200)
    room = np.where(np.arange(320) < 300, "usual", "ZZTEST north")
    room[306:314], room[314:] = "ZZTEST east", "ZZTEST west"
    usual, rare = run(known, table(known, room=room))
    assert (usual.value, rare.value, rare.cases) == ("usual", rare_texts(5), 20)
    numbers = pd.Series([1, 2, 2, 2, 2, 2])
    patient = np.arange(6)
    assert [value for value, _ in split_by_value(numbers, patient)] == ["1", "2"]


@pytest.mark.slow
def test_a_part_of_few_patients_is_hidden_with_its_name_and_counts() -> None:
    known = scenario(120, 200)
    columns = table(known, film=np.where(np.arange(320) < 304, "digital", "ZZTEST analogue"))
    digital, hidden = run(known, columns)
    assert (digital.value, digital.cases) == ("digital", 184)
    assert not digital.differences  # with its own figure they would tell the hidden one
    assert hidden == Subgroup("film", hidden_parts(5), 0, {}, {})
    shown = run(known, columns, least=1)[0]
    assert (shown.value, shown.cases) == ("ZZTEST analogue", 16)
    assert shown.patients == {"normal": 4, "abnormal": 4}
    assert set(shown.differences) == {"roc_auc", "sensitivity", "specificity"}


def test_one_class_of_few_patients_hides_the_part() -> None:
    known = scenario(120, 200)
    age = np.where((np.arange(320) >= 200) & (known.label == 1), "old", "young")
    age[-4:] = "old"  # one patient of each class
    values = [one.value for one in run(known, table(known, age=age))]
    assert values == ["young", hidden_parts(5)]


def test_numbers_are_cut_at_tertiles_and_the_unknown_come_last() -> None:
    age = pd.Series([*np.arange(30.0), np.nan, np.nan])
    found = dict(split_by_value(age))
    assert list(found) == ["≤ 9.66667", "> 9.66667 to 19.3333", "> 19.3333", "not known"]
    assert [int(rows.sum()) for rows in found.values()] == [10, 10, 10, 2]
    assert np.sum(list(found.values()), axis=0).tolist() == [1] * 32


def test_few_numbers_and_flags_are_values() -> None:
    assert [value for value, _ in split_by_value(pd.Series([2, 1, 2, 1]))] == ["1", "2"]
    assert [value for value, _ in split_by_value(pd.Series([True, False, True]))] == [
        "False",
        "True",
    ]


def test_too_many_values_are_not_looked_at() -> None:
    known = scenario(120, 200)
    (found,) = run(known, table(known, hospital=[f"h{k}" for k in range(320)]))
    assert (found.value, found.metrics) == ("200 values", {})
    assert "more than 12 different values" in found.warning


def test_cases_without_a_row_are_refused() -> None:
    known = scenario()
    with pytest.raises(DataError, match="covariates: 1 case ids are missing: case-0199"):
        run(known, table(known, age=np.arange(200.0)).iloc[:-1])
