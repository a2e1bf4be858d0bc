"""Free response: lesions searched for, with any number of rated marks an image.

A mark hits a lesion or is a false mark; a lesion's rating is that of the highest mark on it, −∞
where none hits it. Two figures stand side by side.

*FROC* (Bunch et al. 1978, *J Appl Photogr Eng* 4:166): the share of lesions rated at least as high
as a threshold, against false marks per image. LUNA16's score is the mean of that share at 1/8, 1/4,
1/2, 1, 2, 4 and 8 false marks per image (Setio et al. 2017, *Med Image Anal* 42:1). Nothing is
interpolated: at a rate stands the lowest threshold that keeps to it.

*JAFROC's figure of merit*: the probability that a lesion is rated above the highest false mark of a
normal image, −∞ where that has none, ties half (Chakraborty & Berbaum 2004, *Med Phys* 31:2313).
Weighted by image, lesions of an image share one weight (Chakraborty & Zhai 2016, *Med Phys*
43:2548, wAFROC); weighted by lesion, all count alike (AFROC). Against all images, as JAFROC1 does,
abnormal ones count as references too; it is for data without normal images. It is the mean of
DeLong's placements with images in the place of cases, so variance, interval and paired difference
are those of `delong`, clustered by patient. Unlike an AUC it is 0, not ½, where nothing is found
and normal images are marked, and ½ where nothing is marked.

Ratings of two fits share no scale: only pairs of one fit count, and thresholds are a fit's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from skiagram.arrays import Flags, Floats, Whole
from skiagram.compiled.loops import compiled
from skiagram.statistics.bootstrap import MeanOverRepeats, Statistic
from skiagram.statistics.delong import auc_of_placements, linearise_share_of_pairs
from skiagram.statistics.linearised import Linearised

Weighting = Literal["image", "lesion"]

RATES: Floats = np.array([0.125, 0.25, 0.5, 1, 2, 4, 8])  # false marks per image of LUNA16
# Where no lesion happens to be missed variances are far too small. These are the most independent
# images that a patient of the smaller class may stand for, and lesions of a patient (simulated).
MOST_IMAGES = 2.0
MOST_LESIONS = 3.0
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Ratings:
    """The marks of one repeat.

    Attributes:
        lesion: (l,) rating of each lesion; −∞ where no mark hits it.
        lesion_image: (l,) image of each lesion, counted from 0.
        false: (m,) rating of each false mark.
        false_image: (m,) its image.
    """

    lesion: Floats
    lesion_image: Whole
    false: Floats
    false_image: Whole


@dataclass(frozen=True)
class FreeResponse:
    """The marks of a finder on some images, repeat after repeat.

    Attributes:
        repeats: At least one; all of the same lesions.
        patient: (n,) patient of each image, numbered from 0.
        fit: (repeats, n) the fit that marked each image; None where one marked all.
        folds: Fits of each repeat, whose training sets overlap; 0 where one fit marked all.
    """

    repeats: tuple[Ratings, ...]
    patient: Whole
    fit: Whole | None = None
    folds: int = 0

    @property
    def lesions(self) -> Whole:
        """Count the lesions of each image: (n,)."""
        return np.bincount(self.repeats[0].lesion_image, minlength=len(self.patient))

    @property
    def fits(self) -> Sequence[Whole]:
        """List the (n,) fits of each repeat, one number where one fit marked all images."""
        single_fit = np.zeros(len(self.patient), dtype=np.int64)
        return [single_fit] * len(self.repeats) if self.fit is None else list(self.fit)

    def fewest_images(self, *, normal: bool = False) -> int:
        """Find how many images the fit that marked the fewest has marked.

        Args:
            normal: Whether images without a lesion alone count.
        """
        counted = self.lesions == 0 if normal else np.ones(len(self.patient), dtype=np.bool_)
        return min(
            int((counted & (fit == number)).sum()) for fit in self.fits for number in np.unique(fit)
        )

    def merit(self, weighting: Weighting = "image", *, against_all: bool = False) -> Linearised:
        """Compute the placements whose mean is JAFROC's figure of merit.

        Their rows are abnormal images, then the images that these are held against.

        Args:
            weighting: Whether each abnormal image counts alike, or each lesion.
            against_all: JAFROC1.

        Raises:
            ValueError: No fit has both a lesion and an image to hold it against.
        """
        # Lesions of abnormal images are held against the highest false mark of other images.
        lesions = self.lesions
        abnormal = np.flatnonzero(lesions)
        others = np.arange(len(lesions)) if against_all else np.flatnonzero(lesions == 0)
        # Each lesion counts 1, or each image with its lesions shared out.
        weight = (np.ones(len(lesions)) if weighting == "lesion" else 1 / np.maximum(lesions, 1.0))[
            self.repeats[0].lesion_image
        ]
        # Placements of each repeat, within each fit.
        values = [
            _placed(ratings, weight, abnormal, others, fit)
            for ratings, fit in zip(self.repeats, self.fits, strict=True)
        ]
        # Two kinds of images, abnormal ones and those they are held against.
        positive = np.arange(len(abnormal) + len(others)) < len(abnormal)
        patient = self.patient[np.concatenate([abnormal, others])]
        return auc_of_placements(np.array(values), positive, patient, self.folds, MOST_IMAGES)

    def sensitivities(self, rates: Floats, weights: Floats, *, normal: bool = False) -> Floats:
        """Compute (b, rates) the share of lesions found at rates of false marks per image.

        The mean over repeats.

        Args:
            rates: (rates,) ascending.
            weights: (b, n) weight of each image, a row a resample; NaN comes of one without a
                lesion.
            normal: Count false marks, and images, among normal images alone.
        """
        # False marks count on all images or on those without a lesion.
        lesions = self.lesions
        counted = lesions == 0 if normal else np.ones(len(lesions), dtype=np.bool_)
        shares = []
        # Each repeat walks down its marks, fit by fit: scores of two fits have no common order.
        for ratings, fit in zip(self.repeats, self.fits, strict=True):
            # Marks by descending rating; of equal ratings false ones come first.
            marked, false = ratings.lesion > -np.inf, counted[ratings.false_image]
            rating = np.concatenate([ratings.false[false], ratings.lesion[marked]])
            images_of_marks = (ratings.false_image[false], ratings.lesion_image[marked])
            order = np.argsort(-rating, kind="stable")
            image, is_lesion = np.concatenate(images_of_marks)[order], order >= false.sum()
            lesion_weight = np.zeros((len(weights), len(rates)))
            for number in np.unique(fit):
                in_fit = fit[image] == number
                images = weights[:, counted & (fit == number)].sum(axis=1)
                _walk(
                    image[in_fit],
                    is_lesion[in_fit],
                    np.ascontiguousarray(weights),
                    rates * images[:, None] + _ROUNDING,
                    lesion_weight,
                )
            with np.errstate(invalid="ignore"):  # a resample without a lesion
                shares.append(lesion_weight / (weights @ lesions)[:, None])
        averaged: Floats = np.mean(shares, axis=0)
        return averaged

    def share_found(self, rates: Floats, *, normal: bool = False) -> MeanOverRepeats:
        """Give the mean sensitivity at some rates of false marks as a function of weights.

        Args:
            rates: (rates,) false marks per image, ascending.
            normal: Count false marks, and images, among normal images alone.
        """

        # One function of weights per repeat, whose mean is the figure.
        def mean_sensitivity(repeat: FreeResponse) -> Statistic:
            return lambda weights: np.asarray(
                repeat.sensitivities(rates, weights, normal=normal).mean(axis=1)
            )

        repeats = [
            replace(self, repeats=(ratings,), fit=None if self.fit is None else fit[None])
            for ratings, fit in zip(self.repeats, self.fits, strict=True)
        ]
        return MeanOverRepeats([mean_sensitivity(repeat) for repeat in repeats], self.folds)

    def select(self, images: Flags) -> "FreeResponse":
        """Take some images with their marks; they and their patients are counted anew.

        Args:
            images: (n,) which are taken; lesions of the others are gone.
        """
        # Images are counted anew without those left out.
        number = np.cumsum(images) - 1
        repeats = []
        for each in self.repeats:
            lesion_rows, false_rows = images[each.lesion_image], images[each.false_image]
            repeats.append(
                Ratings(
                    each.lesion[lesion_rows],
                    number[each.lesion_image[lesion_rows]],
                    each.false[false_rows],
                    number[each.false_image[false_rows]],
                )
            )
        # So are patients.
        patient = np.unique(self.patient[images], return_inverse=True)[1].astype(np.int64)
        fit = None if self.fit is None else self.fit[:, images]
        return FreeResponse(tuple(repeats), patient, fit, self.folds)


def compare_found(
    first: FreeResponse, second: FreeResponse, compare: np.ufunc = np.subtract
) -> MeanOverRepeats:
    """Compute by how much more the one finds, on average over `RATES`, as a function of weights.

    The images are the same. Where both were trained several times, but not equally often, the
    trainings of each are averaged first.

    Args:
        first: Marks of the one.
        second: Marks of the other, on the same images.
        compare: `np.divide` for how often the one finds what the other finds.
    """
    # Repeats are compared in pairs; a single one stands beside each of the other's.
    shares = first.share_found(RATES), second.share_found(RATES)
    pairs: Sequence[tuple[Statistic, Statistic]] = [shares]
    numbers = [len(share.repeats) for share in shares]
    if len({*numbers} - {1}) < 2:
        ones, others = ([*share.repeats] * (max(numbers) // len(share.repeats)) for share in shares)
        pairs = list(zip(ones, others, strict=True))

    # A difference, or ratio, of both shares on the same resample.
    def of_both(first_rule: Statistic, second_rule: Statistic) -> Statistic:
        return lambda weights: np.asarray(compare(first_rule(weights), second_rule(weights)))

    return MeanOverRepeats([of_both(*pair) for pair in pairs], max(first.folds, second.folds))


def _placed(ratings: Ratings, weight: Floats, abnormal: Whole, others: Whole, fit: Whole) -> Floats:
    """Compute the placement of each abnormal image, then of each of the others.

    The figure is Σ ω ψ / Σ ω over pairs (lesion, other image) of a fit. An image's placement is its
    own mean ψ, and its pairs count by their weight.

    Args:
        ratings: The marks of a repeat.
        weight: (l,) ω of each lesion.
        abnormal: Images with a lesion.
        others: Images that these are held against.
        fit: (n,) the fit that marked each image.

    Raises:
        ValueError: No fit has both a lesion and an image to hold it against.
    """
    n = len(fit)
    # An image without a false mark lies below every lesion.
    highest = np.full(n, -np.inf)
    np.maximum.at(highest, ratings.false_image, ratings.false)
    image_weight = np.bincount(ratings.lesion_image, weights=weight, minlength=n)
    value = np.zeros(len(abnormal) + len(others))
    pairs = np.zeros(len(value))
    # Both views write into one array: abnormal images first, then the others.
    lesion_value, reference = value[: len(abnormal)], value[len(abnormal) :]
    # Within each fit: the share of others below each lesion, and of lesions above each other.
    for number in np.unique(fit):
        lesions, rows = fit[ratings.lesion_image] == number, fit[others] == number
        whole = weight[lesions].sum()
        if not rows.any() or not whole:
            continue
        images = fit[abnormal] == number
        below = _share_below(highest[others[rows]], ratings.lesion[lesions])
        sums = np.bincount(
            ratings.lesion_image[lesions], weights=weight[lesions] * below, minlength=n
        )
        lesion_value[images] = sums[abnormal[images]] / image_weight[abnormal[images]]
        above = _share_below(-ratings.lesion[lesions], -highest[others[rows]], weight[lesions])
        reference[rows] = above
        pairs[: len(abnormal)][images] = image_weight[abnormal[images]] * rows.sum()
        pairs[len(abnormal) :][rows] = whole
    # A fit without a lesion or without another image makes no pair.
    is_abnormal = np.arange(len(value)) < len(abnormal)
    if not pairs[is_abnormal].any():
        raise ValueError("no fit has both a lesion and an image to hold it against")
    return linearise_share_of_pairs(value, pairs, is_abnormal)


def _share_below(values: Floats, at: Floats, weight: Floats | None = None) -> Floats:
    """Compute the weight of values below each of some others, ties half, over all weight.

    Args:
        values: (n,) may be −∞.
        at: (m,).
        weight: (n,) > 0; None: all alike.

    Returns:
        (m,) in [0, 1].
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    heaped = np.ones(len(values)) if weight is None else weight[order]
    passed = np.concatenate([[0.0], np.cumsum(heaped)])
    sides = [passed[np.searchsorted(ordered, at, side=side)] for side in ("left", "right")]
    share: Floats = (sides[0] + sides[1]) / 2 / passed[-1]
    return share


@compiled
def _walk(
    image: Whole, is_lesion: Flags, weights: Floats, allowed: Floats, lesion_weight: Floats
) -> None:
    """Add the weight of lesions found before the false marks weigh more than is allowed.

    Args:
        image: (m,) image of each mark, by descending rating.
        is_lesion: (m,) whether it is a lesion.
        weights: (b, n) of images.
        allowed: (b, rates) ascending.
        lesion_weight: (b, rates) added to.
    """
    rates = allowed.shape[1]
    # Marks come from the highest to the lowest; each row of weights is a resample.
    for row in range(len(weights)):
        false = 0.0
        first = 0  # the lowest rate that still holds
        for place in range(len(image)):
            weight = weights[row, image[place]]
            if is_lesion[place]:
                for rate in range(first, rates):
                    lesion_weight[row, rate] += weight
            else:
                false += weight
                # Rates whose false marks are used up are passed.
                while first < rates and false > allowed[row, first]:
                    first += 1
                if first == rates:
                    break
