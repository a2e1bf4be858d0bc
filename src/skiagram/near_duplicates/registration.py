"""One image laid over another: the affine map under which their local detail is most alike.

A coarse guess (an orientation, a turn, a scale) is completed by the shift at which the circular
cross-correlation is greatest, then refined by Gauss-Newton steps that also fit gain and offset
(Lucas & Kanade 1981, IJCAI; Evangelidis & Psarakis 2008, IEEE PAMI 30:1858). What counts is the
Pearson correlation of both details where the images overlap. Details are (m, side, side), a pair
each.
"""

from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import scipy

from skiagram.arrays import Flags, Floats, Singles
from skiagram.compiled.loops import compiled, compiled_sum

REACH = 0.22  # of a side: shifts sought
MIN_OVERLAP = 0.36  # of the image
_OUTLIERS = (0.01, 0.99)  # clipped, or a few hot pixels would be all that is compared
_NOISE = 0.8  # standard deviation of the weights, pixels: finer detail is noise of resampling
_COARSE = (2.0, 4.0)  # surroundings whose mean is taken off, and whose spread is made equal
_FINE = (1.5, 1.5)  # outlines that films share weigh no more than tissue
_GROUND = 11  # pixels: a wider place of one value is empty ground, a narrower one a block of JPEG
_FRINGE = 3  # pixels beside it, two standard deviations of `_FINE`
_FLAT = 0.02  # of an image's spread; less is noise of rounding
# Gauss–Newton steps of a pair.
_STEPS = 8
_TRIAL = 3  # steps, after which a pair may be given up
_PARTS = 4  # a side
_SETTLED = 0.05  # pixels at the border of the image
_MAX_STEP = 0.05  # of a matrix element, a step
_RIDGE = 1e-6  # of the diagonal
_MIN_RIDGE = 1e-12
_UNKNOWNS = 8  # six of the map, gain and offset

Details = Singles


@dataclass(frozen=True)
class Guess:
    """How the second image may come from the first.

    Attributes:
        quarters: Quarter turns anticlockwise after that, 0 to 3.
        scale: Share of the first image's side that the second shows.
        down: How far below its place in the first image something lies in the second, in sides.
    """

    mirrored: bool = False
    quarters: int = 0
    degrees: float = 0.0
    scale: float = 1.0
    down: float = 0.0
    across: float = 0.0

    def orient(self, details: Details) -> Details:
        """Mirror details and turn them by quarters: (m, side, side), contiguous."""
        placed = details[..., ::-1] if self.mirrored else details
        return np.ascontiguousarray(np.rot90(placed, self.quarters, axes=(-2, -1)))


@dataclass(frozen=True)
class Registration:
    """How well m pairs fit, each where it fits best.

    Attributes:
        correlation: (m,) float64 of the details in [-1, 1], negative where one is inverted.
        maps: (m, 6) float64: rows of the matrix less the unit matrix (y before x), then the shift
            in pixels; from places in the second image to those in the oriented first.
    """

    correlation: Floats
    maps: Floats


def details_of(reduced: Floats) -> Details:
    """Compute local detail: what is between noise and outline, of equal contrast.

    Args:
        reduced: (m, side, side) images reduced to a square, finite.

    Returns:
        (m, side, side) float32.
    """
    images = _of_unit_spread(reduced)
    # the fringe that an edge throws to both sides is alike in all images with such an edge
    detail = np.where(_is_plain(images, 3), 0, _local_detail(images, _COARSE))
    return detail.astype(np.float32)


def fine_details_inside(reduced: Floats) -> tuple[Details, Details]:
    """Compute fine details, and the same without what lies beside empty ground.

    Args:
        reduced: (m, side, side) images reduced to a square, finite.

    Returns:
        (m, side, side) float32 each; the same array twice where there is no ground.
    """
    images = _of_unit_spread(reduced)
    nothing = _is_plain(images, 3)
    whole = np.where(nothing, 0, _local_detail(images, _FINE)).astype(np.float32)
    if not nothing.any():
        return whole, whole
    # empty ground: an image is the same as all around it, as outside of a masked breast
    reach = _GROUND // 2 + _FRINGE
    ground = _is_plain(images, _GROUND)
    ground_fringe = scipy.ndimage.maximum_filter(ground, (1, 2 * reach + 1, 2 * reach + 1))
    return whole, np.where(ground_fringe, 0, whole)


