"""The page of a time to an event is that of classes: what was found, and files beside it."""

import json
import re
from dataclasses import replace

import pandas as pd
import pytest

from skiagram.audit.findings import AuditReport
from skiagram.evaluation.evaluate import evaluate
from skiagram.evaluation.options import DEFAULTS, NO_REQUESTS
from skiagram.report.sections.models import list_as_text, list_below_table
from skiagram.report.write import OUTPUTS, write_results
from tests.report.examples_of_results import material
from tests.report.pages import Page
from tests.tasks.cohort import sealed_half, train_models

pytestmark = pytest.mark.slow
OPTIONS = replace(DEFAULTS, analyses=replace(NO_REQUESTS, simple_rules=("volume",)))
CHECKLISTS = "checklists/checklists.html"
AUDIT = AuditReport((), ("class counts",))


def as_network(outcome):
    encoder = {"title": "EfficientNet-Lite0", "licence": "Apache-2.0", "citation": "photographs"}
    options = {**outcome.options, "encoder": {"encoder": encoder}}
    return replace(outcome, arm="deep", title="Small network", options=options)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return the results of a sealed test set of times; do not change them."""
    root = tmp_path_factory.mktemp("project")
    inputs = sealed_half(train_models(root, net=None, noise=("noise",), volume=("volume",)))
    network, *others = inputs.models
    models = (replace(network, outcome=as_network(network.outcome)), *others)
    inputs = replace(inputs, models=models, card=replace(inputs.card, test_sites=()))
    evaluation = evaluate(inputs, OPTIONS, seed=0)
    shown = replace(material(), card=inputs.card, audit=AUDIT)
    write_results(evaluation, shown, inputs, root / "reports")
    assert any("C (Harrell)" in head for head in next(iter(list_as_text(evaluation, {}))))
    assert any("events" in note for note in list_below_table(evaluation))
    return root / "reports"


WORDS = """
    in C (Harrell)
    a network does better than classical features
    Probability (flat prior) of a gain
    Brier score gained
    at risk at
    high risk
    D-calibration
    jackknife
    not a medical device
    Licence of its weights: Apache-2.0
    Comparison with simple baselines
    Primary comparison
    Every model against every other
    not: Found, per 100
    not: False alarms
    not: Sensitivity
    not: onfusion matri
"""


def test_the_page_has_answer_figures_curves_and_numbers_at_risk(written):
    assert {path.name for path in written.iterdir()} == set(OUTPUTS)
    page = (written / "report.html").read_text()
    Page(page).check(WORDS)
    signed = r'Expected minus observed[^"]*">[+−]?0\.\d{3} <span class="interval">\(−0\.\d{3} to \+'
    assert re.search(signed, page)
    # answer and details; then risk groups, calibration and decision curve of arms and baseline
    assert page.count("<svg") >= 2 + 9
    assert str(written) not in page
    assert "C (Harrell) of the best of each arm" in (written / CHECKLISTS).read_text()


def test_figures_stand_in_files_too(written):
    figures = json.loads((written / "metrics.json").read_text())
    assert figures["net"]["concordance"] > figures["volume"]["concordance"]
    gap = figures["best_network_minus_baseline"]
    assert gap["low"] < gap["concordance"] < gap["high"]
    table = pd.read_csv(written / "plots/figures.csv")
    assert {"metrics", "primary", "simple_rules", "secondary"} <= set(table["analysis"])
