"""Sites that models were tested on without having seen them, and what the next site may give.

Either each site was left out in turn (`fold_column` under `cv`), or whole sites are the test set.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from skiagram.arrays import Texts
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
    by_site = _measure_by_site(arms, site, least)
    # What has a figure of each site: the arms, and the difference of the two that are compared.
    compared = [(arm, "") for arm in arms]
    if {*pair} <= set(arms):
        first, second = pair
        compared.append((first, second))
        for figures in by_site.values():
            figures[first, second] = figures[first, ""] - figures[second, ""]
    # How many are left out, then each site, then the summary over sites.
    row = partial(make_row, analysis=SITES)
    rows = [row(len(np.unique(site)) - len(by_site), figure="left_out")]
    for name, figures in by_site.items():
        patients = setting.cases.select(site == name).patients_by_class()
        rows += [
            row(count, figure=patients_of(label), group=name) for label, count in patients.items()
        ]
        at = partial(row, figure=setting.task.predicted.primary, group=name)
        for arm, versus in compared:
            rows.append(at(figures[arm, versus].estimate(), model=arm, versus=versus))
    for arm, versus in compared:
        # A difference lies between those of the limits of both arms.
        scales = [figures[arm, ""].scale for figures in by_site.values()]
        low, high = LIMITS[scales[0]] if scales else (-np.inf, np.inf)
        limits = (low - high, high - low) if versus else (low, high)
        of_sites = [figures[arm, versus] for figures in by_site.values()]
        for title, estimate in summarise_sites(of_sites, limits).items():
            rows.append(row(estimate, figure=title, model=arm, versus=versus))
    return tuple(rows)


def _measure_by_site(
    arms: Mapping[str, ComparedModel], site: Texts, least: int
) -> dict[str, dict[tuple[str, str], Linearised]]:
    """Measure the figure of each arm on those sites that are large enough for all of them.

    Args:
        site: (n,) of the cases.

    Returns:
        Site → arm, held against nothing → its figure; none where a site leaves one undefined.
    """
    placed: dict[tuple[str, str], ComparedModel] = {}
    for name in np.unique(site).tolist():
        models = {arm: model.select(site == name) for arm, model in arms.items()}
        # Where one fit of each repeat scored the site, no training sets overlap in its figure.
        for arm, model in models.items():
            if model.scored.has_one_fit:
                models[arm] = replace(model, scored=replace(model.scored, folds=0))
        if all(
            np.isfinite(model.figure.value) and model.figure.fewest_patients >= max(least, 2)
            for model in models.values()
        ):
            placed |= {(name, arm): model for arm, model in models.items()}
    # Of several findings those count that all of these sites define.
    alike = measure_alike([*placed.values()])
    if not all(np.isfinite(figure.value) for figure in alike):
        return {}
    by_site: dict[str, dict[tuple[str, str], Linearised]] = {}
    for (name, arm), figure in zip(placed, alike, strict=True):
        by_site.setdefault(name, {})[arm, ""] = figure
    return by_site


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
