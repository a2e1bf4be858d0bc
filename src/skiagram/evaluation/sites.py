"""Sites that models were tested on without having seen them, and what the next site may give.

Either each site was left out in turn (`fold_column` under `cv`), or whole sites are the test set.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from skiagram.evaluation.compared_model import ComparedModel, measure_alike
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.figure_table import FigureRow, make_row
from skiagram.evaluation.results import patients_of
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.linearised import LIMITS, TRANSFORMS, Linearised
from skiagram.statistics.random_effects import summarise_random_effects
from skiagram.statistics.variation import Z

SITES = "sites"


def study_sites(
    arms: Mapping[str, ComparedModel],
    setting: EvaluationSet,
    least: int,
    pair: tuple[str, ...],
) -> tuple[FigureRow, ...]:
    """Measure what stands for each arm on each site, and summarise over sites.

    Each site has its patients by class and the primary figure of each arm. The summary has the
    `mean` over sites like these, the `next_site`, where the figure of another such site lies with
    95 %, and the `spread`, the standard deviation of the true figure between sites.

    A site with fewer patients than `least` of the kind that limits the figure (a class, the event)
    has no figures of its own and no part in the summary. A figure is summarised on the scale of its
    interval, such as a chance on its logit, the difference as it is.

    Args:
        setting: The cases; of cases without sites nothing is returned.
        pair: The two arms whose difference is measured, where both are there.
    """
    if setting.site is None:
        return ()
    site = setting.site.to_numpy(dtype=str)
    # The figure of each arm on those sites that are large enough for all of them.
    names = np.unique(site).tolist()
    by_site: dict[str, list[ComparedModel]] = {}
    for name in names:
        models = [model.select(site == name) for model in arms.values()]
        # Where one fit of each repeat scored the site, no training sets overlap in its figure.
        by_site[name] = [
            replace(each, scored=replace(each.scored, folds=0)) if each.scored.has_one_fit else each
            for each in models
        ]
    shown = [
        name
        for name in names
        if arms
        and all(
            np.isfinite(model.figure.value) and model.figure.fewest_patients >= max(least, 2)
            for model in by_site[name]
        )
    ]
    # Of several findings those count that all of these sites define.
    alike = measure_alike([placed for name in shown for placed in by_site[name]])
    if not all(np.isfinite(figure.value) for figure in alike):
        shown, alike = [], []
    by_arm = {arm: alike[number :: len(arms)] for number, arm in enumerate(arms)}
    # What has a figure of each site: the arms, and the difference of the two that are compared.
    series = [(arm, "", figures) for arm, figures in by_arm.items()]
    if {*pair} <= set(by_arm):
        first, second = pair
        pairs = zip(by_arm[first], by_arm[second], strict=True)
        series.append((first, second, [one - other for one, other in pairs]))
    # How many are left out, then each site, then the summary over sites.
    predicted = setting.task.predicted
    row = partial(make_row, analysis=SITES)
    rows = [row(len(names) - len(shown), figure="left_out")]
    for number, name in enumerate(shown):
        patients = setting.cases.select(site == name).patients_by_class()
        rows += [
            row(count, figure=patients_of(label), group=name) for label, count in patients.items()
        ]
        for arm, versus, figures in series:
            at = partial(row, figure=predicted.primary, model=arm, versus=versus, group=name)
            rows.append(at(figures[number].estimate()))
    for arm, versus, figures in series:
        low, high = LIMITS[alike[0].scale] if alike else (-np.inf, np.inf)
        limits = (low - high, high - low) if versus else (low, high)
        for title, estimate in summarise_sites(figures, limits).items():
            rows.append(row(estimate, figure=title, model=arm, versus=versus))
    return tuple(rows)


def summarise_sites(
    figures: Sequence[Linearised], limits: tuple[float, float]
) -> dict[str, Estimate]:
    """Summarise the figures of sites on the scale of their intervals.

    They are summarised as they are where the figure of a site has no value on the scale.

    Args:
        limits: Between which figures lie.
    """
    if len(figures) < 2:
        reason = (
            "one site says nothing about the next" if len(figures) else "no site is large enough"
        )
        return dict.fromkeys(("mean", "next_site", "spread"), Estimate(None, reason=reason))
    # On the scale of the intervals, where every figure has a place on it.
    placed = [_place(figure) for figure in figures]
    values, variances = np.array(placed).T
    transform = TRANSFORMS.get(figures[0].scale)
    if transform is not None and all(transform.has(value) for value in values.tolist()):
        variances = variances * np.array([transform.slope(value) ** 2 for value in values.tolist()])
        values = np.array([transform.there(value) for value in values.tolist()])
    else:
        transform = None
    # A site without variance would get all of the weight.
    if not (variances > 0).all():
        reason = "the figure of a site does not vary between its cases"
        return dict.fromkeys(("mean", "next_site", "spread"), Estimate(None, reason=reason))

    def bounded(value: float, low: float, high: float, method: str) -> Estimate:
        if transform is not None:
            value, low, high = (float(transform.back(number)) for number in (value, low, high))
        return Estimate(value, max(limits[0], low), min(limits[1], high), method)

    # The mean of the sites, the next site, and the spread between them.
    effects = summarise_random_effects(values, variances)
    method = f"random effects over {len(values)} sites (Paule–Mandel, Hartung–Knapp)"
    following = Estimate(None, reason="two sites say nothing of where the next may lie")
    if effects.next_low is not None and effects.next_high is not None:
        way = (
            "prediction interval (Higgins, Thompson & Spiegelhalter 2009), spread on the wide side"
        )
        following = bounded(effects.mean, effects.next_low, effects.next_high, way)
    words = "" if transform is None else f"on {transform.title}"
    return {
        "mean": bounded(effects.mean, effects.low, effects.high, method),
        "next_site": following,
        "spread": Estimate(effects.between, method=words),
    }


def _place(figure: Linearised) -> tuple[float, float]:
    """Return the figure of a site and its variance, where it can be told.

    A figure with a bound counts, where no error or no variance is seen, as if half a patient of its
    rarer kind stood on the wrong side: its value on the scale would be infinite.
    """
    value, variance = figure.value, replace(figure, pair=None).variation.variance
    transform = TRANSFORMS.get(figure.scale)
    if figure.chance is not None and transform is not None:
        if variance == 0 or not transform.has(value):
            (origin, unit), size = figure.chance, figure.fewest_patients
            chance = ((value - origin) / unit * size + 0.5) / (size + 1)
            value, variance = origin + unit * chance, unit**2 * chance * (1 - chance) / size
    elif variance == 0:
        joined = figure.estimate()
        if joined.low is not None and joined.high is not None:
            variance = ((joined.high - joined.low) / (2 * Z)) ** 2
    return value, variance
