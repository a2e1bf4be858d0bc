"""The last layer is fitted anew on the fit's own cases; the result is a network like any other."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from skiagram.errors import ModelFailure, OptionError
from skiagram.models.deep.layers import last_layer
from skiagram.models.deep.refitted_head import RefittedHead, entering
from skiagram.training.classifier import Classifier
from skiagram.training.data import LabelledImages
from tests.models.deep.spots import SMALL_CNN, fit, spots, training

pytestmark = pytest.mark.slow

SMALL = SMALL_CNN | {"dropout": 0.5}


def options(head="logistic"):
    return RefittedHead(backbone=SMALL, head=head, C=0.1, training=training(epochs=2))


@pytest.mark.parametrize(("head", "n_classes"), [("logistic", 3), ("svm", 2)])
def test_scores_are_those_of_scikit_learn_on_what_enters_the_last_layer(tmp_path, n_classes, head):
    cases = spots(tmp_path / "images", 60, n_classes, noise=0.5)
    known, stopping, held_out = (
        cases.select(np.arange(*span)) for span in ((0, 36), (36, 48), (48, 60))
    )
    fitted = fit(options(head), known, stopping)
    classifier = fitted.classifier

    def numbers(rows):
        examples = LabelledImages(rows.inputs, rows.label, None)
        return entering(classifier, last_layer(classifier), examples, 16)

    estimator = LogisticRegression(C=0.1, max_iter=10_000, class_weight="balanced")
    if head == "svm":
        estimator = LinearSVC(C=0.1, dual=False, class_weight="balanced")
    reference = make_pipeline(StandardScaler(), estimator)
    own = np.concatenate([known.label, stopping.label])
    reference.fit(np.concatenate([numbers(known), numbers(stopping)]), own)
    expected = reference.decision_function(numbers(held_out))
    found = fitted.scores(held_out.inputs)
    if n_classes == 2:
        found = found @ [-1.0, 1.0]
    assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_only_the_last_layer_differs_from_the_network_itself(tmp_path):
    cases = spots(tmp_path / "images", 48)
    known, stopping = cases.select(np.arange(36)), cases.select(np.arange(36, 48))
    refitted, plain = (
        fit(one, known, stopping).classifier.state_dict()
        for one in (options(), options().network())
    )
    differing = [name for name in plain if not bool((plain[name] == refitted[name]).all())]
    assert differing == ["network.9.weight", "network.9.bias"]


@pytest.mark.parametrize(("columns", "outputs"), [(1, 1), (2, 1), (3, 3)])
def test_an_outcome_without_classes_is_refused_before_anything_is_trained(
    tmp_path, columns, outputs
):
    cases, chosen = spots(tmp_path / "images", 6), options()
    target = np.ones((6, columns), np.float32)  # of a number, of times and events, of findings
    classifier = Classifier(chosen.build((1, 16, 16), outputs), torch.zeros(1), torch.ones(1))
    with pytest.raises(ModelFailure, match=r"this outcome has none.*the network itself"):
        chosen.begin_from(classifier, LabelledImages(cases.inputs, target, None))


def test_the_name_says_both_and_a_network_on_a_table_is_refused():
    assert options("svm").title == "Small convolutional network under a support vector machine"
    fusion = {
        "_target_": "skiagram.models.deep.image_and_table.ImageAndTable",
        "columns": None,
        "backbone": SMALL,
        "hidden": 4,
        "dropout": 0.0,
    }
    with pytest.raises(OptionError, match="is not a network that reads only images"):
        RefittedHead(backbone=fusion, head="svm", C=0.1, training=training(epochs=2))
