"""Harmonisation of features across sites by ComBat, fitted on the training cases of one fit alone.

Johnson, Li and Rabinovic 2007, Biostatistics 8(1), as taken to features of images by Fortin et al.
2018, NeuroImage 167: a feature of site i is α + Xβ + γᵢ + δᵢε. Shift γ and scale δ of each site are
shrunk towards their mean over all features by parametric empirical Bayes, so that sites of few
cases are not overcorrected. α, β, γ and δ come from training cases and are then applied to any case
of the site; labels are never seen, and X holds covariates that the user names.
"""

from collections.abc import Sequence
from dataclasses import dataclass as plain_dataclass
from typing import Literal

import numpy as np
from pydantic.dataclasses import dataclass
from sklearn.base import BaseEstimator, TransformerMixin

from skiagram.arrays import Floats, Whole
from skiagram.case_features.covariates import PREFIX, SITE_PREFIX
from skiagram.errors import refusal
from skiagram.records.feature_table import has_prefix
from skiagram.strict import STRICT

_MAX_STEPS = 1000
_MIN_CASES = 2  # of a site, without which it has no spread


@dataclass(**STRICT)
class Harmonisation:
    """ComBat before any other step; needs the feature family `site`.

    Attributes:
        preserve: Covariates whose effect on the features is no effect of the site and is kept, such
            as `age`; columns of the family `covariates`. The label is none of them.
        unseen: What happens to a case of a site that had fewer than two training cases, or whose
            site is not known: `refuse`, or `uncorrected`, its features as they are.
    """

    preserve: tuple[str, ...] = ()
    unseen: Literal["refuse", "uncorrected"] = "refuse"

    def columns_read(self, names: Sequence[str], used: Sequence[str]) -> tuple[str, ...]:
        """List the columns that a model needs: those used, what is preserved, then the site.

        Args:
            names: Of all columns at hand.
            used: Those that the model is fitted to.

        Raises:
            OptionError: There is no family `site`, or no such covariate.
        """
        # The site, without which nothing can be harmonised.
        site = [name for name in names if name.startswith(SITE_PREFIX)]
        if not site:
            raise refusal("models.no_sites")
        # Covariates whose effect is to stay.
        columns = list(used)
        for covariate in self.preserve:
            read = _columns_of(covariate, names)
            if not read:
                raise refusal("models.no_covariate", covariate=covariate)
            columns += [name for name in read if name not in columns]
        return (*columns, *site)

    def step(self, names: Sequence[str], used: Sequence[str]) -> "SiteHarmoniser":
        """Build the unfitted pipeline step for the columns that `columns_read` returned.

        Covariates among the features stay as they are: only what was measured in images is
        harmonised.

        Args:
            names: All columns that are read.
            used: The first of them, which go on.
        """
        site = [place for place, name in enumerate(names) if name.startswith(SITE_PREFIX)]
        kept = {name for covariate in self.preserve for name in _columns_of(covariate, names)}
        preserved = [place for place, name in enumerate(names) if name in kept]
        image_columns = [place for place, name in enumerate(used) if not name.startswith(PREFIX)]
        return SiteHarmoniser(site, preserved, image_columns, len(used), self.unseen)


def _columns_of(covariate: str, names: Sequence[str]) -> list[str]:
    """Return the column of a covariate's numbers, or those of its texts.

    `age_group` is not part of `age`, whose own column is there.
    """
    column = f"{PREFIX}{covariate}"
    return [column] if column in names else [name for name in names if has_prefix(name, column)]


