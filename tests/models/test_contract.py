"""What every model with a config promises; a new one is found by its file alone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from skiagram.errors import ModelFailure
from skiagram.fitting.contract import (
    NO_REQUIREMENTS,
    FitContext,
    FittedFinder,
    Requirements,
)
from skiagram.models.learner import learner_of
from skiagram.records.feature_table import FeatureTable
from tests.models.classical.families import EVERY, OPTION_FILES, cohort, model, read_options
from tests.stand_ins import CPU
from tests.tasks.cohort import labelled, make_cases, make_findings, make_grades, make_numbers

SEED = 2**32 - 1
MADE = {"time": make_cases, "number": make_numbers, "grade": make_grades, "findings": make_findings}
# Of every family that a config names; the first case column of each tells the outcome.
COLUMNS = (
    *("acquisition_width", "covariates_age", "encoding_0", "glcm_contrast", "first_order_maximum"),
    *("morphology_volume_mesh", "permuted.glcm_contrast", "wavelet_energy", "glcm_empty"),
)
TARGETS = {path.stem: read_options(path.stem)["_target_"] for path in OPTION_FILES.glob("*.yaml")}
FINDERS = sorted(name for name, target in TARGETS.items() if "finder" in target)
NETWORKS = sorted(
    name for name, target in TARGETS.items() if ".deep." in target and "finder" not in target
)


def cases_of(kind):
    """Return cases of a kind of outcome: cells of a column are empty, and all of the last."""
    cases = cohort(2) if kind == "class" else labelled(MADE[kind]())
    noise = np.random.default_rng(0).normal(0, 0.3, (len(cases), len(COLUMNS)))
    signal = cases.label if kind == "class" else cases.inputs.values[:, 0]  # noqa: PD011
    values = (noise + signal[:, None]).astype(np.float32)
    values[::7, 1] = np.nan
    values[:, -1] = np.nan
    return replace(cases, inputs=FeatureTable(cases.case_id, COLUMNS, values))


def chooses_by_classes(name):
    """Return whether an option of a classical model has a meaning for classes alone."""
    selection = model(name).selection
    return selection is not None and selection.method != "variance"


def prepared(name, what, folder):
    """Return a model that is fitted in no time, and cases with what it reads of them."""
    if name in EVERY:
        few = {"n_estimators": 6} if "n_estimators" in read_options(name) else {}
        return model(name, **few), cases_of(what)
    if name in NETWORKS:
        from tests.models.deep.spots import SIDES, short_network, spots

        depth = 10 if what == "volumes" else None
        cases = spots(folder, 12, 3, side=SIDES.get(name, 16), depth=depth)
        return short_network(name, epochs=1), cases
    if "classical" in TARGETS[name]:
        from tests.models.classical.test_finder import labelled as films
        from tests.models.classical.test_fused_finder import both

        return model(name, apart=15.0), films(*both(folder))
    from tests.models.deep.test_finders import blobs, learner

    depth = 12 if name.endswith("3d") else None
    return learner(name.removesuffix("_3d"), depth, steps=3), blobs(folder, 12, depth)


MODELS = [
    *(
        pytest.param(name, kind, marks=pytest.mark.slow)
        for name in EVERY
        for kind in model(name).tasks
        if kind == "class" or not chooses_by_classes(name)
    ),
    *(
        pytest.param(name, what, marks=pytest.mark.slow)
        for name in NETWORKS
        for what in {"cnn_3d": ["volumes"], "recurrent": ["images", "volumes"]}.get(
            name, ["images"]
        )
    ),
    *(pytest.param(name, "places", marks=pytest.mark.slow) for name in FINDERS),
]


@pytest.mark.filterwarnings("ignore:'pin_memory'")
@pytest.mark.parametrize(("name", "what"), MODELS)
def test_keeps_the_contract(name, what, tmp_path, monkeypatch):
    """Scores, costs, its folder, equal bytes of a second fit, and what cases may lack."""
    untrained, cases = prepared(name, what, tmp_path / "images")
    validation = cases if untrained.uses_validation else None
    context = FitContext(SEED, positive=1, validation=validation)
    fitted = untrained.fit(cases, context)
    scores, marks = fitted.scores_and_marks(cases.inputs)
    assert scores.shape == (len(cases), cases.predicted.scores)
    assert scores.dtype == np.float64
    assert np.isfinite(scores).all()
    assert fitted.summary.parameters > 0
    # A case has the same scores whichever others are scored with it.
    few = np.arange(0, len(cases), 3)
    alone = fitted.scores(cases.inputs.select(few))
    np.testing.assert_allclose(alone, scores[few], rtol=1e-4, atol=1e-5)
    # What is saved scores as before.
    fitted.save(tmp_path / "fitted")
    loaded = untrained.load(tmp_path / "fitted")
    np.testing.assert_array_equal(loaded.scores(cases.inputs), scores)
    loaded.save(tmp_path / "loaded")
    copies = ["loaded"]
    # A second fit, of a network from the batches that a GPU gets, is equal to the byte.
    if name not in EVERY:
        from skiagram.training import fit
        from skiagram.training.image_data import ImageData

        monkeypatch.setattr(fit, "ImageData", lambda *given: ImageData(*[*given[:5], True]))
        untrained.fit(cases, context).save(tmp_path / "again")
        copies.append("again")
    for file in (path for path in (tmp_path / "fitted").rglob("*") if path.is_file()):
        for folder in copies:
            same = tmp_path / folder / file.relative_to(tmp_path / "fitted")
            assert same.read_bytes() == file.read_bytes(), file.name
    if name in EVERY:
        check_classical(name, fitted, cases, scores)
    elif name in NETWORKS:
        check_network(fitted, what, tmp_path)
    else:
        check_finder(untrained, fitted, cases, marks)
        pd.testing.assert_frame_equal(loaded.find(cases.inputs), marks)


def check_classical(name, fitted, cases, scores):
    """It learns what a column tells, and scores new cases with more empty cells."""
    if not cases.predicted.has_value:
        assert roc_auc_score(cases.label, scores[:, 1] - scores[:, 0]) > 0.9
    elif name != "null_model":
        assert np.corrcoef(scores[:, 0], np.nanmean(cases.inputs.values, axis=1))[0, 1] > 0.8
    assert fitted.summary.images_seen == len(cases)
    emptier = cases.inputs.values.copy()  # noqa: PD011
    emptier[::2] = np.nan
    assert np.isfinite(fitted.scores(replace(cases.inputs, values=emptier))).all()


def check_network(fitted, what, folder):
    """It refuses images of another size, with other channels or axes."""
    from tests.models.deep.spots import spots

    assert fitted.summary.multiply_adds
    like = {"depth": 10 if what == "volumes" else None}
    others = [{"side": 36}, {"channels": 3}, {"depth": 5}]
    if what == "volumes":
        others = [{"side": 36}, {"depth": None}]
    for number, other in enumerate(others):
        images = spots(folder / f"unlike{number}", 2, **like | other)
        with pytest.raises(ModelFailure, match=r"case0000.*as in training"):
            fitted.scores(images.inputs)


def check_finder(untrained, fitted, cases, marks):
    """It reads no lesion of the cases that it scores, and learns nothing without any."""
    assert isinstance(fitted, FittedFinder)
    assert set(marks["case_id"]) <= set(cases.case_id)
    blind = replace(cases.inputs, marks=cases.inputs.marks.iloc[:0])
    pd.testing.assert_frame_equal(fitted.find(blind), marks)
    with pytest.raises(ModelFailure, match="lesion"):
        untrained.fit(replace(cases, inputs=blind), FitContext(SEED, positive=1))


def test_models_of_the_same_cases_require_what_any_of_them_does():
    first = Requirements(columns=("a", "b"), reads_other=True)
    second = Requirements(columns=("b", "c"), shape=(8, 9), batch=4, whole_machine=True)
    both = Requirements.join([first, second])
    assert both == Requirements(
        ("a", "b", "c"), (8, 9), reads_other=True, batch=4, whole_machine=True
    )
    assert Requirements.join([NO_REQUIREMENTS] * 2) == NO_REQUIREMENTS
    assert Requirements.join([first, Requirements(refuses_sites=True)]).refuses_sites


@pytest.mark.slow
def test_a_classical_model_needs_no_trainer_tuned_or_not():
    for name in ("svm", "tuned_svm"):
        untrained = model(name)
        assert learner_of(untrained, CPU, threads=1) is untrained
        assert untrained.finds_in is None
