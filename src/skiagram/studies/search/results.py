"""What the search found and what it spent, as plain records."""

from dataclasses import dataclass, field
from typing import Any, Literal

from skiagram.evaluation.results import Estimate
from skiagram.studies.results import CrossValidatedDataSet, StudiedModel

End = Literal["finished", "pruned", "failed"]


@dataclass(frozen=True)
class Trial:
    """One set of values.

    Attributes:
        number: Number of the trial; 0 has the values of the option file.
        values: Option → value.
        fold_auc: AUC of each fold that was fitted, in the order of the folds.
        end: `finished`; `pruned` when it lay too low after some folds; `failed`.
        reason: Why it failed; else empty.
    """

    number: int
    values: dict[str, Any]
    fold_auc: tuple[float, ...]
    end: End
    reason: str = ""


@dataclass(frozen=True)
class NestedEstimate:
    """The search itself, judged on patients that it never saw.

    Attributes:
        default: AUC with the values of the option file, mean over outer folds.
        tuned: AUC with the values that a search within each outer fold's training cases found.
        gain: Tuned minus default, paired by outer fold.
        values: What the search of each outer fold chose.
        fits: Fits made for it.
    """

    default: Estimate
    tuned: Estimate
    gain: Estimate
    values: tuple[dict[str, Any], ...]
    fits: int


@dataclass(frozen=True)
class SearchedModel(StudiedModel):
    """One model's search.

    Attributes:
        trials: All trials in the order of their numbers.
        best: Number of the best finished trial; None where none finished.
        default: AUC of the first trial over the folds.
        tuned: AUC of the best trial over the folds that chose it: optimistic.
        gain: Tuned minus default, paired by fold: optimistic.
        nested: The estimate on patients that the search never saw; None where not asked for.
        option_file: The model's option file with the best trial's values.
    """

    trials: tuple[Trial, ...]
    best: int | None
    default: Estimate
    tuned: Estimate
    gain: Estimate
    nested: NestedEstimate | None
    option_file: str


@dataclass(frozen=True)
class SearchResult(CrossValidatedDataSet):
    """What the study found on one data set.

    Attributes:
        budget: Trials of every model.
        outer: Outer folds of the nested estimate; None without one.
        models: One per model.
        processor_seconds: Model → seconds that each of its trials took, as measured on the
            machine that fitted it; the one figure here that another machine changes.
    """

    budget: int
    outer: int | None
    models: tuple[SearchedModel, ...]
    processor_seconds: dict[str, tuple[float, ...]] = field(default_factory=dict)
