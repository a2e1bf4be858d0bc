"""Twins across the two sides, and labels that contradict each other."""

import numpy as np
import pandas as pd

from skiagram.evaluation.reference import reference
from skiagram.evaluation.twins import label_conflicts, twins
from tests.evaluation.scenario import scenario


def pairs(*rows: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["first", "second"])


def test_only_twins_among_development_cases_count() -> None:
    known = scenario(development=6, test=4, images=1)
    reported = reference(known.cases.test(), known.task, known.sealed)
    found = twins(
        reported,
        known.cases,
        pairs(
            ("case-0001", "case-0006"),
            ("case-0008", "case-0009"),  # both sealed
            ("case-0002", "case-0003"),  # both development
        ),
    )
    assert found.tolist() == [True, False, False, False]


def test_under_cross_validation_only_another_patient_counts() -> None:
    known = scenario(development=8, test=0, images=2, design="cv")
    reported = reference(known.cases, known.task, known.sealed)
    found = twins(
        reported, known.cases, pairs(("case-0000", "case-0001"), ("case-0002", "case-0005"))
    )
    assert np.flatnonzero(found).tolist() == [2, 5]


def test_contradicting_labels_are_counted() -> None:
    label = {"a": 0, "b": 1, "c": 1}
    assert label_conflicts(label, pairs(("a", "b"), ("b", "c"))) == 1
