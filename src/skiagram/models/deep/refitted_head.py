"""A network whose last layer a classical model fits anew, on what enters it.

The network is trained as always, on the cases of one fit alone. Then its last layer is replaced by
a logistic regression or a linear support vector machine on the numbers that enter it, each scaled
to mean 0 and deviation 1; both are linear, so the result is a network like any other. The head sees
the training and the validation cases of that fit: fitted on those held aside alone, too few, it
did worse, and it has to be held back strongly, for the network knows its training cases.
(Kang et al. 2020, ICLR, §4; Kirichenko et al. 2023, ICLR.)
"""

from typing import Any, Literal, cast

import numpy as np
import torch
from pydantic.dataclasses import dataclass
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from torch import Tensor, nn

from skiagram.arrays import Floats, Whole
from skiagram.errors import refusal
from skiagram.fitting.contract import require_every_class
from skiagram.models.deep.backbone import OnBackbone
from skiagram.models.deep.contract import StartsFromCases
from skiagram.models.deep.layers import last_layer
from skiagram.strict import STRICT, AboveZero
from skiagram.training.classifier import Classifier
from skiagram.training.data import Examples

_ITERATIONS = 10_000


@dataclass(**STRICT)
class RefittedHead(OnBackbone):
    """Options of a network with a classical last layer.

    Attributes:
        head: `logistic` regression or a linear `svm`, with the class weights of the training.
        C: Of the head; smaller shrinks it more.
    """

    head: Literal["logistic", "svm"]
    C: AboveZero

    @property
    def title(self) -> str:
        head = {"logistic": "logistic regression", "svm": "support vector machine"}[self.head]
        return f"{self.network().title} under a {head}"

    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """Build the inner network, whose last layer is fitted anew at the end."""
        return self.network().build(shape, n_classes)

    def begin_from(self, classifier: Classifier, training: Examples) -> None:
        """Start the network as it starts by itself; an outcome without classes is refused.

        Raises:
            ModelFailure: What is predicted is no class.
        """
        # Without classes there is no classifier to fit.
        if training.label.ndim > 1 or last_layer(classifier).out_features == 1:
            raise refusal("models.head_without_classes", self.title)
        options = self.network()
        if isinstance(options, StartsFromCases):
            options.begin_from(classifier, training)

    def finish(self, classifier: Classifier, *fitted_on: Examples) -> None:
        """Fit the last layer anew, on all that the network was fitted on.

        Args:
            classifier: Trained; changed in place.
            fitted_on: Training and validation cases of the fit, shown as they are.

        Raises:
            ModelFailure: A class has no case.
        """
        # What enters the last layer, of all cases that the network was fitted on.
        layer = last_layer(classifier)
        parts = [entering(classifier, layer, part, self.training.batch_size) for part in fitted_on]
        numbers, label = np.concatenate(parts), np.concatenate([cases.label for cases in fitted_on])
        # Standardised, as the penalty weighs all numbers alike.
        scaled = StandardScaler().fit(numbers)
        options = {"C": self.C, "class_weight": self.training.class_weights}
        head = LogisticRegression(**options, max_iter=_ITERATIONS)
        if self.head == "svm":
            head = LinearSVC(**options, dual=False, max_iter=_ITERATIONS)
        weight, bias = fit_each_class(
            head, scaled.transform(numbers), label, layer.out_features, self.title
        )
        # The scaling goes into the weights: the layer reads the numbers as they are.
        weight = weight / scaled.scale_
        give_head(layer, weight, bias - weight @ scaled.mean_)


def fit_each_class(
    head: Any, numbers: Floats, label: Whole, n_classes: int, title: str
) -> tuple[Floats, Floats]:
    """Fit a linear classifier, and give it a row a class.

    Args:
        head: scikit-learn's, not fitted.
        numbers: (n, numbers) standardised.
        label: (n,) classes.
        n_classes: All of which need a case.
        title: Of the network, to be named.

    Returns:
        (n_classes, numbers) weights and (n_classes,) biases; of two classes half on either side.

    Raises:
        ModelFailure: A class has no case.
    """
    require_every_class(label, n_classes, title)
    head.fit(numbers, label)
    weight, bias = head.coef_, head.intercept_
    if len(weight) == 1:  # scikit-learn has a single row for two classes
        return np.vstack([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return weight, bias


def give_head(layer: nn.Linear, weight: Floats, bias: Floats) -> None:
    """Put weights and biases into a linear layer, in its own precision.

    Args:
        layer: Of n_classes outputs; changed in place.
        weight: (n_classes, numbers).
        bias: (n_classes,).
    """
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight))
        layer.bias.copy_(torch.from_numpy(bias))


def entering(classifier: Classifier, layer: nn.Module, cases: Examples, batch_size: int) -> Floats:
    """Compute what enters a layer when the cases are shown as they are.

    Args:
        classifier: Left in inference.
        layer: One of its layers.
        cases: To be shown.
        batch_size: Cases at once.

    Returns:
        (n, numbers) float64.
    """
    # What enters the layer is caught on its way.
    inputs_seen: list[Tensor] = []
    hook = layer.register_forward_pre_hook(
        lambda _, inputs: inputs_seen.append(inputs[0].cpu().double())
    )
    where = classifier.mean.device
    # Shown in order and in inference, so that nothing is dropped at random.
    try:
        with torch.inference_mode():
            classifier.eval()
            for start in range(0, len(cases), batch_size):
                rows = np.arange(start, min(start + batch_size, len(cases)))
                classifier(cases[rows].images.to(where))
    finally:
        hook.remove()
    return cast(Floats, torch.cat(inputs_seen).numpy())
