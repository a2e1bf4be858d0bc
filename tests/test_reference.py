"""The reference pages are built from the code, and say what it says."""

import json
import re
from collections import Counter
from itertools import chain

import numpy as np
import pytest
from pydantic import ValidationError

from make_reference.__main__ import main as build_pages
from make_reference.markup import type_name
from make_reference.metrics_page import MetricsFile, schemas
from make_reference.pages import PROJECT, families
from skiagram.case_features.covariates import Covariates
from skiagram.case_features.earlier import Earlier
from skiagram.case_features.measured import Measured
from skiagram.evaluation.evaluate import evaluate
from skiagram.evaluation.metrics import estimate_metrics
from skiagram.evaluation.options import DEFAULTS
from skiagram.features.glcm import Several
from skiagram.fitting.cross_validation import Plan
from skiagram.report.write import headline_figures
from skiagram.statistics.bootstrap import draw_patients
from skiagram.statistics.discrimination import score_difference
from skiagram.tasks.classes import CLASS_FIGURE
from tests.evaluation.scenario import evaluated, finished, reference, scenario, scored
from tests.models.classical.families import model
from tests.tasks.cohort import make_cases, make_findings, make_grades, make_numbers, train_all
from tests.yaml_rows import load_yaml

DOCUMENTATION = PROJECT / "docs"
FAMILIES = {
    name: family
    for name, family in families(PROJECT).items()
    if not isinstance(family, Covariates | Earlier | Measured)
}


MANY_COLUMNS = pytest.param("perturbed", marks=pytest.mark.slow)


@pytest.mark.parametrize("name", [*sorted(FAMILIES.keys() - {"perturbed"}), MANY_COLUMNS])
def test_every_column_has_exactly_one_complete_definition(name):
    columns, known = FAMILIES[name].names(), FAMILIES[name].definitions()
    found = [[column for column in columns if one.fits(column)] for one in known]
    assert all(found)
    assert Counter(chain(*found)) == Counter(columns)
    for one in known:
        assert all((one.meaning, one.formula, one.unit, one.range)), one.name


@pytest.mark.parametrize("n_classes", [2, 3])
def test_every_figure_is_explained_with_its_interval(n_classes):
    generator = np.random.default_rng(0)
    label = np.arange(60) % n_classes
    probability = generator.dirichlet(np.ones(n_classes), (1, 60))
    positive = 1 if n_classes == 2 else None
    cases = reference(label, classes=tuple(map(str, range(n_classes))))
    order = None if positive is None else score_difference(probability, positive)
    model = scored(cases, probability, order, 0.5)
    draws = draw_patients(cases.patient, 20, 100, 0)
    for name, found in estimate_metrics(model, draws).items():
        metric = CLASS_FIGURE[name]
        more = metric.interval_of_more_classes if positive is None else ""
        assert found.method.startswith(more or metric.interval), name


def test_the_figures_of_a_run_fit_their_schema():
    known = scenario()
    models = [finished(known, "svm"), finished(known, "small_cnn", arm="deep", seed=1)]
    MetricsFile.model_validate(headline_figures(evaluated(known, models)))
    schema = json.loads(schemas()["metrics.schema.json"])
    of_classes, _ = schema["additionalProperties"]["anyOf"]
    assert set(of_classes["propertyNames"]["enum"]) == {
        "roc_auc", "balanced_accuracy", "selection_auc", "figure_of_merit", "mean_sensitivity",
        "sensitivity_at_1_false_mark", "selection_sensitivity",
    }  # fmt: skip


@pytest.mark.parametrize("make", [make_cases, make_numbers, make_grades, make_findings])
def test_the_figures_of_every_outcome_fit_the_schema(make, tmp_path):
    inputs = train_all(tmp_path, make(), {"forest": model("logistic_regression")})
    evaluation = evaluate(inputs, DEFAULTS, seed=0)
    written = headline_figures(evaluation)
    MetricsFile.model_validate(written)
    assert f"selection_{evaluation.primary}" in written["forest"]


@pytest.mark.parametrize(
    "wrong", ['{"svm": {"roc_auc": 1.2}}', '{"svm": {"area": 0.5}}', '{"svm": {"roc_auc": null}}']
)
def test_the_schema_refuses_what_is_no_figure(wrong):
    with pytest.raises(ValidationError):
        MetricsFile.model_validate_json(wrong)


def test_the_schema_of_the_record_explains_every_field():
    schema = json.loads(schemas()["evaluation.schema.json"])
    for record in (schema, *schema["$defs"].values()):
        assert record["description"]
    for name, field in schema["$defs"]["ModelResult"]["properties"].items():
        assert field["description"], name


@pytest.mark.slow
def test_all_pages_are_built_and_their_links_lead_somewhere(tmp_path):
    assert build_pages(tmp_path) == 0
    named = {"command-line.md", "features.md", "metrics.md", "options.md"}
    assert {path.name for path in tmp_path.iterdir()} == named | schemas().keys()
    for name in named:
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert text.startswith("<!-- Built by `make reference`")
        for link in re.findall(r"\]\((?!https?:)([^)#\s]+)", text):
            at_hand = (DOCUMENTATION / "reference" / link).resolve()
            assert at_hand.exists() or (tmp_path / link).exists(), link
    assert "`C`" in (tmp_path / "options.md").read_text(encoding="utf-8")


def test_types_are_told_in_words():
    assert type_name(Several) == "list of at least 1 whole number ≥ 1 and ≤ 64"
    assert type_name(Plan.__annotations__["validation_fraction"]) == "number > 0 and ≤ 0.5"


def test_every_output_of_the_pipeline_is_described():
    page = (DOCUMENTATION / "reference" / "artefacts.md").read_text(encoding="utf-8")
    stages = load_yaml(PROJECT / "dvc.yaml")["stages"]
    written = [one for stage in stages.values() for one in stage["outs"] + stage.get("metrics", [])]
    for one in written:
        name = one if isinstance(one, str) else next(iter(one))
        shown = re.sub(r"\$\{item\.(\w+)\}", r"<\1>", name)
        assert f"`{shown}" in page, name
