"""Case ids and labels that do not match are named, never mended."""

import numpy as np
import pandas as pd
import pytest

from skiagram.errors import DataError
from skiagram.evaluation.labelled_cases import label_cases
from skiagram.evaluation.warnings import warn_of_unequal_patients
from skiagram.statistics.variation import effective_patients
from tests.evaluation.scenario import reference, scenario


def test_the_seal_is_opened_by_id():
    known = scenario(images=2)
    shuffled = known.sealed.sample(frac=1, random_state=0)
    found = label_cases(known.cases.test(), known.task, shuffled)
    np.testing.assert_array_equal(found.label, known.label[known.cases.split == "test"])
    assert found.patients_by_class() == {"normal": 20, "abnormal": 20}


def test_selected_cases_keep_their_patients_apart():
    known = scenario(development=8, test=0, images=2, design="cv")
    whole = label_cases(known.cases, known.task, pd.DataFrame({"case_id": [], "label": []}))
    part = whole.select(np.array([False, False, True, True, True, False, False, False]))
    assert part.patient.tolist() == [0, 0, 1]
    with pytest.raises(DataError, match="first nobody"):
        whole.of(["case-0001", "nobody"], "scores")


def test_few_patients_with_most_cases_are_warned_of_by_their_weight():
    patient = np.concatenate([np.arange(20), np.repeat(np.arange(20, 24), [27, 1, 1, 1])])
    label = (np.arange(50) >= 20).astype(np.int64)
    cases = reference(label, patient)
    (words,) = warn_of_unequal_patients(cases)
    assert effective_patients(patient[label == 1]) == pytest.approx(900 / 732)
    assert "class abnormal: its 4 patients carry the information of about 1 with" in words
    assert not list(warn_of_unequal_patients(reference(label, np.arange(50) // 2)))
    assert cases.draws(2, 0).degrees == 1
    assert reference(label).draws(2, 0).degrees == np.inf
