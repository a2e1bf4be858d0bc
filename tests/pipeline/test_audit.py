"""The audit stage: what a user meets when a finding stops the run, and how to go on."""

import pytest
import yaml

from skiagram.audit.findings import AuditReport
from skiagram.records.files import read_record
from tests.pipeline.project import source_arrays, write_source
from tests.yaml_rows import load_yaml

NAMES = ("exact_duplicates_across_splits", "near_duplicates_across_splits")


@pytest.mark.slow
def test_a_leak_stops_the_run_until_it_is_waived(project):
    """The first test image stands in the training split as well."""
    arrays = source_arrays()
    arrays["test_images"][0] = arrays["train_images"][5]
    write_source(project, arrays)
    project.stage("ingest", "dataset=tiny", code=0)
    outputs = project.folder / "data/audit"
    outputs.mkdir(parents=True)
    (outputs / "passed").write_text("left by an earlier run\n")
    stopped = project.stage("audit", code=3)
    assert not (outputs / "passed").exists()
    report = read_record(AuditReport, outputs / "findings.json")
    assert [finding.name for finding in report.stopping] == list(NAMES)

    assert stopped.stderr.splitlines()[-1] == f"audit: stopped the run for {', '.join(NAMES)}."
    option_file = project.folder / "conf/dataset/tiny.yaml"
    card = load_yaml(option_file)
    printed = stopped.stderr.partition("waived_findings:\n")[2].splitlines()[: len(NAMES)]
    card["waived_findings"] = yaml.safe_load("\n".join(printed))
    option_file.write_text(yaml.safe_dump(card))
    project.stage("ingest", "dataset=tiny", code=0)
    project.stage("audit", code=0)
    assert (outputs / "passed").exists()
