"""What the study of robustness found, as plain records."""

from dataclasses import dataclass

from skiagram.evaluation.results import Estimate
from skiagram.studies.results import ReportedDataSet, StudiedModel


@dataclass(frozen=True)
class Figures:
    """One model on the reported cases under one condition.

    Attributes:
        auc: AUC.
        change: AUC minus that on the images as they are, paired by patient.
        sensitivity: At the threshold that clean held-out development cases fixed.
        specificity: At the same threshold.
        expected_to_observed: Expected over observed number of positives; 1 is perfect.
    """

    auc: Estimate
    change: Estimate
    sensitivity: Estimate
    specificity: Estimate
    expected_to_observed: Estimate


@dataclass(frozen=True)
class SeverityCurve:
    """One model under one corruption.

    Attributes:
        figures: At each amount, in ascending order.
        mean_change: Mean change in AUC over all amounts, paired by patient.
        holds_to: Greatest amount up to which each loss is surely below the margin; None where
            the first already is not.
        breaks_at: Least amount whose loss surely exceeds the margin; None where none does.
    """

    figures: tuple[Figures, ...]
    mean_change: Estimate
    holds_to: float | None
    breaks_at: float | None


@dataclass(frozen=True)
class CorruptionKind:
    """One corruption that was tried.

    Attributes:
        name: Its name among the options.
        title: Name for people.
        unit: What an amount counts.
        amounts: Amounts, ascending.
    """

    name: str
    title: str
    unit: str
    amounts: tuple[float, ...]


@dataclass(frozen=True)
class RobustnessModel(StudiedModel):
    """A model that may have failed.

    Attributes:
        reason: Why it has no figures; empty when it has.
    """

    reason: str


@dataclass(frozen=True)
class CorruptedModel(RobustnessModel):
    """One model under all corruptions of one data set.

    Attributes:
        clean: Figures on the images as they are; None after a failure.
        mean_change: Mean change in AUC over all corruptions and amounts.
        behind: The same minus that of the model that loses least; None for that one.
        curves: One per corruption; empty after a failure.
    """

    clean: Figures | None
    mean_change: Estimate
    behind: Estimate | None
    curves: tuple[SeverityCurve, ...]


@dataclass(frozen=True)
class CorruptedDataSet(ReportedDataSet):
    """All corruptions of one data set.

    Attributes:
        design: `holdout` or `cv`.
        models: One result per model.
    """

    design: str
    models: tuple[CorruptedModel, ...]


@dataclass(frozen=True)
class ShiftedModel(RobustnessModel):
    """One model on the cases of one source, trained with and without cases of that source.

    Attributes:
        own: Figures of training with cases of the source; None after a failure. Its change is 0.
        foreign: Figures of training without; its change is against `own`, paired by patient.
    """

    own: Figures | None
    foreign: Figures | None


@dataclass(frozen=True)
class SourceResult:
    """Models that meet one source they were not trained on.

    Attributes:
        source: Its name.
        cases: Its cases that were scored.
        patients: Their patients.
        own_training: Cases that a fit with the source was trained on, mean over fits.
        foreign_training: Cases that a fit without it was trained on.
        models: One result per model.
    """

    source: str
    cases: int
    patients: int
    own_training: int
    foreign_training: int
    models: tuple[ShiftedModel, ...]


@dataclass(frozen=True)
class ShiftResult:
    """One shift between sources.

    Attributes:
        title: Name of the data set that models were trained on, for people.
        kind: What tells the sources apart.
        sources: One result per source with enough patients of each class.
    """

    title: str
    kind: str
    sources: tuple[SourceResult, ...]


@dataclass(frozen=True)
class RobustnessResult:
    """What the study found.

    Attributes:
        margin: Smallest loss of AUC that counts.
        corruptions: What was tried, in the order of each model's curves.
        datasets: One result per data set.
        shifts: One result per shift.
    """

    margin: float
    corruptions: tuple[CorruptionKind, ...]
    datasets: tuple[CorruptedDataSet, ...]
    shifts: tuple[ShiftResult, ...]
