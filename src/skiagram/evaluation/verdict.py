"""The answer in words, made from the figures by fixed rules."""

from collections.abc import Mapping

from skiagram.evaluation.reference import Reference
from skiagram.evaluation.results import Estimate, ModelResult
from skiagram.records import Design


def verdict(
    results: Mapping[str, ModelResult],
    best: Mapping[str, str],
    difference: Estimate | None,
    cases: Reference,
    design: Design,
    margin: float,
    patients_known: bool = True,
    detectable: Estimate | None = None,
) -> str:
    """Say whether the network is worth it here, by how much and how surely.

    Args:
        results: Model name → what was found.
        best: Arm → name of its best model.
        difference: AUC of the best network minus that of the best classical model.
        cases: The reported cases.
        design: The design of evaluation.
        margin: Smallest difference that counts as worthwhile.
        patients_known: False where groups of near duplicates stand in for patients.
        detectable: Smallest true difference that this comparison would find; named where none was.
    """
    where = _where(cases, design, patients_known)
    if difference is None:
        return f"No comparison {where}: {_missing_arm(results, best)}."
    if difference.value is None:
        return f"No comparison {where}: {difference.reason}."
    network, baseline = results[best["deep"]], results[best["classical"]]
    leaked = [one for one in (network, baseline) if one.leaked]
    if leaked:
        names = " and ".join(one.outcome.title for one in leaked)
        return (
            f"No verdict: {names} scored above the ideal observer, which is possible only "
            f"for a model that has seen the answers. Find the leak before reading any figure."
        )
    facts = (
        f"{where[0].upper()}{where[1:]}, the best network ({network.outcome.title}) has an AUC of "
        f"{_auc(network)} and the best classical model ({baseline.outcome.title}) {_auc(baseline)}"
    )
    gap = f"the difference is {signed(difference.value)}"
    if difference.low is None or difference.high is None:
        return f"{facts}; {gap}, of which nothing more can be said: {difference.method}."
    interval = f"95 % interval {signed(difference.low)} to {signed(difference.high)}"
    conclusion = _conclusion(difference.low, difference.high, margin)
    reach = _reach(detectable) if difference.low <= 0 <= difference.high else ""
    return f"{facts}; {gap} ({interval}). {conclusion}{reach}"


def signed(value: float) -> str:
    """Write a difference with its sign and a true minus, for example `+0.012`."""
    text = f"{value:+.3f}".replace("-", "−")
    return "0.000" if text in {"+0.000", "−0.000"} else text


def _conclusion(low: float, high: float, margin: float) -> str:
    """Turn an interval and a margin into one of the fixed conclusions."""
    if low > 0:
        return _better("network", low, high, margin)
    if high < 0:
        return _better("classical model", -high, -low, margin)
    worthwhile = f"the {margin:.3f} set as worthwhile"
    if -margin < low and high < margin:
        return f"The two are equivalent: any difference is smaller than {worthwhile}."
    if high < margin:
        return (
            f"The network is not worth it here: it gains at most {high:.3f}, less than "
            f"{worthwhile}, and may be up to {-low:.3f} worse."
        )
    if -margin < low:
        return (
            f"No advantage of the network was shown, nor is it excluded: it is at most {-low:.3f} "
            f"worse, less than {worthwhile}, and up to {high:.3f} better."
        )
    return (
        "No difference was shown, which is not the same as equality: the network may be anything "
        f"from {-low:.3f} worse to {high:.3f} better. More patients would narrow this."
    )


def _reach(detectable: Estimate | None) -> str:
    if detectable is None or detectable.value is None:
        return ""
    return (
        f" With this many patients a true difference of {detectable.value:.3f} would be found with "
        "a chance of 80 %."
    )


def _better(which: str, least: float, most: float, margin: float) -> str:
    if least > margin:
        rest = f"by more than the {margin:.3f} set as worthwhile"
    elif most < margin:
        rest = f"but by less than the {margin:.3f} set as worthwhile"
    else:
        rest = f"but whether by the {margin:.3f} set as worthwhile stays open"
    return f"The {which} is better, {rest}."


def _where(cases: Reference, design: Design, patients_known: bool) -> str:
    groups = int(cases.patient.max()) + 1
    kind = "sealed test cases" if design == "holdout" else "cases, cross-validated,"
    whose = "patients" if patients_known else "groups of look-alikes (no patient is identified)"
    return f"on these {len(cases)} {kind} of {groups} {whose}"


def _missing_arm(results: Mapping[str, ModelResult], best: Mapping[str, str]) -> str:
    reasons = []
    for arm, name in (("deep", "network"), ("classical", "classical model")):
        members = [one for one in results.values() if one.outcome.arm == arm]
        if arm not in best:
            reasons.append(f"no {name} " + ("could be scored" if members else "was asked for"))
    return " and ".join(reasons)


def _auc(result: ModelResult) -> str:
    value = result.metrics["roc_auc"].value
    return "–" if value is None else f"{value:.3f}"