def _of_unit_spread(reduced: Floats) -> Floats:
    """Cut outliers off, and bring images to zero mean and unit spread; constant ones are 0."""
    low, high = np.quantile(reduced, _OUTLIERS, axis=(1, 2), keepdims=True)
    images = np.clip(reduced, low, high)
    images = images - images.mean(axis=(1, 2), keepdims=True)
    spread = images.std(axis=(1, 2), keepdims=True)
    shown = spread > 1e-12 * np.abs(reduced).max(axis=(1, 2), keepdims=True)
    return np.where(shown, images / np.where(shown, spread, 1), 0)


def _local_detail(images: Floats, within: tuple[float, float]) -> Floats:
    """Subtract the surroundings of each pixel and divide by the contrast around it."""
    noise, surroundings, contrast = ((0, sigma, sigma) for sigma in (_NOISE, *within))
    smooth = scipy.ndimage.gaussian_filter(images, noise, mode="nearest")
    offset = smooth - scipy.ndimage.gaussian_filter(smooth, surroundings, mode="nearest")
    square = scipy.ndimage.gaussian_filter(offset**2, contrast, mode="nearest")
    return np.asarray(offset / (np.sqrt(np.clip(square, 0, None)) + _FLAT))


def _is_plain(images: Floats, side: int) -> Flags:
    """Find where an image has one value in the whole square around a pixel: (m, side, side)."""
    around = (1, side, side)
    least = scipy.ndimage.minimum_filter(images, around)
    plain: Flags = scipy.ndimage.maximum_filter(images, around) == least
    return plain


def register(
    first: Details, second: Details, guess: Guess, *, hopeless: float = 0.0
) -> Registration:
    """Lay the first image of each pair over the second.

    Args:
        first: (m, side, side) details.
        second: (m, side, side) details.
        guess: From which the search begins.
        hopeless: A pair whose correlation is still below this after three steps is left as it is.
    """
    # The map of the guess: turn, scale and shift.
    placed = guess.orient(first)
    second = np.ascontiguousarray(second)
    turn = np.deg2rad(-guess.degrees)  # the map leads back
    cosine, sine = guess.scale * np.cos(turn), guess.scale * np.sin(turn)
    side = second.shape[-1]
    away = np.array([-guess.down * side, -guess.across * side])
    start = np.array([cosine - 1, -sine, sine, cosine - 1, *away])
    # the shift of the second against the warped first at which both are most alike, and the sign
    warped = _warped(placed, start)
    reach = int(REACH * side)
    spectrum = scipy.fft.rfft2(second) * np.conj(scipy.fft.rfft2(warped))
    products = scipy.fft.irfft2(spectrum, s=(side, side))
    near = np.roll(products, (reach, reach), axis=(1, 2))[:, : 2 * reach + 1, : 2 * reach + 1]
    flat = near.reshape(len(near), -1)
    best = np.abs(flat).argmax(axis=1)
    places = np.stack(np.unravel_index(best, near.shape[1:]), axis=1)
    shift = (places - reach).astype(np.float64)
    sign = np.sign(flat[np.arange(len(flat)), best]).astype(np.float64)
    # The maps that refinement starts from.
    matrix = np.array([[cosine, -sine], [sine, cosine]])
    maps = np.tile(start, (len(first), 1))
    maps[:, 4:] = away - shift @ matrix.T
    return Registration(*_refined(placed, second, maps, sign, hopeless))


def refine(first: Details, second: Details, guess: Guess, earlier: Registration) -> Registration:
    """Lay images over each other again, at another size, from where they fitted before.

    Args:
        first: (m, side, side) details.
        second: (m, side, side) details.
        guess: That of before.
        earlier: What came of it, its shifts in pixels of this size.
    """
    sign = np.sign(earlier.correlation)
    placed = guess.orient(first)
    maps = earlier.maps.copy()
    return Registration(*_refined(placed, np.ascontiguousarray(second), maps, sign, 0.0))


