"""Data sets of rows: a finding of the audit that stops a run stops their rows."""

import pytest

from skiagram.errors import AuditStop
from skiagram.sweeps.data import audit_data
from tests.datasets.sources import balanced, ingested, noise
from tests.sweeps.small_phantom import small_place

pytestmark = pytest.mark.slow


def test_a_copy_on_both_sides_stops_the_rows_and_says_what_to_do(tmp_path):
    images = noise(8)
    images[7] = images[0]  # of the test set and of the training images
    ingested(balanced(images=images), tmp_path / "data")
    with pytest.raises(AuditStop, match=r"duplicates.*waive it in the data set's config"):
        audit_data(small_place(tmp_path), tmp_path / "data")


def test_sound_data_pass_and_are_audited_once(tmp_path):
    ingested(balanced(), tmp_path / "data")
    workspace, data = small_place(tmp_path), tmp_path / "data"
    assert audit_data(workspace, data).empty
    assert audit_data(workspace, data).empty
    assert len([*workspace.context.require_store().folder.glob("audited-*")]) == 1
