"""Cases of tests, as ingest leaves them."""

import numpy as np

from skiagram.tasks.cases import SEALED, Cases


def make_cases(label, split="train", patient=None, value=None, name="case-{:06d}"):
    """Return cases of one part or of a part each, a patient each where none are named.

    Labels of test cases are under seal.
    """
    label = np.asarray(label)
    split = np.broadcast_to(split, label.shape).copy()
    case_id = np.array([name.format(at) for at in range(len(label))])
    patient = case_id if patient is None else np.asarray(patient)
    return Cases(case_id, patient, split, np.where(split == "test", SEALED, label), value)
