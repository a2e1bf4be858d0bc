"""What is said of one model: importance of features, tested maps."""

from dataclasses import dataclass

from skiagram.explanation.trust import Location, MapTest, Method
from skiagram.statistics.estimate import Estimate

EXPLANATION = "explanation.json"
RELIANCE = "reliance.json"  # beside the scores of a classical model


@dataclass(frozen=True)
class FeatureReliance:
    """A feature with all that goes with it.

    Attributes:
        reordered: Share of the pairs of cases that the model orders otherwise once the feature and
            its relatives are exchanged between cases, in [0, 1]; about ½ if it uses nothing else.
    """

    feature: str
    relatives: tuple[str, ...]
    reordered: float


@dataclass(frozen=True)
class Reliance:
    """Which features the scores of a classical model rest on.

    Attributes:
        title: Of the model.
        cases: Between which values were exchanged.
        unseen: Whether the model learned from none of them.
        clusters: Groups of features that go together, of those that the model reads.
        used: How many of these change the order of any pair of cases.
        features: The first few of them, each by one feature.
    """

    title: str
    cases: int
    unseen: bool
    clusters: int
    used: int
    features: tuple[FeatureReliance, ...]


@dataclass(frozen=True)
class Loss:
    """A loss of AUC, judged in two ways."""

    over_folds: Estimate  # by training sets and held-out cases (Nadeau & Bengio 2003)
    over_patients: Estimate  # these fits given (DeLong, by patient)


@dataclass(frozen=True)
class Agreement:
    """How alike the importances of several fits rank the features, over all pairs of fits.

    Attributes:
        jaccard: Mean share of the first `top` features that two fits have in common.
        chance: The share in common of two random choices of that many.
    """

    spearman: float
    kendall: float
    jaccard: float
    least_spearman: float
    least_jaccard: float
    top: int
    chance: float


@dataclass(frozen=True)
class LocalEffect:
    """The accumulated local effect of one feature on the score, at its bins' edges; mean 0."""

    feature: str
    edge: tuple[float, ...]
    effect: tuple[float, ...]


@dataclass(frozen=True)
class GroupImportance:
    """A group of features, how many these are, and the AUC lost where it is permuted."""

    group: str
    features: int
    loss: Loss


@dataclass(frozen=True)
class FeatureImportance:
    """A feature with all that goes with it.

    Attributes:
        loss: AUC lost where its cluster is permuted.
    """

    feature: str
    relatives: tuple[str, ...]
    loss: Loss
    effects: tuple[LocalEffect, ...]


@dataclass(frozen=True)
class ModelCoefficient:
    """The weight of a feature in a linear model.

    Attributes:
        effect: Change of the score with one standard deviation of the feature.
        same_sign: Share of the resamples in which it has the same sign.
    """

    feature: str
    effect: Estimate
    same_sign: float


@dataclass(frozen=True)
class Contribution:
    """What one feature adds to the score of one case.

    Attributes:
        value: Shapley value; above 0 it speaks for the positive class.
    """

    feature: str
    value: float


@dataclass(frozen=True)
class Features:
    """What a model of features rests on.

    Attributes:
        features: The first few features, of those that go together only one.
        coefficients: The largest weights; empty where the score is no weighted sum.
        shapley: Feature → mean absolute Shapley value, the largest; empty where none are known.
    """

    families: tuple[GroupImportance, ...]
    features: tuple[FeatureImportance, ...]
    coefficients: tuple[ModelCoefficient, ...]
    resamples: int
    shapley: tuple[Contribution, ...]
    shapley_reason: str
    clusters: Agreement | None
    shapley_agreement: Agreement | None


@dataclass(frozen=True)
class MapExplanation:
    """One kind of map of one network.

    Attributes:
        reason: Why it is not defined; empty where it is.
    """

    method: Method
    title: str
    reason: str
    tests: tuple[MapTest, ...] = ()
    trustworthy: bool = False
    location: Location | None = None


@dataclass(frozen=True)
class Maps:
    """What a network looks at.

    Attributes:
        cases: Cases with maps.
        unchanged: Likeness from which on a map counts as unchanged by fresh weights.
        centre: Where the map that always points at the centre of what the network sees does; None
            without known regions.
        observer: Where the ideal observer of generated data points; None on others.
    """

    methods: tuple[MapExplanation, ...]
    cases: int
    unchanged: float
    centre: Location | None
    observer: Location | None


@dataclass(frozen=True)
class Blanking:
    """What is left of the AUC without a part of each image.

    Attributes:
        region: Loss where the region is blanked; in an image without one, that of another image.
    """

    region: Loss
    rest: Loss


@dataclass(frozen=True)
class Explanation:
    """What the scores of one model rest on.

    Attributes:
        positive: Class for which values above 0 speak.
        word: What a known region is; empty where none is known.
        fits: Fits of all repeats, each of which explains the cases that it did not see.
        difference: Largest difference of a score of these fits from what training said of the case;
            0 where they are the same fits.
        auc: Mean over fits, on the cases that each did not see.
        features: Of a model of features; None of others.
        maps: Of a network; None of others.
    """

    model: str
    title: str
    positive: str
    word: str
    cases: int
    patients: int
    repeats: int
    fits: int
    difference: float
    auc: Estimate
    blanking: Blanking | None
    features: Features | None
    maps: Maps | None
