"""Cases with what is true of them and what models that never saw them say: what figures are of."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from skiagram.arrays import Flags, Floats, Whole


@dataclass
class ScoredCases:
    """Cases with what is true of them and what one model says, repeat after repeat.

    Attributes:
        label: (n,).
        value: (n,) in the outcome's unit, or (n, findings) states; of classes the label.
        patient: (n,) from 0.
        score: (repeats, n) what orders the cases of one fit, higher = more of what is predicted;
            (repeats, n, scores) where a model gives several.
        estimate: (repeats, n, columns) what the calibration makes of scores; of classes
            probabilities, whose rows sum to 1.
        fit: (repeats, n) which fit scored a case: only cases of one fit are ranked against each
            other, as scores of two share no scale.
        folds: Fits of each repeat whose training sets overlap; 0 where one fit scored all cases.
        threshold: (repeats, n), or one for all, on the positive class's probability; NaN for none.
        repeats: How many trainings.
        has_one_fit: Whether one fit of each repeat scored all cases.
        fits: The (n,) fits of each repeat; None where one scored all cases.
    """

    label: Whole
    value: Floats
    patient: Whole
    score: Floats
    estimate: Floats
    fit: Whole
    folds: int = 0
    threshold: Floats = field(default_factory=lambda: np.full((1, 1), np.nan))

    def __len__(self) -> int:
        """Count the cases."""
        return len(self.label)

    def __post_init__(self) -> None:
        """Find within which fits cases may be ranked against each other."""
        self.repeats = len(self.score)
        self.has_one_fit = bool((self.fit == self.fit[:, :1]).all())
        self.fits: Sequence[Whole | None] = [None] * self.repeats
        if not self.has_one_fit:
            self.fits = list(self.fit)

    @property
    def decided(self) -> Whole:
        """Return (repeats, n) the most probable class, where classes are told apart."""
        named: Whole = self.estimate.argmax(axis=2)
        return named

    def select(self, rows: Flags) -> "ScoredCases":
        """Select some cases; patients are numbered anew.

        Args:
            rows: (n,) which cases.
        """
        return ScoredCases(
            self.label[rows],
            self.value[rows],
            np.unique(self.patient[rows], return_inverse=True)[1].astype(np.int64),
            self.score[:, rows],
            self.estimate[:, rows],
            self.fit[:, rows],
            self.folds,
            np.broadcast_to(self.threshold, self.fit.shape)[:, rows],
        )
