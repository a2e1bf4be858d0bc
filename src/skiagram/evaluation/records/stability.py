"""How much figures move with the patients and with the seed."""

from dataclasses import dataclass, field

from skiagram.evaluation.records.estimate import Estimate


@dataclass(frozen=True)
class VarianceSplit:
    """Where the variance of a single fit's AUC on the reported cases comes from.

    Attributes:
        patients: Variance over draws of patients, the seed held fixed.
        seed: Variance over seeds, the patients held fixed.
        both: What neither explains alone: seeds that order other patients well.
    """

    patients: float
    seed: float
    both: float


@dataclass(frozen=True)
class ChosenFeature:
    """A feature that some fits kept.

    Attributes:
        feature: Its name.
        share: Share of the fits that kept it.
    """

    feature: str
    share: float


@dataclass(frozen=True)
class FeatureSelection:
    """Which features the fits of the folds kept.

    Attributes:
        agreement: How alike the choices are, corrected for chance: 1 the same in every fit, 0 as if
            drawn at random.
        fits: Number of fits that chose.
        features: Number of features to choose from.
        kept: Mean number of features that a fit kept.
        most_chosen: Up to ten features, the most often chosen first.
    """

    agreement: Estimate
    fits: int
    features: int
    kept: float
    most_chosen: tuple[ChosenFeature, ...]


@dataclass(frozen=True)
class Stability:
    """How much a model's AUC moves when the data or the seed change.

    Attributes:
        fold_auc: Out-of-fold AUC of each fold, repeat after repeat.
        fold_mean: Mean with the Nadeau–Bengio corrected interval.
        fold_sd: Standard deviation over folds.
        seed_auc: AUC of the reported part for each repeat.
        seed_sd: Standard deviation over repeats; None with a single repeat.
        training_gap: Mean training AUC minus mean out-of-fold AUC (over- and underfitting).
        variance: The reported AUC's variance by source; None with a single repeat, or when not
            binary.
        flips: Chance that two repeats name different classes for a case; None with a single repeat.
        selection: Which features the folds' fits kept; None for a model that chooses none.
    """

    fold_auc: tuple[float, ...]
    fold_mean: Estimate
    fold_sd: float | None
    seed_auc: tuple[float, ...]
    seed_sd: float | None
    training_gap: Estimate
    variance: VarianceSplit | None = None
    flips: Estimate | None = None
    selection: FeatureSelection | None = None


@dataclass(frozen=True)
class Ranking:
    """Whether the order of the models by AUC holds.

    Attributes:
        concordance: Kendall's W of the folds as judges of the models: 1 the same order in every
            fold, 0 none; its p value tests that there is no agreement.
        p: That p value; None where W cannot be computed.
        folds: Number of folds that judged.
        mean_rank: Model → mean rank over the folds, 1 the highest AUC, ties shared.
        first: Model → share of patient resamples of the reported cases in which its AUC is highest.
    """

    concordance: Estimate
    p: float | None
    folds: int
    mean_rank: dict[str, float] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)
