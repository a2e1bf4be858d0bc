"""What evaluation found, as plain records; the report and the tracker read nothing else.

The choices and the verdict; the figures of each model are in `results`, and all that is compared
are rows of `figure_table`.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from skiagram.evaluation.figure_table import FigureRow, FigureTable
from skiagram.evaluation.options import DEFAULT_MARGIN
from skiagram.evaluation.results import LIMIT, METRICS, FinderResult, ModelResult
from skiagram.finding.marks import HitRule
from skiagram.records.predictions import Outcome
from skiagram.statistics.estimate import Estimate
from skiagram.tasks.task import Task


@dataclass(frozen=True)
class ArmChoice:
    """What stands for an arm in the primary comparison.

    Under `holdout` it is one model, chosen on out-of-fold scores of the development set. Under
    `cv` it is a procedure: in each outer fold the model whose inner folds gave the highest AUC, so
    that no case takes part in choosing the model that scores it.

    Attributes:
        model: The model that was chosen; where folds chose different ones, the name of their
            mixture, which is one of `Evaluation.mixtures`.
        chosen: Model → in how many choices it was chosen, the most often chosen first.
        choices: Number of choices: 1 under `holdout`, a fold of each repeat under `cv`.
    """

    model: str
    chosen: dict[str, int]
    choices: int


VERSUS_CHANCE = "prevalence"  # chance in `versus`: every case has the same probability
PRIMARY, SECONDARY = "primary", "secondary"
ARM_PAIRS, SIMPLE_BASELINES = "arm_pairs", "simple_rules"
PARTS = "parts"  # an analysis: the primary pair by each finding
FINDING, FINDING_BASELINES = "finding", "finding_rules"
MERIT, MEAN_SENSITIVITY = "figure_of_merit", "mean_sensitivity"
SHIFTS, DOMAIN = "shifts", "domain"
SHARES, NUMBERS, FEATURES = "shares", "numbers", "features"  # that may differ between the sides
DEVELOPMENT = "development"  # a group: development cases, each as no fit saw it
PROBABILITIES = ("above_margin", "within_margin", "below_margin")
OFF_NEAR_DUPLICATES = "off_near_duplicates"  # a group: cases without a near duplicate
ARMS, IDEAL_OBSERVER = "arms", "ideal observer"
MAJORITY = "majority"  # naming every case as most development cases are
EXTERNAL = "external"  # analysis: models on another cohort beside what they did at home
ARM_WORDS = {  # what a model of an arm is called in a sentence
    "deep": "network",
    "encoder": "frozen encoder",
    "classical": "classical model",
    "combined": "combination",
    "either": "deep model",
}


@dataclass(frozen=True)
class FindingEvaluation:
    """Lesions searched for, by all models that leave marks.

    Attributes:
        rule: When a mark hits a lesion.
        unit: Of distances: `mm`, or `pixels` where the spacing is unknown.
        variant: `JAFROC`: against the highest false mark of each normal image; `JAFROC1`: of each
            image, where none is normal. Lesions of an image share one weight.
        lesions: Lesions of the test images whose place is known.
        images: Images that were searched and count.
        normal: How many of them have no lesion.
        unplaced: Positive images without a known place, left out: marks on them cannot be judged.
        near_duplicates: Images left out as a near duplicate is in the development set.
        ceiling: Share of the development lesions that any proposed place reaches; None without
            proposed places.
        finders: A result a model, in the order of params.yaml.
        arms: Arm → what stands for it, chosen among detectors by the mean sensitivity on the
            development set.
        chosen: Arm → model → in how many choices it was chosen.
        contender: What stands against the classical detectors, a key of `arms`.
        ideal: The ideal observer on generated data; its figure of merit is the most that is
            possible, the AUC of whole images.
    """

    rule: HitRule
    unit: Literal["mm", "pixels"]
    variant: Literal["JAFROC", "JAFROC1"]
    lesions: int
    images: int
    normal: int
    unplaced: int
    near_duplicates: int
    ceiling: float | None
    finders: tuple[FinderResult, ...]
    arms: dict[str, FinderResult] = field(default_factory=dict)
    chosen: dict[str, dict[str, int]] = field(default_factory=dict)
    contender: str = "deep"
    ideal: FinderResult | None = None

    @property
    def every(self) -> tuple[FinderResult, ...]:
        """The detectors, what stands for each arm, and the ideal observer."""
        return (*self.finders, *self.arms.values(), *([self.ideal] if self.ideal else []))

    @property
    def hit_words(self) -> str:
        """The rule of a hit in words."""
        if self.rule.rule == "overlap":
            return f"their circles or balls share at least {self.rule.overlap:g} of their union"
        return (
            f"its centre lies within the lesion’s radius, or within {self.rule.minimum:g} "
            f"{self.unit} of a smaller one’s centre"
        )


Decision = Literal["yes", "no", "open", "none"]
DECISION_WORDS: dict[Decision, str] = {
    "yes": "yes",
    "no": "no",
    "open": "inconclusive",  # files and `decision` of Python keep the name `open`
    "none": "none",
}


@dataclass(frozen=True)
class Verdict:
    """What to do, and why.

    Attributes:
        decision: Whether to use a network; `none` where the run cannot say.
        headline: The decision in words.
        openings: What must be known before anything else.
        reasons: Why: figures, interval, probabilities.
    """

    decision: Decision
    headline: str
    openings: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All of it as one paragraph."""
        return " ".join((self.headline, *self.openings, *self.reasons))


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """All that was found of a run, whatever its task.

    Attributes:
        task: What is predicted.
        cases: `development` and `reported` → class name → number of cases.
        patients: `development` and `reported` → number of patients.
        near_duplicates: Test cases with a near duplicate or transformed copy in development.
        models: One result per model, in the order of params.yaml.
        facts: (name, number) of what a reader must know of the test cases besides, for example
            the number of events; empty where classes are told apart.
        mixtures: Under `cv` what stands for an arm whose folds chose different models: in each fold
            the model that was chosen there, measured as a model is.
        warnings: What a reader must know (leaks, failures, few cases), one sentence each.
        margin: Smallest difference in the primary figure that counts as worthwhile in the verdict.
        label_conflicts: Pairs of near duplicates or transformed copies whose classes differ.
        prevalence: The prevalence that predictive values are also given at, as the user stated it.
        arms: Arm → what stands for it in the primary comparison; `either` where the contender is
            a network in some folds and a frozen encoder in others.
        answer: The verdict, made from the figures by fixed rules: the decision first, then what it
            rests on.
        patients_known: False where groups of near duplicates stand in for patients, or, of columns
            of scores, each case does.
        test_sites: Sites that only the test cases come from; empty where none was held out.
        figures: Rows of the run as a whole. `primary` is the one test named before the reported
            labels are looked at, of what stands for two arms; `arm_pairs` are those of all arms
            besides, `simple_rules` each arm against chance (`prevalence`) and each simple baseline,
            `parts` the primary pair by each of several findings, `secondary` all other pairs of
            models. The group `off_near_duplicates` is what the verdict follows where cases have
            near duplicates.
            `arms` has the primary figure of what stands for each arm, and that by which it was
            chosen: under `cv` the mean over the outer folds, each of the inner folds of the model
            that was chosen there. `shifts` are test against out-of-fold figures; `domain` says how
            well a classifier tells the test set from the development set, `shares`, `numbers` and
            `features` what differs. `limit` is what an ideal observer reaches on generated data,
            `sites` and `external` are other sites and another cohort. Of classes besides:
            `majority` is the accuracy of naming every case as most development cases are; `finding`
            is the primary comparison of detectors, `finding_rules` their contender against each
            simple baseline which leaves marks, and against a detector which marks nothing,
            `prevalence`, whose figure of merit is ½; `utility`, which is there once more
            without near duplicates (`utility_off_near_duplicates`), and `readers`.
        site_column: Column of the sites that models were tested on without having seen them; empty
            where no site was held out whole, or no column names the sites.
        contender: What stands against the classical models, a key of `arms`: networks, frozen
            encoders, or `either`; of columns of scores the first.
        opponent: What it stands against, a key of `arms`; of columns of scores the second.
        finding: Where lesions are searched for; None where no model leaves marks.
        left_out_networks: Those that a run had no time to train, by the names of their configs.
    """

    task: Task
    cases: dict[str, dict[str, int]]
    patients: dict[str, int]
    near_duplicates: int
    models: tuple[ModelResult, ...]
    facts: tuple[tuple[str, str], ...] = ()
    mixtures: tuple[ModelResult, ...] = ()
    warnings: tuple[str, ...] = ()
    margin: float = DEFAULT_MARGIN
    label_conflicts: int = 0
    prevalence: float | None = None
    arms: dict[str, ArmChoice] = field(default_factory=dict)
    answer: Verdict = Verdict("none", "")
    patients_known: bool = True
    test_sites: tuple[str, ...] = ()
    figures: FigureTable = field(default_factory=FigureTable)
    site_column: str = ""
    contender: str = "deep"
    opponent: str = "classical"
    finding: FindingEvaluation | None = None
    left_out_networks: tuple[str, ...] = ()

    @property
    def every(self) -> tuple[ModelResult, ...]:
        """The models and the mixtures."""
        return (*self.models, *self.mixtures)

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """How the training of each model ended, and of each mixture."""
        return tuple(model.outcome for model in self.every)

    @property
    def titles(self) -> dict[str, str]:
        """The title of every model and mixture."""
        return {outcome.model: outcome.title for outcome in self.outcomes}

    @cached_property
    def table(self) -> FigureTable:
        """The one long table: each model, mixture and detector, and the run as a whole."""
        tables = [model.figures for model in self.every]
        if self.finding is not None:
            tables += [finder.figures for finder in self.finding.every]
        return FigureTable(tuple(row for table in (*tables, self.figures) for row in table.rows))

    @property
    def primary(self) -> str:
        """The name of the figure that models are chosen and compared by."""
        return self.task.predicted.primary

    @property
    def off_copies(self) -> str:
        """The name of the primary figure without near duplicates."""
        return f"{self.primary}_{OFF_NEAR_DUPLICATES}"

    @property
    def events(self) -> str:
        """How many test cases had the event; empty where none is looked for."""
        return dict(self.facts).get("events", "")

    @property
    def best(self) -> dict[str, str]:
        """Arm → the model, or mixture, that stands for it."""
        return {arm: choice.model for arm, choice in self.arms.items() if arm != "either"}

    @property
    def verdict(self) -> str:
        """The answer in words."""
        return self.answer.text

    @property
    def difference(self) -> FigureRow | None:
        """The difference in the primary figure of the primary comparison, or None."""
        asked = {"analysis": PRIMARY, "figure": self.primary, "group": ""}
        return self.figures.get(**asked, versus=self.opponent)

    def direct(self, difference: FigureRow) -> FigureRow:
        """Return a difference in the primary figure such that above 0 the first is better."""
        return difference.negate() if self.task.predicted.lower_is_better else difference

    @property
    def simple_baselines(self) -> tuple[FigureRow, ...]:
        """Each arm against each simple baseline, on all test cases."""
        return self.figures.select(analysis=SIMPLE_BASELINES, group="").rows

    def pairs(self, analysis: str) -> tuple[FigureRow, ...]:
        """Return the differences in the primary figure of `arm_pairs` or `secondary`."""
        return self.figures.select(analysis=analysis, figure=self.primary).rows

    def find_result(self, model: str) -> ModelResult:
        """Find what was found of a model or a mixture."""
        return next(each for each in self.every if each.outcome.model == model)

    def above_chance(self, model: str, figure: str = "") -> Estimate:
        """Compute by how much a model's primary figure is above chance; above 0 is better.

        Chance is a number where the figure has one, else what the model without any feature
        reaches; where that was not trained, nothing is known.

        Args:
            model: Or mixture, by its name.
            figure: The primary one of other cases, such as `off_copies`; empty for that of all.
        """
        figure, chance = figure or self.primary, self.task.predicted.chance
        if chance is None:  # what the model without any feature reaches
            reached = self.table.find(
                analysis=METRICS, model=self.task.predicted.chance_model, figure=figure
            )
            chance = reached.value
        if chance is None:
            return Estimate(None, reason="it is not known what chance reaches")
        gap = self.find_result(model).find(figure).subtract(chance)
        return gap.negate() if self.task.predicted.lower_is_better else gap

    def gain_in_finding(self, figure: str) -> FigureRow | None:
        """Return the best contender minus the best classical detector; None without the two."""
        return self.figures.get(analysis=FINDING, figure=figure, versus="classical")

    def differences_of_sides(self, *analyses: str) -> tuple[FigureRow, ...]:
        """Return what is compared between test and development cases, test minus development."""
        compared = self.figures.select(versus=DEVELOPMENT).rows
        return tuple(row for row in compared if row.analysis in analyses)

    def values_of_sides(self, difference: FigureRow) -> tuple[float, float]:
        """Find what a difference is of: the figure of test and of the development set.

        Args:
            difference: As `differences_of_sides` lists it.
        """
        same = {"analysis": difference.analysis, "figure": difference.figure}
        same |= {"model": difference.model, "versus": ""}
        test_value, development_value = (
            self.figures.find(**same, group=side).value for side in ("", DEVELOPMENT)
        )
        return (test_value or 0.0, development_value or 0.0)

    @property
    def contender_words(self) -> str:
        """What the contender is called: `network` where no frozen encoder is in the run."""
        return self.words_of(self.contender)

    def words_of(self, contender: str) -> str:
        """Return what a contender is called."""
        beside_encoders = any(outcome.arm == "encoder" for outcome in self.outcomes)
        trained = "trained " if contender == "deep" and beside_encoders else ""
        return f"{trained}{ARM_WORDS.get(contender, contender)}"

    @property
    def ideal(self) -> FigureRow | None:
        """The primary figure of the ideal observer; None but on generated data."""
        return self.figures.get(analysis=LIMIT, figure=self.primary, model=IDEAL_OBSERVER)

    @property
    def majority_accuracy(self) -> FigureRow | None:
        """The accuracy of always naming the class that is commonest in development."""
        return self.figures.get(analysis=MAJORITY)

    @property
    def compared(self) -> tuple[str, str] | None:
        """The two columns of scores of any origin that are compared, the contender first.

        None in a run, in which no reader stands for an arm.
        """
        readers = {model.outcome.model for model in self.models if model.outcome.arm == "reader"}
        named = (self.best.get(self.contender, ""), self.best.get(self.opponent, ""))
        return named if readers.issuperset(named) else None

    @property
    def difference_words(self) -> str:
        """What `difference` is called, for example `network minus classical`."""
        if self.compared is not None:
            return " minus ".join(self.compared)
        return f"{self.contender_words} minus classical"

    @property
    def is_external(self) -> bool:
        """Whether the test cases are another cohort, which a finished project scored."""
        return bool(self.figures.select(analysis=EXTERNAL))
