"""A phantom whose hidden nodule moves a time, a number or a grade; the best score is known.

The outcome draws a patient's value by whether the nodule is there. Given an image nothing tells
more of it than the chance of the nodule, which the ideal observer knows exactly.
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.datasets.contract import GroundTruth
from skiagram.seeding import stream
from skiagram.sources.phantom.source import OpenPhantom, Phantom
from skiagram.strict import STRICT
from skiagram.tasks.cases import DataCard
from skiagram.tasks.kinds import AnyOutcome


@dataclass(**STRICT)
class PhantomOutcome:
    """Options of the phantom.

    Attributes:
        phantom: The images; its classes are hidden.
        outcome: What is predicted.
        effect: How much the nodule counts for, in the unit that the outcome draws in.
    """

    positive_class: ClassVar[None] = None  # of a time, a number or a grade there is none

    phantom: Phantom
    outcome: Annotated[AnyOutcome, Field(union_mode="left_to_right")]
    effect: Annotated[float, Field(gt=0, le=10)]

    @property
    def classes(self) -> tuple[str, ...]:
        return self.outcome.classes

    def card(self) -> DataCard:
        return self.phantom.card()

    def open(self, root: Path | None) -> "OpenPhantomOutcome":
        return OpenPhantomOutcome(self)


class OpenPhantomOutcome(OpenPhantom):
    """Makes the images, and draws what is predicted, a value a patient."""

    def __init__(self, options: PhantomOutcome) -> None:
        """Draw the outcome of every patient from whether the hidden nodule is there.

        Args:
            options: Of the phantom and of its outcome.
        """
        super().__init__(options.phantom)
        self._outcome, self._effect = options.outcome, options.effect
        # The phantom's own classes, of which nothing but the image and the outcome tells.
        patients = options.phantom.patients
        hidden = np.arange(patients.train + patients.validation + patients.test) % 2 == 1
        generator = stream(options.phantom.seed, "outcome", options.outcome.kind)
        value, label = self._outcome.draw(hidden, self._effect, generator)
        # every image with the label and the value of its patient
        patient = [self.place(position)[0] for position in self.entries.index]
        self.entries = self.entries.assign(label=label[patient], value=[*value[patient]])

    def truth(self, position: int) -> GroundTruth:
        """Tell what is true of an image, with the score that no other is better than.

        The ratio of likelihoods is the odds of a nodule, as both classes are equally frequent; the
        best score of the outcome is a function of that chance. Log-ratios beyond ±500 stand for
        certainty; their exponentials would overflow.

        Args:
            position: Row of `entries`.
        """
        truth = super().truth(position)
        chance = 1 / (1 + np.exp(-np.clip([truth.ideal_score], -500, 500)))
        return replace(truth, ideal_score=float(self._outcome.best_score(chance, self._effect)[0]))
