"""Transformed copies in the audit: each kind of finding names its cases and what was done."""

import pytest

from skiagram.evaluation.evaluation_set import mark_near_duplicates
from tests.audit.planted import CARD, TASK, audit, clean_set
from tests.near_duplicates.tissue import wide_tissue

pytestmark = pytest.mark.slow


@pytest.fixture
def tissue():
    """Return the clean set with tissue instead of noise."""
    planted = clean_set()
    planted.images = list(wide_tissue(48)[:, 8:72, 8:72])
    return planted


def test_each_kind_of_finding_warns_and_names_its_cases_and_what_was_done(tissue, tmp_path):
    wide = wide_tissue(48)
    tissue.images[40] = wide[3, 9:73, 10:74]  # test, of train
    tissue.images[4] = tissue.images[2][:, ::-1].copy()  # the same label
    tissue.images[11] = wide[6, 12:68, 12:68].copy()  # another label
    tissue.images[14] = tissue.images[12].T.copy()  # of one patient: may be copies
    tissue.cases.patient_id[14] = tissue.cases.patient_id[12]
    findings = tissue.findings(tmp_path)
    told = {name: findings[name] for name in findings if name.startswith("transformed")}
    assert {name: (one.count, one.examples) for name, one in told.items()} == {
        "transformed_copies_across_splits": (1, ("case-000040 and case-000003",)),
        "transformed_copies_across_patients": (
            2,
            ("case-000002 and case-000004", "case-000006 and case-000011"),
        ),
        "transformed_copies_with_other_labels": (1, ("case-000006 and case-000011",)),
    }
    assert {one.severity for one in told.values()} == {"warning"}
    assert "shifted 1" in told["transformed_copies_across_splits"].summary
    assert "mirrored 1, cropped 1" in told["transformed_copies_across_patients"].summary


def test_a_transformed_copy_is_a_twin_that_figures_off_twins_leave_out(tissue, tmp_path):
    tissue.images[40] = -tissue.images[3]
    tissue.images[41] = tissue.images[5].copy()
    cases = tissue.cases
    _, table = audit([tissue.store(tmp_path)], cases, TASK, CARD)
    assert table["first"].tolist() == ["case-000003", "case-000005"]
    assert table["second"].tolist() == ["case-000040", "case-000041"]
    assert table["kind"].tolist() == ["inverted", "exact"]
    assert table["exact"].tolist() == [False, True]
    tested = cases.test().case_id
    marked = mark_near_duplicates(tested, cases, table)
    assert tested[marked].tolist() == ["case-000040", "case-000041"]