def alike_everywhere(first: Details, second: Details, guess: Guess, close: Registration) -> float:
    """Compute the median correlation over the parts of one pair's overlap, 4 × 4 of the image.

    One strong edge that two images share makes them alike as wholes, not in most of their parts.

    Args:
        first: (side, side) details.
        second: (side, side) details.
        guess: Of the registration.
        close: Of this one pair.

    Returns:
        In [−1, 1], with the sign taken out that an inverted copy has; 0 without an overlap.
    """
    warped, inside = _laid_over(first, guess, close)
    # The parts of the overlap, on a grid.
    edges = np.linspace(0, len(second), _PARTS + 1).astype(int)
    parts = [slice(start, stop) for start, stop in pairwise(edges)]
    correlations = []
    for rows, columns in product(parts, parts):
        overlap = inside[rows, columns]
        if overlap.mean() < 0.5:
            continue
        # Pearson's correlation of each part that overlaps for the most.
        part, other_part = warped[rows, columns][overlap], second[rows, columns][overlap]
        part, other_part = part - part.mean(), other_part - other_part.mean()
        power = float(np.sqrt((part**2).sum() * (other_part**2).sum()))
        if (part**2).sum() + (other_part**2).sum() > 0:
            correlations.append(float((part * other_part).sum()) / power if power > 0 else 0.0)
    sign = np.sign(close.correlation[0])
    return float(sign * np.median(correlations)) if correlations else 0.0


def z_score(first: Details, second: Details, guess: Guess, registration: Registration) -> float:
    """Compute by how many standard errors one pair's correlation is above that of others.

    After Fisher, with the number of independent places in the overlap: smooth images have few, and
    with few a map can always be found that makes them alike. The variance of a correlation of two
    independent images is the sum of the products of their autocorrelations (Clifford, Richardson &
    Hémon 1989, Biometrics 45:123). It takes what `alike_everywhere` takes.
    """
    # The autocorrelations of both images over their overlap.
    warped, inside = _laid_over(first, guess, registration)
    double = (2 * len(inside), 2 * len(inside))
    products = [
        scipy.fft.irfft2(np.abs(scipy.fft.rfft2(values, s=double)) ** 2, s=double)
        for values in (
            inside.astype(np.float64),
            *(
                np.where(inside, image - image[inside].mean(), 0).astype(np.float64)
                for image in (warped, second)
            ),
        )
    ]
    # The variance of a correlation of unlike images that are as smooth.
    places, first_energy, second_energy = products
    met = places > 0.5
    power = float(first_energy[0, 0] * second_energy[0, 0])
    variance = (
        float((first_energy[met] * second_energy[met] / places[met]).sum()) / power
        if power > 0
        else np.inf
    )
    # After Fisher, in standard errors.
    correlation = min(abs(float(registration.correlation[0])), 1 - 1e-9)
    return float(np.arctanh(correlation) / np.sqrt(max(variance, 1e-12)))


def _laid_over(first: Details, guess: Guess, registration: Registration) -> tuple[Details, Flags]:
    """Lay the first image of a pair on the second, and tell where it does: (side, side) each."""
    placed = guess.orient(first[None])
    warped = _warped(placed, registration.maps[0])[0]
    return warped, _warped(np.ones_like(placed), registration.maps[0])[0] > 0.5


@compiled
def _place(map_: Floats, down: float, across: float, side: int) -> tuple[int, int, float, float]:
    """Apply a map to a place seen from the centre: the pixel that it falls in, and the rest.

    A pixel of −1 says that the place lies outside the image.
    """
    centre = (side - 1) / 2
    y = centre + (1 + map_[0]) * down + map_[1] * across + map_[4]
    x = centre + map_[2] * down + (1 + map_[3]) * across + map_[5]
    if y < 0 or x < 0 or y > side - 1 or x > side - 1:
        return -1, -1, 0.0, 0.0
    top, left = min(int(y), side - 2), min(int(x), side - 2)
    return top, left, y - top, x - left


@compiled
def _warped(images: Singles, map_: Floats) -> Singles:
    """Bring images through a map, linear between pixels.

    Args:
        images: (m, side, side).
        map_: (6,) from places in the result to those in the images.

    Returns:
        (m, side, side), 0 where the map leads outside.
    """
    number, side = images.shape[0], images.shape[1]
    out = np.zeros(images.shape, dtype=np.float32)
    centre = (side - 1) / 2
    for row in range(side):
        for column in range(side):
            top, left, v, u = _place(map_, row - centre, column - centre, side)
            if top < 0:
                continue
            for k in range(number):
                image = images[k]
                out[k, row, column] = (1 - v) * (
                    (1 - u) * image[top, left] + u * image[top, left + 1]
                ) + v * ((1 - u) * image[top + 1, left] + u * image[top + 1, left + 1])
    return out


