"""All comparisons of a run: primary, secondary, asked for, trivial, and the order of the models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from skiagram.evaluation.comparison.asked import asked
from skiagram.evaluation.comparison.contenders import Contender, compared_auc
from skiagram.evaluation.comparison.detectable import detectable_difference
from skiagram.evaluation.comparison.family import compare, secondary
from skiagram.evaluation.comparison.trivial import against_trivial, trivial_words
from skiagram.evaluation.records.comparison import AgainstTrivial
from skiagram.evaluation.records.stability import Ranking
from skiagram.evaluation.results import Comparison, Estimate, ModelResult
from skiagram.evaluation.stability.ranks import ranking


@dataclass(frozen=True)
class Contest:
    """What is compared and by which choices.

    Attributes:
        results: Model → its figures, failed ones too.
        contenders: Model that was trained → what is compared.
        best: Arm → name of its best model.
        trivial: Names of models that stand for trivial rules; those not in the run are ignored.
        pairs: Pairs that the options name.
        margin: Smallest AUC difference that counts.
    """

    results: Mapping[str, ModelResult]
    contenders: Mapping[str, Contender]
    best: Mapping[str, str]
    trivial: Sequence[str]
    pairs: Sequence[tuple[str, str]]
    margin: float


@dataclass(frozen=True)
class Compared:
    """What the comparisons gave; the fields are those of `Evaluation`."""

    primary: Comparison | None
    secondary: tuple[Comparison, ...]
    comparisons: tuple[Comparison, ...]
    detectable: Estimate | None
    ranking: Ranking | None
    trivial: tuple[AgainstTrivial, ...]
    trivial_words: dict[str, str]

    def unbeaten(self) -> tuple[str, ...]:
        """Return what is said of the models that do not beat every trivial rule."""
        losers = {one.model for one in self.trivial if not one.beaten}
        return tuple(words for model, words in self.trivial_words.items() if model in losers)


def compared(contest: Contest) -> Compared:
    """Make every comparison of a run.

    Raises:
        OptionError: A pair names a model that is not in the run, or one model twice.
    """
    best, contenders = contest.best, contest.contenders
    pair = (best["deep"], best["classical"]) if {"deep", "classical"} <= set(best) else None
    others = secondary(_by_selection(contest), pair, contenders, contest.margin)
    rules = [name for name in contest.trivial if name in contenders]
    trivial = against_trivial(best, rules, contest.results, contenders)
    return Compared(
        primary=compare(*pair, contenders, contest.margin) if pair else None,
        secondary=others,
        comparisons=asked(contest.pairs, list(contest.results), contenders, others, contest.margin),
        detectable=_detectable(contenders[pair[0]], contenders[pair[1]]) if pair else None,
        ranking=_ranking(contest),
        trivial=trivial,
        trivial_words=trivial_words(trivial, best, contest.results),
    )


def _detectable(one: Contender, other: Contender) -> Estimate:
    difference = compared_auc(one, other)
    if difference.estimate.value is None:
        return difference.estimate
    return detectable_difference(difference.variance, len(np.unique(one.cases.patient)))


def _by_selection(contest: Contest) -> list[str]:
    def worst_first(name: str) -> float:
        value = contest.results[name].selection_auc.value
        return -1.0 if value is None else value

    return sorted(contest.contenders, key=worst_first, reverse=True)


def _ranking(contest: Contest) -> Ranking | None:
    """Rank the models that somebody trained."""
    chosen = {
        name: (one, np.array(result.stability.fold_auc))
        for name, one in contest.contenders.items()
        if (result := contest.results[name]).stability and result.outcome.arm != "reader"
    }
    if len(chosen) < 2:
        return None
    folds = {name: values for name, (_, values) in chosen.items()}
    return ranking(folds, {name: one.resampled_auc for name, (one, _) in chosen.items()})
