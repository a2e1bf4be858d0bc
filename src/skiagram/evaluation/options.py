"""What a user may ask of every model beyond the figures that are always there."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.finding.marks import HitRule
from skiagram.strict import STRICT, OneOrMore, ShareBetween

DEFAULT_MARGIN = 0.02
DEFAULT_HIT = HitRule(rule="distance", minimum=8.0, overlap=0.2)
DeepArm = Literal["either", "networks", "encoders"]


@dataclass(**STRICT)
class OperatingTarget:
    """What a threshold is to keep on out-of-fold scores."""

    aim: Literal["sensitivity", "specificity"]
    level: ShareBetween


@dataclass(**STRICT)
class RequestedAnalyses:
    """What is asked.

    Attributes:
        operating_points: Thresholds to judge decisions at.
        prevalence: Share of positives where the model would be used; predictive values are also
            given at it. None asks nothing.
        simple_rules: Models that stand for simple baselines, where they are in the run: an arm
            must beat them, and they are never the best of one.
        thresholds: Risks from which a clinician would act; net benefit is compared at each.
        least_patients: Patients below which no figure or count of a subgroup is shown, and no text
            is named among what differs between the sides; 1 shows all.
    """

    operating_points: tuple[OperatingTarget, ...]
    prevalence: ShareBetween | None
    simple_rules: tuple[str, ...]
    thresholds: tuple[ShareBetween, ...] = ()
    least_patients: OneOrMore = 5


@dataclass(**STRICT)
class EvaluationOptions:
    """How an evaluation is made, besides what it is made of.

    Attributes:
        margin: Smallest difference in AUC, or in the figure of merit of finding, that counts as
            worthwhile.
        replicates: Resamples of the bootstrap by patient.
        analyses: What is asked beyond the figures that are always there.
        deep_arm: What is compared with the classical models: `networks`, frozen `encoders`, or
            `either`: the better of the two by scores that the test labels do not enter.
        hit: When a mark hits a lesion.
        preferred: Models of classes that stand for an arm which is compared with none, unless the
            selection AUC of another is better by more than .05. The choice among many by few
            patients is mostly luck.
        left_out_networks: Those that a run had no time to train; the report names them.
    """

    margin: Annotated[float, Field(gt=0, lt=0.5)]
    replicates: Annotated[int, Field(ge=100)]
    analyses: RequestedAnalyses
    deep_arm: DeepArm
    hit: HitRule
    preferred: tuple[str, ...] = Field(default=(), kw_only=True)
    left_out_networks: tuple[str, ...] = Field(default=(), kw_only=True)


NO_REQUESTS = RequestedAnalyses(operating_points=(), prevalence=None, simple_rules=())
DEFAULTS = EvaluationOptions(
    margin=DEFAULT_MARGIN,
    replicates=2000,
    analyses=NO_REQUESTS,
    deep_arm="either",
    hit=DEFAULT_HIT,
)