@compiled
def _normal_equations(
    moving: Singles, fixed: Singles, map_: Floats
) -> tuple[Floats, Floats, float]:
    """Sum products of the terms over the overlap, those with the other image, and its squares.

    The terms are the slopes of the one image by the six numbers of the map, its value, and 1.

    Args:
        moving: (side, side), which the map is applied to.
        fixed: (side, side).
        map_: (6,).

    Returns:
        (8, 8) products of the terms, (8,) products with the other image, and the sum of its
        squares.
    """
    # The terms of each pixel in the overlap: slopes, value and 1.
    side = moving.shape[0]
    centre = (side - 1) / 2
    terms = np.empty((_UNKNOWNS, side * side))  # of each pixel
    fixed_values = np.empty(side * side)  # its value in the other image
    count = 0
    for row in range(side):
        for column in range(side):
            down, across = row - centre, column - centre
            top, left, v, u = _place(map_, down, across, side)
            if top < 0:
                continue
            # between the four pixels around the place
            value, below = moving[top, left], moving[top + 1, left]
            across_above = moving[top, left + 1] - value
            twist = moving[top + 1, left + 1] - below - across_above
            slope_across = across_above + v * twist
            slope_down = below - value + u * twist
            terms[0, count], terms[1, count] = slope_down * down, slope_down * across
            terms[2, count], terms[3, count] = slope_across * down, slope_across * across
            terms[4, count], terms[5, count] = slope_down, slope_across
            terms[6, count] = value + u * across_above + v * slope_down
            terms[7, count] = 1.0
            fixed_values[count] = fixed[row, column]
            count += 1
    # Their products, summed.
    normal = np.empty((_UNKNOWNS, _UNKNOWNS))
    target = np.empty(_UNKNOWNS)
    for i in range(_UNKNOWNS):
        for j in range(i, _UNKNOWNS):
            normal[i, j] = normal[j, i] = _product(terms[i], terms[j], count)
        target[i] = _product(terms[i], fixed_values, count)
    return normal, target, _product(fixed_values, fixed_values, count)


@compiled_sum
def _product(ones: Floats, others: Floats, count: int) -> float:
    """Return the sum of the products of the first numbers of two rows."""
    total = 0.0
    for k in range(count):
        total += ones[k] * others[k]
    return total


@compiled
def _correlation(normal: Floats, target: Floats, squares: float, fewest: float) -> float:
    """Return Pearson's correlation from the sums, 0 where too little overlaps or is constant."""
    count = normal[7, 7]
    if count < fewest:
        return 0.0
    power = normal[6, 6] - normal[6, 7] ** 2 / count
    other_power = squares - target[7] ** 2 / count
    if power <= 0 or other_power <= 0:
        return 0.0
    return float((target[6] - normal[6, 7] * target[7] / count) / np.sqrt(power * other_power))


@compiled
def _refined(
    first: Singles,
    second: Singles,
    maps: Floats,
    sign: Floats,
    hopeless: float,
) -> tuple[Floats, Floats]:
    """Return (m,) the greatest correlations met on the way, and (m, 6) their maps."""
    number, side = first.shape[0], first.shape[1]
    best = np.zeros(number)
    best_maps = maps.copy()
    reach = np.array([(side - 1) / 2, (side - 1) / 2, (side - 1) / 2, (side - 1) / 2, 1.0, 1.0])
    greatest = np.array([1.0, 1.0, 1.0, 1.0, side, side]) * _MAX_STEP
    for k in range(number):
        # Steps from the guess, the best map on the way kept.
        map_ = maps[k].copy()
        for step_number in range(_STEPS + 1):
            normal, target, squares = _normal_equations(first[k], second[k], map_)
            correlation = _correlation(normal, target, squares, MIN_OVERLAP * side * side)
            if correlation == 0:
                break
            if abs(correlation) > abs(best[k]):
                best[k] = correlation
                best_maps[k] = map_
            if step_number == _TRIAL and abs(best[k]) < hopeless:
                break
            # A ridge keeps the system solvable.
            for i in range(_UNKNOWNS):
                normal[i, i] = normal[i, i] * (1 + _RIDGE) + _MIN_RIDGE
            solved = np.linalg.solve(normal, target)
            gain = solved[6]
            if gain * sign[k] <= 0:
                break
            step = np.minimum(np.maximum(solved[:6] / gain, -greatest), greatest)
            map_ += step
            # Settled where no corner moves any more.
            if (np.abs(step) * reach).max() < _SETTLED:
                break
    return best, best_maps
