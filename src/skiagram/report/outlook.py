"""What would change the answer: sentences made from the figures by fixed rules."""

from collections.abc import Iterator
from math import ceil

from skiagram.evaluation.results import Evaluation
from skiagram.report.design import WORDS
from skiagram.report.numbers import count, decimal, percent

_SURE = 0.8  # of resamples with one model first: below it the order of the models is open


def outlook(evaluation: Evaluation, patients_known: bool) -> tuple[str, ...]:
    """Return the sentences: patients, margin, trivial rules, seed, order of the models, limit.

    Args:
        evaluation: What was found.
        patients_known: False where groups of near duplicates stand in for patients.
    """
    return (
        *_more_patients(evaluation, "patients" if patients_known else "groups of look-alikes"),
        *_margin(evaluation),
        *evaluation.trivial_words.values(),
        *_commonest(evaluation),
        *_seed(evaluation),
        *_order(evaluation),
        *_limit(evaluation),
    )


def _more_patients(evaluation: Evaluation, people: str) -> Iterator[str]:
    """Tell what this many patients can show, and how many the margin would need.

    The variance of a difference falls as 1/n, so the number needed grows with the square of the
    ratio of the two differences.
    """
    found = evaluation.detectable
    if found is None or found.value is None:
        return
    reported = evaluation.patients["reported"]
    seen = (
        f"these {count(reported)} {people} show a true difference in AUC of {decimal(found.value)} "
        "with a chance of 80 %"
    )
    margin = decimal(evaluation.margin)
    if found.value <= evaluation.margin:
        yield f"More {people} would change little: {seen}, and {margin} is the least that counts."
        return
    needed = reported * (found.value / evaluation.margin) ** 2
    yield (
        f"More {people}: {seen} and mostly miss smaller ones. One of {margin}, set as worthwhile, "
        f"would take about {_rounded(needed)} like these."
    )


def _margin(evaluation: Evaluation) -> Iterator[str]:
    """Tell for which other margins the conclusion would be another."""
    found = evaluation.difference
    if found is None or found.low is None or found.high is None:
        return
    low, high, margin = found.low, found.high, evaluation.margin
    set_as = f"The margin of {decimal(margin)} is a choice"
    if low <= 0 <= high:
        widest = max(-low, high)
        verb = "already calls" if widest < margin else "would call"
        yield f"{set_as}: any above {decimal(widest)} {verb} the two equivalent on these cases."
        return
    least, most = sorted((abs(low), abs(high)))
    yield (
        f"{set_as}: the better of the two is ahead by a worthwhile amount for any margin below "
        f"{decimal(least)}, by less than that for any above {decimal(most)}, and between them it "
        "stays open."
    )


def _commonest(evaluation: Evaluation) -> Iterator[str]:
    share = evaluation.majority_accuracy
    if share is not None and share.value is not None:
        yield (
            "Naming every case as most development cases are would be right in "
            f"{percent(share.value)} of the reported cases; an accuracy near that is worth nothing."
        )


def _seed(evaluation: Evaluation) -> Iterator[str]:
    """Tell how much of the variance of the best network another seed would make."""
    best = evaluation.best.get("deep")
    for model in evaluation.models:
        if model.outcome.model != best or not model.stability or not model.stability.variance:
            continue
        parts = model.stability.variance
        whole = parts.patients + parts.seed + parts.both
        if whole > 0:
            yield (
                f"Of the variance of a single training of {model.outcome.title}, "
                f"{percent(parts.patients / whole)} comes from the patients, "
                f"{percent(parts.seed / whole)} from the seed and "
                f"{percent(parts.both / whole)} from both together."
            )


def _order(evaluation: Evaluation) -> Iterator[str]:
    """Tell where another draw of patients would put another model first."""
    if evaluation.ranking is None or not evaluation.ranking.first:
        return
    titles = {one.outcome.model: one.outcome.title for one in evaluation.models}
    leader, share = max(evaluation.ranking.first.items(), key=lambda item: item[1])
    chosen = leader in evaluation.best.values()
    if share >= _SURE and chosen:
        return
    words = (
        f"Among all models {titles[leader]} has the highest AUC in {percent(share)} of resamples "
        "of the reported patients"
    )
    if chosen:
        yield f"{words}: which model is best is not settled."
    else:
        sealed = ", so that no sealed label had a say" if evaluation.part == "test" else ""
        yield (
            f"{words}, but it was not {WORDS[evaluation.task.design].chosen}; the comparison above "
            f"is between those that were{sealed}."
        )


def _limit(evaluation: Evaluation) -> Iterator[str]:
    ideal = evaluation.ideal
    known = [
        one.metrics["roc_auc"].value
        for one in evaluation.models
        if one.outcome.model in evaluation.best.values() and "roc_auc" in one.metrics
    ]
    reached = [value for value in known if value is not None]
    if ideal is None or ideal.value is None or not reached:
        return
    left = ideal.value - max(reached)
    if left > evaluation.margin:
        yield (
            f"The ideal observer is still {decimal(left)} ahead of the better of the two: other "
            "features, other networks or more training cases have that much to gain."
        )


def _rounded(patients: float) -> str:
    """Return two digits, upwards: the third of such a number means nothing."""
    step = 10 ** max(0, len(str(int(patients))) - 2)
    return count(float(ceil(patients / step) * step))


def prevalence_words(evaluation: Evaluation) -> str:
    """Say how common the condition is here and what that means elsewhere; empty when not binary."""
    positive = evaluation.task.positive
    if positive is None:
        return ""
    name = evaluation.task.classes[positive]
    counts = evaluation.cases["reported"]
    total = sum(counts.values())
    if not total:
        return ""
    share = percent(counts.get(name, 0) / total)
    return (
        f"Here {share} of the reported cases are {name}. Where it is rarer, a larger part of the "
        "alarms is false, whatever the AUC."
    )
