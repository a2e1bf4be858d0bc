"""How captions speak of the two designs of evaluation."""

from dataclasses import dataclass

from skiagram.records import Design


@dataclass(frozen=True)
class DesignWords:
    """Parts of sentences.

    Attributes:
        reported: The cases that figures are on.
        chosen: How the best model of each arm was chosen.
        fixed_on: What thresholds, calibration and limits were set on.
        held_out: The cases that a threshold was fixed on.
        named: When the primary comparison was named.
    """

    reported: str
    chosen: str
    fixed_on: str
    held_out: str
    named: str


WORDS: dict[Design, DesignWords] = {
    "holdout": DesignWords(
        reported="the sealed test cases",
        chosen="chosen on development cases",
        fixed_on="out-of-fold scores of development cases",
        held_out="held-out development cases",
        named="before the labels were opened",
    ),
    "cv": DesignWords(
        reported="cases held out by cross-validation",
        chosen="chosen by inner folds",
        fixed_on="inner out-of-fold scores, within the training part of each fold",
        held_out="held-out cases of the training part of each fold",
        named="beforehand",
    ),
}
