"""The choices of a run, as stages that read the whole run need them."""

from pydantic.dataclasses import dataclass

from skiagram.strict import STRICT, OneOrMore, ShareAboveZero, TwoOrMore, ZeroOrMore
from skiagram.tasks.choices import CalibrationMethod, Design


@dataclass(**STRICT)
class RunChoices:
    """What params.yaml chose.

    Attributes:
        dataset: Config of the data set.
        design: Design of evaluation.
        restoration: Config of the restoration.
        features: Configs of the feature families, comma-separated.
        baselines: Configs of the classical models.
        encoders: Configs of the frozen encoders that baselines may read.
        networks: Configs of the networks.
        combinations: Configs of the models made of others.
        repeats: Repeats of the plan.
        folds: Folds of the plan.
        fold_column: Covariate whose values are the folds; empty where folds are drawn.
        inner_folds: Folds inside each outer fold.
        calibration: How scores became probabilities.
        sensitivity: Sensitivity at which thresholds were set, on held-out cases.
        seed: The run's seed.
        upside_down: Whether networks also learn from images turned upside down.
    """

    dataset: str
    design: Design
    restoration: str
    features: str
    baselines: tuple[str, ...]
    encoders: tuple[str, ...]
    networks: tuple[str, ...]
    combinations: tuple[str, ...]
    repeats: OneOrMore
    folds: TwoOrMore
    fold_column: str
    inner_folds: TwoOrMore
    calibration: CalibrationMethod
    sensitivity: ShareAboveZero
    seed: ZeroOrMore
    upside_down: bool = False

    @property
    def trained(self) -> tuple[str, ...]:
        """The names of the models of all arms, baselines first."""
        return (*self.baselines, *self.networks)
