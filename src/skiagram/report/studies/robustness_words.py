"""What the study of robustness found, in words made by fixed rules."""

from collections.abc import Iterable, Sequence

from skiagram.evaluation.results import Estimate
from skiagram.report.numbers import decimal, difference
from skiagram.studies.robustness.results import (
    CorruptionKind,
    DataSetResult,
    ModelResult,
    RobustnessResult,
    ShiftedModel,
)


def ranked(found: DataSetResult) -> str:
    """Say which model loses least over all corruptions, and which is best all the same.

    A model with less to lose can lose least, so the highest mean AUC is told beside it.
    """
    trained = [one for one in found.models if one.clean]
    least = next((one for one in trained if one.behind is None), None)
    if least is None or least.clean is None:
        return "No model could be trained."
    words = (
        f"{least.title} loses least: over all corruptions and amounts its AUC of "
        f"{decimal(least.clean.auc.value)} changes by {difference(least.mean_change)} on average."
    )
    for one in trained:
        if one.behind is not None:
            words += (
                f" {one.title} changes by {difference(one.mean_change)}; {_behind(one.behind)}."
            )
    best = max(trained, key=_mean)
    return f"{words} The highest mean AUC is {decimal(_mean(best))}, that of {best.title}."


def _mean(model: ModelResult) -> float:
    return 0.0 if model.clean is None else _value(model.clean.auc) + _value(model.mean_change)


def _behind(behind: Estimate) -> str:
    sure = "sure" if (behind.high or 0.0) < 0 else "not sure"
    return f"the difference of {difference(behind)} is {sure}"


def endurance(model: ModelResult, result: RobustnessResult) -> str:
    """Say under which corruptions a model surely loses more than the margin, and from where on.

    A model breaks at the least amount whose whole interval lies beyond the margin, and holds under
    a corruption where at no amount the interval reaches it; everything else is open.
    """
    if model.clean is None:
        return f"could not be trained: {model.reason}"
    breaks, holds, unsure = [], [], []
    for kind, curve in zip(result.corruptions, model.curves, strict=True):
        title = _lower(kind)
        if curve.breaks_at is not None:
            breaks.append(f"{title} from {curve.breaks_at:g} on")
        elif curve.holds_to == kind.amounts[-1]:
            holds.append(title)
        else:
            unsure.append(title)
    parts = (("breaks under", breaks), ("holds under", holds), ("open under", unsure))
    return "; ".join(f"{what} {_listed(names)}" for what, names in parts if names) + "."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def threshold(model: ModelResult, result: RobustnessResult) -> str:
    """Say where the decisions of a model move most while its ranking may still hold.

    Looked at are the amounts whose loss of AUC is not surely beyond the margin: there a look at the
    AUC alone would miss it.
    """
    if model.clean is None:
        return f"could not be trained: {model.reason}"
    moves = [
        (abs(_value(now) - _value(before)), name, kind, amount, before, now, one.change)
        for kind, curve in zip(result.corruptions, model.curves, strict=True)
        for amount, one in zip(kind.amounts, curve.figures, strict=True)
        if (one.change.high or 0.0) >= -result.margin
        for name, before, now in (
            ("sensitivity", model.clean.sensitivity, one.sensitivity),
            ("specificity", model.clean.specificity, one.specificity),
        )
    ]
    if not moves:
        return "loses more than the margin wherever it was tried."
    _, name, kind, amount, before, now, change = max(moves, key=lambda move: move[0])
    return (
        f"{name} goes from {decimal(before.value)} to {decimal(now.value)} under "
        f"{_lower(kind)} of {amount:g}, where the AUC changes by {difference(change)}."
    )


def _lower(kind: CorruptionKind) -> str:
    return kind.title if kind.title.isupper() else kind.title.lower()


def _value(estimate: Estimate) -> float:
    return 0.0 if estimate.value is None else estimate.value


def shifted(models: Iterable[ShiftedModel], margin: float) -> list[str]:
    """Say what training without a source costs each model on the source's cases."""
    return [f"{one.title} {_cost(one, margin)}" for one in models]


def _cost(model: ShiftedModel, margin: float) -> str:
    if model.foreign is None:
        return f"could not be trained: {model.reason}"
    change = model.foreign.change
    low, high = change.low or 0.0, change.high or 0.0
    if high < -margin:
        verdict = "surely loses more than the margin"
    elif low > -margin:
        verdict = "surely loses less than the margin"
    elif high < 0:
        verdict = "surely loses, perhaps less than the margin"
    else:
        verdict = "may or may not lose more than the margin"
    return f"{verdict}: {difference(change)}."