@plain_dataclass(eq=False, repr=False)
class SiteHarmoniser(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Takes shift and scale of each site out of the features.

    Attributes:
        site: Columns, each 1 in the cases of one site, else 0; a case of no known site is 0 in all.
        kept: Columns from the first on that go on; sites and further covariates stand behind them.
    """

    site: list[int]
    preserved: list[int]
    harmonised: list[int]
    kept: int
    unseen: str

    def fit(self, values: Floats, target: object = None) -> "SiteHarmoniser":
        """Learn shift and scale of each site with two cases or more.

        Args:
            values: (n, n_columns) of the training cases; NaN is a gap.
            target: Without effect: ComBat sees no label.

        Raises:
            ModelFailure: No site has two cases, or a case is of a site with fewer and such are
                refused.
        """
        # Sites with too few cases have no spread.
        counts = values[:, self.site].sum(axis=0)
        self.seen_ = counts >= _MIN_CASES
        if not self.seen_.any():
            raise refusal("models.small_sites", least=_MIN_CASES)
        number = self._sites(values)
        has_site = number >= 0
        sites = np.flatnonzero(self.seen_)
        member = number[has_site, None] == sites
        # Gaps of what is preserved stand at the training cases' median.
        observed = values[:, self.preserved]
        self.median_ = _medians(observed)
        observed = np.where(np.isfinite(observed), observed, self.median_)
        # Gaps stand at the median while sites are learned; what is harmonised keeps them.
        features = values[:, self.harmonised]
        features = np.where(np.isfinite(features), features, _medians(features))
        # The mean of each site and the effect of what is preserved, by least squares.
        design = np.hstack([member.astype(np.float64), observed[has_site]])
        coefficients = np.linalg.lstsq(design, features[has_site], rcond=None)[0]
        # Features without them have one spread over all sites.
        residual = features[has_site] - design @ coefficients
        spread = np.sqrt((residual**2).mean(axis=0))
        self.varies_ = spread > 1e-12 * (np.abs(features[has_site]).max(axis=0) + 1e-300)
        self.spread_ = np.where(self.varies_, spread, 1.0)
        self.mean_ = member.mean(axis=0) @ coefficients[: len(sites)]
        self.effect_ = coefficients[len(sites) :]
        self.shift_ = np.zeros((len(self.site), features.shape[1]))
        self.scale_ = np.ones((len(self.site), features.shape[1]))
        # What is left tells the shift and the scale of each site.
        free = (features - self.mean_ - observed @ self.effect_) / self.spread_
        for site in sites.tolist():
            site_values = free[number == site][:, self.varies_]
            self.shift_[site, self.varies_], self.scale_[site, self.varies_] = _shrunk(site_values)
        return self

    def transform(self, values: Floats) -> Floats:
        """Take out shift and scale of each case's site.

        Args:
            values: (n, n_columns), NaN is a gap and stays one.

        Returns:
            (n, kept) columns, the features of each case as if of the mean site.
        """
        # Cases of sites that were not seen stay as they are.
        number = self._sites(values)
        shift = np.where(number[:, None] < 0, 0.0, self.shift_[number])
        scale = np.where(number[:, None] < 0, 1.0, self.scale_[number])
        observed = values[:, self.preserved]
        observed = np.where(np.isfinite(observed), observed, self.median_)
        centre = self.mean_ + observed @ self.effect_
        # Standardised by the site, then back in the units of all sites.
        features = values[:, self.harmonised]
        adjusted = ((features - centre) / self.spread_ - shift) / scale * self.spread_ + centre
        harmonised: Floats = values[:, : self.kept].copy()
        unchanged = (number[:, None] < 0) | ~self.varies_
        harmonised[:, self.harmonised] = np.where(unchanged, features, adjusted)
        return harmonised

    def _sites(self, values: Floats) -> Whole:
        """Find the number of each case's site, −1 for one not seen in training.

        Raises:
            ModelFailure: A site was not seen, and such are refused.
        """
        # Sites that training did not see, or refused to learn.
        member = values[:, self.site] > 0
        number = np.where((member & self.seen_).any(axis=1), member.argmax(axis=1), -1)
        unseen = int((number < 0).sum())
        if unseen and self.unseen == "refuse":
            raise refusal("models.unseen_sites", number=unseen, least=_MIN_CASES)
        return number.astype(np.int64)


def _medians(values: Floats) -> Floats:
    """Compute the median of each column, without its gaps; 0 of one that is empty."""
    some = np.isfinite(values).any(axis=0)
    medians = np.zeros(values.shape[1])
    medians[some] = np.nanmedian(values[:, some], axis=0)
    return medians


def _shrunk(standardised: Floats) -> tuple[Floats, Floats]:
    """Estimate shift and scale (standard deviation) of one site for each feature.

    The prior of the shift is normal, that of the variance inverse gamma; both have the moments of
    the estimates over all features (Johnson et al. 2007). Without two features that differ there is
    no prior, and the estimates stand as they are.

    Args:
        standardised: (n ≥ 2, n_features) of the site's cases, free of the effects of covariates.

    Returns:
        (n_features,) each.
    """
    # With one feature, or equal ones, there is nothing to shrink towards.
    n, features = standardised.shape
    mean, variance = standardised.mean(axis=0), standardised.var(axis=0, ddof=1)
    variance = np.where(variance > 0, variance, 1.0)
    if features < 2 or mean.var() == 0 or variance.var() == 0:
        return mean, np.sqrt(variance)
    # Priors over the features of the site: normal for shifts, inverse gamma for variances.
    centre, width = mean.mean(), mean.var(ddof=1)
    typical, unlike = variance.mean(), variance.var(ddof=1)
    shape = (2 * unlike + typical**2) / unlike
    rate = (typical * unlike + typical**3) / unlike
    # Shift and variance depend on one another: both are renewed until they rest.
    shift, squared = mean, variance
    for _ in range(_MAX_STEPS):
        newer = (n * width * mean + squared * centre) / (n * width + squared)
        deviations = ((standardised - newer) ** 2).sum(axis=0)
        smaller = (deviations / 2 + rate) / (n / 2 + shape - 1)
        moved = np.abs(newer - shift) / np.maximum(np.abs(shift), 1e-300)
        change = max(float(moved.max()), float((np.abs(smaller - squared) / squared).max()))
        shift, squared = newer, smaller
        if change <= 1e-4:  # as in the authors' programs
            break
    return shift, np.sqrt(squared)
