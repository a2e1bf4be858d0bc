"""Sites that models were tested on without having seen them, and what the next site may give.

Either each site was left out in turn (`fold_column` under `cv`), or whole sites are the test set.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtri

from skiagram.errors import DataError
from skiagram.evaluation.arm_selection import MeasuredRun, SelectedArm
from skiagram.evaluation.compared_model import ComparedModel, measure_alike
from skiagram.evaluation.evaluation_record import Contender
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.figure_table import FigureRow, make_row
from skiagram.evaluation.results import patients_of
from skiagram.records.predictions import Predictions
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.linearised import Linearised
from skiagram.statistics.random_effects import summarise_random_effects
from skiagram.statistics.variation import UPPER, Z
from skiagram.tasks.cases import DataCard, check_fold_column, name_groups

Sites = NDArray[np.str_]
Floats = NDArray[np.float64]
SITES, WORST = "sites", "worst_site"
_NEAR = 1e-6  # to 0 and 1, where the logit is still finite
_NO_SITES = ("", np.empty(0, dtype=np.str_))


def find_sites(
    setting: EvaluationSet,
    fold_column: str,
    card: DataCard,
    models: Sequence[Predictions],
) -> tuple[str, Sites]:
    """Return the column of the sites and (n,) the site of each reported case.

    The column is empty where no site was held out whole, or no column names the sites: an earlier
    version left out their column where it was no covariate, and did not name it.

    Raises:
        DataError: A case without a site, or a site of whose cases a fit that scored it saw some.
    """
    table, are_tested = setting.covariates, setting.task.design == "holdout" and card.test_sites
    if table is None or not (fold_column or are_tested):
        return _NO_SITES
    column = fold_column or card.site_column
    if not column:
        sites = set(card.test_sites)
        named = [str(name) for name in table if set(name_groups(table[name])) == sites]
        if len(named) != 1:
            return _NO_SITES
        column = named[0]
    check_fold_column(column, table)
    values = table[column]
    if values.isna().any():
        raise DataError(
            f"{int(values.isna().sum())} cases have no `{column}`",
            where="covariates",
            remedy="fill in the column, or leave these cases out",
        )
    site = name_groups(values).to_numpy(dtype=str)
    if fold_column:
        check_sites_unseen(models, site, setting)
    return column, site


def study_sites_of_run(run: MeasuredRun) -> tuple[FigureRow, ...]:
    """Measure what stands for each arm on sites that it had not seen; nothing without any."""
    if not run.site_column:
        return ()
    least = run.options.analyses.least_patients
    return study_sites(run.site, run.arms, run.setting, least, run.contender)


def study_sites(
    site: Sites,
    arms: Mapping[str, SelectedArm],
    setting: EvaluationSet,
    least: int,
    contender: Contender = "deep",
) -> tuple[FigureRow, ...]:
    """Measure what stands for each arm on each site, and summarise over sites.

    Each site has its patients by class and the primary figure of each arm. The summary has the
    `mean` over sites like these, the `next_site`, where the figure of another such site lies with
    95 %, the `spread`, the standard deviation of the true figure between sites, and the
    `worst_site`, the least favourable figure of any.

    A site with fewer patients than `least` of the kind that limits the figure (a class, the event)
    has no figures of its own and no part in the summary. A chance is summarised on its logit, any
    other figure and the difference as they are.

    Args:
        site: (n,) site of each reported case.
    """
    # The figure of each arm on those sites that are large enough for all of them.
    names = np.unique(site).tolist()
    by_site = {
        name: [arm.compared.on_site(site == name) for arm in arms.values()] for name in names
    }
    shown = [name for name in names if arms and _are_enough(by_site[name], least)]
    # Of several findings those count that all of these sites define.
    alike = measure_alike([placed for name in shown for placed in by_site[name]])
    if not all(np.isfinite(figure.value) for figure in alike):
        shown, alike = [], []
    by_arm = {arm: alike[number :: len(arms)] for number, arm in enumerate(arms)}
    # What has a figure of each site: the arms, and the difference of the two that are compared.
    series = [(arm, "", figures) for arm, figures in by_arm.items()]
    if {contender, "classical"} <= set(by_arm):
        pairs = zip(by_arm[contender], by_arm["classical"], strict=True)
        series.append((contender, "classical", [first - second for first, second in pairs]))
    predicted = setting.task.predicted
    row = partial(make_row, analysis=SITES)
    rows = [row(Estimate(float(len(names) - len(shown))), figure="left_out")]
    for number, name in enumerate(shown):
        patients = setting.cases.select(site == name).patients_by_class()
        rows += [
            row(Estimate(float(count)), figure=patients_of(label), group=name)
            for label, count in patients.items()
        ]
        for arm, versus, figures in series:
            at = partial(row, figure=predicted.primary, model=arm, versus=versus, group=name)
            rows.append(at(figures[number].estimate()))
    for arm, versus, figures in series:
        on_logit = not versus and all(figure.scale == "logit" for figure in figures)
        bound = 1.0 if versus and not predicted.lower_is_better else np.inf
        summary = summarise_sites(figures, on_logit=on_logit, bound=bound)
        estimates = [figure.estimate() for figure in figures]
        worst = find_worst(estimates, on_logit=on_logit, lower_is_better=predicted.lower_is_better)
        summary = {WORST: worst, **summary} if versus else {**summary, WORST: worst}
        for title, estimate in summary.items():
            rows.append(row(estimate, figure=title, model=arm, versus=versus))
    return tuple(rows)


def _are_enough(placed: Sequence[ComparedModel], least: int) -> bool:
    """Return whether a site has patients enough for the figure of each arm."""
    figures = [model.figure for model in placed]
    return all(np.isfinite(each.value) and each.fewest >= max(least, 2) for each in figures)


def check_sites_unseen(models: Sequence[Predictions], site: Sites, setting: EvaluationSet) -> None:
    """Refuse scores of a site by a fit that saw cases of it.

    Args:
        site: (n,) site of each reported case.
    """
    case_sites = dict(zip(setting.cases.case_id.tolist(), site.tolist(), strict=True))
    for model in models:
        if model.outcome.status == "failed" or model.outcome.arm == "reader":
            continue
        table = model.part("out_of_fold")
        where = table["case_id"].map(case_sites)
        folds = table.groupby([table["repeat"], where])["fold"].nunique()
        if (folds > 1).any():
            raise DataError(
                f"several folds hold cases of {folds.index[folds > 1][0][1]}",
                where=f"scores of {model.outcome.model}",
                remedy="train again with this `fold_column`: `dvc repro`",
            )


def find_worst(
    estimates: Sequence[Estimate], *, on_logit: bool, lower_is_better: bool = False
) -> Estimate:
    """Return the least favourable figure of any site: the least, or of an error the greatest.

    The lower bound is the least of the sites' own: it lies above the least true figure no more
    often than that of the site where this is. Any of the upper bounds may lie too low by chance,
    so each reaches to the level 1 − .025 / sites (Bonferroni) before the least of them is taken.
    """
    if lower_is_better:
        return find_worst([each.negate() for each in estimates], on_logit=False).negate()
    defined_estimates = [each for each in estimates if each.value is not None]
    if len(defined_estimates) < 2:
        return Estimate(None, reason="the worst of fewer than two sites is no figure of its own")
    bounds = np.array(
        [(each.low, each.value, each.high) for each in defined_estimates], dtype=np.float64
    )
    lows, values, highs = bounds.T
    least = float(values.min())
    if np.isnan(bounds).any():
        return Estimate(least, method="no interval: a site has none")
    if on_logit:
        values, highs = (logit(np.clip(each, _NEAR, 1 - _NEAR)) for each in (values, highs))
    reach = -ndtri((1 - UPPER) / len(defined_estimates)) / Z
    upper = values + reach * (highs - values)
    high = expit(upper) if on_logit else np.minimum(upper, 1.0)
    method = f"least of {len(defined_estimates)} sites, upper bounds by Bonferroni"
    return Estimate(least, float(lows.min()), float(high.min()), method)


def summarise_sites(
    figures: Sequence[Linearised], *, on_logit: bool, bound: float
) -> dict[str, Estimate]:
    """Summarise the figures of sites as they are, or chances on their logit.

    A chance where no error or no variance is seen counts as if half a patient of its rarer kind
    stood on the wrong side, as its logit would be infinite.

    Args:
        bound: What a figure that is no chance cannot exceed, up or down.
    """
    values, variances = np.empty(len(figures)), np.empty(len(figures))
    for number, figure in enumerate(figures):
        if on_logit:
            value, variance = figure.value, figure.variation.variance
            if variance == 0 or not 0 < value < 1:
                size = figure.fewest
                value = (value * size + 0.5) / (size + 1)
                variance = value * (1 - value) / size
            values[number], variances[number] = logit(value), variance / (value * (1 - value)) ** 2
        else:
            value, variance = figure.value, replace(figure, pair=None).variation.variance
            joined = figure.estimate()
            if variance == 0 and joined.low is not None and joined.high is not None:
                variance = ((joined.high - joined.low) / (2 * Z)) ** 2
            values[number], variances[number] = value, variance
    if len(values) < 2:
        reason = (
            "one site says nothing about the next" if len(values) else "no site is large enough"
        )
        return dict.fromkeys(("mean", "next_site", "spread"), Estimate(None, reason=reason))

    def bounded(value: float, low: float, high: float, method: str) -> Estimate:
        if on_logit:
            value, low, high = (float(expit(number)) for number in (value, low, high))
            return Estimate(value, low, high, method)
        return Estimate(value, max(-bound, low), min(bound, high), method)

    effects = summarise_random_effects(values, variances)
    method = f"random effects over {len(values)} sites (Paule–Mandel, Hartung–Knapp)"
    following = Estimate(None, reason="two sites say nothing of where the next may lie")
    if effects.next_low is not None and effects.next_high is not None:
        way = (
            "prediction interval (Higgins, Thompson & Spiegelhalter 2009), spread on the wide side"
        )
        following = bounded(effects.mean, effects.next_low, effects.next_high, way)
    return {
        "mean": bounded(effects.mean, effects.low, effects.high, method),
        "next_site": following,
        "spread": Estimate(effects.between, method="on the logit" if on_logit else ""),
    }
