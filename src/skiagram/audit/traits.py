"""What an image is besides what it shows: a label must not be told from it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from skiagram.arrays import Floats, Texts, Whole
from skiagram.audit.contract import ProbedTraits
from skiagram.image_store.shards import DTYPES
from skiagram.image_store.store import ImageStore
from skiagram.images import Image, Spacing, is_volume
from skiagram.near_duplicates.pairs import projection
from skiagram.seeding import stream
from skiagram.tasks.cases import Cases

MAX_SAMPLE = 5_000
CATEGORIES = 20
_FRAME = 2
_FRAMES_IN_A_SIDE = 32
_BLOCK = 8  # of JPEG, pixels a side
_MIN_EDGES = 2
_SEED = 19_970_915
_AT_ONCE = 2**22  # pixels whose copies in double precision are in memory at a time


def collect_image_traits(
    stores: Sequence[ImageStore],
    cases: Cases,
    covariates: pd.DataFrame | None,
    acquisition: Sequence[str],
    measured: pd.DataFrame | None = None,
) -> ProbedTraits:
    """Collect the traits of development cases; which of their features are empty is one."""
    # Development cases, of many a sample.
    rows = sample_cases(cases)
    traits = [
        [
            image_traits(shard.view(row), shard.spacing(row))
            for shard, row in map(store.at, store.places(cases.case_id[rows]).tolist())
        ]
        for store in stores
        if store.has_images
    ]
    # Numbers of several kinds of images stand side by side. A trait that has not as many in all
    # images of a kind (volumes among images) is left out.
    parts: dict[str, list[Floats]] = {}
    for images_of_kind in traits:
        for trait in images_of_kind[0] if images_of_kind else ():
            numbers = [image[trait] for image in images_of_kind]
            if len({len(each) for each in numbers}) == 1:
                parts.setdefault(trait, []).append(np.array(numbers))
    images = {trait: np.concatenate(each, axis=1) for trait, each in parts.items()}
    # The order of cases and patients, in which a class may have been numbered.
    ids = (cases.case_id, cases.patient_id)
    places = [np.unique(column, return_inverse=True)[1] for column in ids]
    images["case_order"] = np.stack(places, axis=1).astype(float)[rows]
    # Covariates, of which those of the acquisition are a trait of images.
    encoded = {} if covariates is None else encode_covariates(covariates, cases.case_id[rows])
    taken = [encoded[name] for name in acquisition if name in encoded]
    if taken:
        images["acquisition"] = np.concatenate(taken, axis=1)
    # Of a table of features: how many of them are empty.
    if measured is not None and measured.shape[1] > 1:
        case_features = measured.set_index("case_id").loc[cases.case_id[rows].tolist()]
        share = case_features.isna().mean(axis=1).to_numpy(dtype=np.float64)
        images["empty_features"] = share[:, None]
    return ProbedTraits(rows, images, encoded)


def sample_cases(cases: Cases) -> Whole:
    """Choose rows of development cases: all of them, or those of patients drawn up to 5,000."""
    rows = np.flatnonzero(cases.split != "test")
    patients, patient = np.unique(cases.patient_id[rows], return_inverse=True)
    place = stream(_SEED, "sample").permutation(len(patients))[patient]
    order = np.argsort(place, kind="stable")[:MAX_SAMPLE]
    return np.sort(rows[order])


def image_traits(image: Image, spacing: Spacing | None) -> dict[str, tuple[float, ...]]:
    """Measure the traits of one image, each a few numbers; NaN where there is none.

    Args:
        image: (height, width), (height, width, channels) or (depth, height, width, 1).
        spacing: Distance of its slices, rows and columns, mm, where it is known.
    """
    # Grey values, as finite ones; a volume is looked at slice by slice.
    gray = image.mean(axis=2) if image.ndim == 3 else image
    values = gray.ravel() if gray.dtype.kind in "iu" else gray[np.isfinite(gray)]
    unknown = (np.nan,) * (3 if is_volume(image) else 2)
    # of whole numbers of 16 bits a short float holds all differences, in half the memory
    exact = np.float32 if gray.dtype in (np.uint8, np.uint16, np.int16) else np.float64
    planes = (gray[..., 0] if is_volume(image) else gray[None]).astype(exact, copy=False)
    one_channel = (1,) if image.ndim == 2 else ()
    clipping = (np.nan, np.nan)
    if len(values):
        clipping = float((values == values.min()).mean()), float((values == values.max()).mean())
    return {
        "border": _border(projection(gray)),
        "brightness": (float(values.mean(dtype=np.float64)) if len(values) else np.nan,),
        "clipping": clipping,
        "empty_pixels": (float((gray == 0).mean()), 1 - len(values) / gray.size),
        # sides, channels, and the place of the depth among those that a store holds
        "format": (*image.shape, *one_channel, DTYPES.index(str(image.dtype))),
        "spacing": spacing or unknown,
        "sharpness": _sharpness(planes),
        "noise": _noise(planes),
        "compression": _block_edges(planes),
        "gray_levels": _gray_levels(image),
        "lowest_bits": _lowest_bits(image),
    }


def _sharpness(planes: Image) -> tuple[float, ...]:
    """Measure how much steeper the differences of next neighbours are than of second ones, log.

    Blur and enlargement lower it, sharpening raises it; contrast does not matter. Medians, so that
    hot pixels do not either.
    """
    across = (np.diff(planes[..., ::step], axis=-1) for step in (1, 2))
    down = (np.diff(planes[:, ::step], axis=-2) for step in (1, 2))
    return tuple(_log_ratio(*map(_middle, both)) for both in (across, down))


def _noise(planes: Image) -> tuple[float, float]:
    """Estimate the standard deviation of noise, log, and in units of the image's spread, log.

    By the median of what crosswise differences leave of an image (Immerkær 1996, Comput Vis Image
    Underst 64:300; Donoho & Johnstone 1994, Biometrika 81:425).
    """
    # Differences across rows and columns leave the noise, and of edges little.
    crosswise = np.diff(planes, axis=-1)
    for row in range(crosswise.shape[-2] - 1):  # in place: large pictures fill the memory
        np.subtract(crosswise[:, row + 1], crosswise[:, row], out=crosswise[:, row])
    crosswise = crosswise[:, :-1]
    crosswise /= 2
    noise = _middle(crosswise) / 0.6745
    del crosswise
    # The standard deviation of what is known, in parts that bound the memory
    flat = planes.reshape(-1)
    parts = [flat[at : at + _AT_ONCE] for at in range(0, flat.size, _AT_ONCE)]
    parts = [part if (fine := np.isfinite(part)).all() else part[fine] for part in parts]
    number = sum(part.size for part in parts)
    spread = np.nan
    if number:
        mean = sum(float(part.sum(dtype=np.float64)) for part in parts) / number
        squares = sum(float(np.square(part - np.float64(mean)).sum()) for part in parts)
        spread = float(np.sqrt(squares / number))
    return _log_ratio(noise, 1.0), _log_ratio(noise, spread)


def _block_edges(planes: Image) -> tuple[float, float]:
    """Measure how much steeper steps between blocks of 8 × 8 are than others, log, both ways.

    As JPEG leaves them (Wang, Sheikh & Bovik 2002, IEEE ICIP). NaN where an image has no two edges.
    """
    # Steps between columns, then between rows.
    ratios = []
    for axis in (-2, -1):
        steps = np.diff(np.moveaxis(planes, axis, -1), axis=-1)
        at_edge = np.arange(steps.shape[-1]) % _BLOCK == _BLOCK - 1
        enough = at_edge.sum() >= _MIN_EDGES
        between = _middle(steps[..., at_edge])
        steps[..., at_edge] = np.nan
        within = _middle(steps)
        del steps  # before the next ones are made
        ratios.append(_log_ratio(between, within) if enough else np.nan)
    return ratios[0], ratios[1]


def _gray_levels(image: Image) -> tuple[float, float]:
    """Compute the number of different values, log, and its share of the values between extremes."""
    # How many different values there are.
    if image.dtype in (np.uint8, np.uint16):  # to count is faster than to sort
        flat, size = image.reshape(-1), np.iinfo(image.dtype).max + 1
        starts = range(0, flat.size, _AT_ONCE)
        parts = (np.bincount(flat[at : at + _AT_ONCE], minlength=size) for at in starts)
        values = np.flatnonzero(sum(parts))
    else:
        values = np.unique(image[np.isfinite(image)])
    if not len(values):
        return np.nan, np.nan
    # Whole numbers may have gaps between them, as after a change of contrast.
    between = float(values[-1]) - float(values[0]) + 1
    whole = bool((values == np.round(values)).all())
    return float(np.log(len(values))), len(values) / between if whole else np.nan


def _lowest_bits(image: Image) -> tuple[float, float, float]:
    """Compute shares of pixels whose lowest and second bit is set, and of equal neighbours' lowest.

    NaN where values are not whole numbers. Hidden data, and values that were scaled, show here.
    """
    # Floats that hold whole numbers have bits, too.
    bits = image
    if image.dtype.kind not in "iu":
        values = np.where(np.isfinite(image), image, 0)
        if not np.isfinite(image).any() or not (values == np.round(values)).all():
            return np.nan, np.nan, np.nan
        if np.abs(values).max() >= 2**53:  # a float tells no lowest bit there
            return np.nan, np.nan, np.nan
        bits = values.astype(np.int64)
    # A bit of noise is set in half of the pixels, and differs between neighbours.
    lowest = bits & 1
    across = -2  # the last axis is that of channels, but for gray images
    differences = np.diff(lowest, axis=across if image.ndim > 2 else -1)
    same = float((differences == 0).mean()) if differences.size else np.nan
    return float(lowest.mean()), float((bits >> 1 & 1).mean()), same


def _middle(differences: Image) -> float:
    """Compute the median size of differences, which lose their order and signs; NaN without one."""
    sizes = np.abs(differences, out=differences).ravel(order="K")
    number = int(np.isfinite(sizes).sum())
    if not number:
        return np.nan
    below, above = (number - 1) // 2, number // 2
    sizes.partition((below, above))  # missing ones go to the end
    return (float(sizes[below]) + float(sizes[above])) / 2


def _log_ratio(above: float, below: float) -> float:
    """Compute the logarithm, NaN where it has none."""
    return float(np.log(above / below)) if above > 0 and below > 0 else np.nan


def _border(gray: Image) -> tuple[float, ...]:
    """Compute mean, least and greatest of each corner and of each side between the corners."""
    # How wide the frame is: a share of the side, two pixels at least.
    height, width = (max(_FRAME, side // _FRAMES_IN_A_SIDE) for side in gray.shape)
    first, last, between = slice(height), slice(-height, None), slice(height, -height)
    left, right, across = slice(width), slice(-width, None), slice(width, -width)
    corners = [(row, column) for row in (first, last) for column in (left, right)]
    sides = [(first, across), (last, across), (between, left), (between, right)]
    numbers: list[float] = []
    for part in (*corners, *sides):
        values = gray[part][np.isfinite(gray[part])]
        if len(values):
            numbers += [
                float(values.mean(dtype=np.float64)),
                float(values.min()),
                float(values.max()),
            ]
        else:
            numbers += [np.nan] * 3
    return tuple(numbers)


def encode_covariates(covariates: pd.DataFrame, case_id: Texts) -> dict[str, Floats]:
    """Return covariate → (m, 1) numbers, or a text's place by how common it is; NaN is missing.

    Rare texts share a place.
    """
    # Texts by how common they are, the rarest together.
    table = covariates.set_index("case_id").loc[case_id.tolist()]
    encoded = {}
    for name in table.columns:
        column = table[name]
        if not pd.api.types.is_numeric_dtype(column):
            counts = column.dropna().value_counts()
            commonest = sorted(counts.index, key=lambda text: (-counts[text], text))
            rank = {text: min(place, CATEGORIES - 1) for place, text in enumerate(commonest)}
            column = column.map(rank)
        encoded[str(name)] = column.to_numpy(dtype=np.float64)[:, None]
    return encoded
