"""Labels are dealt out again among whole patients, however unequal these are."""

import numpy as np

from skiagram.statistics.permutation import permute_by_patient


def test_each_patient_gets_the_labels_of_one_other():
    sizes = np.random.default_rng(0).geometric(0.2, 60)
    patient = np.repeat(np.arange(60), sizes)
    label = (patient % 2).astype(np.int64)
    shuffled = np.random.default_rng(1).permutation(len(patient))  # rows need no order
    patient, label = patient[shuffled], label[shuffled]
    seen = set()
    for seed in range(20):
        dealt = permute_by_patient(label, patient, np.random.default_rng(seed), 1)[:, 0]
        of_patient = [set(dealt[patient == one].tolist()) for one in range(60)]
        assert all(len(labels) == 1 for labels in of_patient)
        assert sum(1 in labels for labels in of_patient) == 30
        seen.add(tuple(dealt.tolist()))
    assert len(seen) == 20


def test_patients_of_equal_numbers_swap_their_labels_as_they_are():
    patient = np.repeat(np.arange(8), 3)
    label = np.arange(24)  # each image its own label: what is dealt can be followed
    dealt = permute_by_patient(label, patient, np.random.default_rng(2), 1)[:, 0]
    assert sorted(dealt.tolist()) == label.tolist()
    assert all(len(set((dealt[patient == one] // 3).tolist())) == 1 for one in range(8))
