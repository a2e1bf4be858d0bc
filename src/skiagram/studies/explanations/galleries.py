"""Cases to look at: the surest right, the surest wrong and the most doubtful of each model."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skiagram.explanation.importance import has_shapley_values, shapley_values
from skiagram.explanation.trust import Mask
from skiagram.image_store.shards import is_volume
from skiagram.studies.explanations.fits import FoldFit, Ground, MappedCase, draw_rows, fit_count
from skiagram.studies.explanations.regions import Floats

Kind = Literal["right", "wrong", "doubtful"]
_LONGEST = 96  # pixels a side of a picture in the result


@dataclass(frozen=True)
class Picture:
    """A grey picture, at most 96 pixels a side: base64 of height × width bytes, row after row."""

    height: int
    width: int
    grey: str


@dataclass(frozen=True)
class Contribution:
    """What one feature adds to the score of one case.

    Attributes:
        value: Shapley value; above 0 it speaks for the positive class.
    """

    feature: str
    value: float


@dataclass(frozen=True)
class ShownCase:
    """One case with its explanation.

    Attributes:
        kind: Whether it was classified surely and rightly, surely and wrongly, or with doubt.
        score: Score of the positive class minus that of the other one, by a fit without the case.
        maps: Method → its map, dark where it speaks against the positive class or is silent.
    """

    kind: Kind
    true: str
    named: str
    score: float
    image: Picture
    region: Picture | None
    maps: dict[str, Picture]
    contributions: tuple[Contribution, ...]


def choose_shown(ground: Ground, folds: Sequence[FoldFit], most: int) -> list[tuple[str, Kind]]:
    """Choose the surest right, the surest wrong and the most doubtful cases, a patient once a kind.

    `folds` are those of the first repeat; there are `most` cases of each kind.
    """
    ranking = np.empty(len(ground.cv))
    for fit in folds:
        ranking[fit.fold.held_out] = fit.ranking
    right = (ranking > 0) == (ground.cv.label == ground.cv.positive)
    chosen: list[tuple[str, Kind]] = []
    kinds: tuple[tuple[Kind, NDArray[np.bool_], Floats], ...] = (
        ("right", right, -np.abs(ranking)),
        ("wrong", ~right, -np.abs(ranking)),
        ("doubtful", np.ones(len(right), dtype=np.bool_), np.abs(ranking)),
    )
    for kind, fitting, order in kinds:
        patients: set[str] = set()
        classes: dict[int, int] = {}
        for row in np.argsort(order, kind="stable"):
            patient, label = str(ground.cv.patient_id[row]), int(ground.cv.label[row])
            full = kind != "doubtful" and classes.get(label, 0) >= -(-most // 2)
            if not fitting[row] or patient in patients or full or len(patients) >= most:
                continue
            patients.add(patient)
            classes[label] = classes.get(label, 0) + 1
            chosen.append((str(ground.cv.case_id[row]), kind))
    return chosen


def show_cases(
    ground: Ground, folds: Sequence[FoldFit], most: int, mapped: Mapping[str, Sequence[MappedCase]]
) -> tuple[ShownCase, ...]:
    """Return the cases to look at, with maps of a network or contributions of features."""
    first = folds[: fit_count(folds)]
    cases = []
    for case, kind in choose_shown(ground, first, most):
        row = int(ground.rows([case])[0])
        fit = next(fit for fit in first if row in fit.fold.held_out)
        score = float(fit.ranking[np.flatnonzero(fit.fold.held_out == row)[0]])
        positive = int(ground.cv.positive or 0)
        if mapped:
            explained = mapped[case][0]
            image, mask = explained.picture("seen"), explained.region(ground.mask(case))
            maps = {
                method: explained.picture(f"map_{method}")
                for method in fit.maps.methods
                if (explained.folder / f"map_{method}.npy").exists()
            }
        else:
            stored = ground.cv.prepared.store.image(case)
            image, mask, maps = _grey(stored), ground.mask(case), {}
        cut = _slice_of(image, mask)
        cases.append(
            ShownCase(
                kind=kind,
                true=ground.task.classes[int(ground.cv.label[row])],
                named=ground.task.classes[positive if score > 0 else 1 - positive],
                score=score,
                image=draw_picture(cut(image), *np.percentile(image, (1, 99))),
                region=None if mask is None else draw_picture(cut(mask).astype(float), 0.0, 1.0),
                maps={
                    method: draw_picture(cut(values), 0.0, float(np.percentile(values, 99.5)))
                    for method, values in maps.items()
                },
                contributions=_contributions(fit, case) if fit.candidate.arm == "classical" else (),
            )
        )
    return tuple(cases)


def _grey(image: NDArray[Any]) -> Floats:
    if is_volume(image):
        return image[..., 0].astype(np.float64)
    grey: Floats = image.reshape(*image.shape[:2], -1).astype(np.float64).mean(axis=2)
    return grey


def _slice_of(image: NDArray[Any], mask: Mask | None) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Return what cuts the shown slice out of a volume: the region's largest, else the middle."""
    if image.ndim == 2:
        return lambda values: values
    place = len(image) // 2
    if mask is not None and mask.any():
        place = int(mask.reshape(len(mask), -1).sum(axis=1).argmax())
    return lambda values: values[place]


def _contributions(fit: FoldFit, case: str) -> tuple[Contribution, ...]:
    fitted, options = fit.fitted, fit.importance
    if not options.shap_cases or not has_shapley_values(fitted):
        return ()
    training = fit.table(fit.fold.training)
    some = draw_rows(fit.stream("background"), training, options.background)
    shares = shapley_values(
        fitted, training.select(some), fit.read(np.array([case])), int(fit.cv.positive or 0)
    ).values[0]
    largest = np.argsort(-np.abs(shares), kind="stable")[: min(3, len(shares))]
    return tuple(Contribution(fitted.features[k], float(shares[k])) for k in largest)


def draw_picture(values: NDArray[Any], low: float, high: float) -> Picture:
    """Return a grey picture of an array, white from `high` on, black up to `low`."""
    step = -(-max(values.shape) // _LONGEST)
    height, width = (side - side % step if side >= step else side for side in values.shape)
    cut = values[:height, :width].astype(np.float64)
    if step > 1 and min(height, width) >= step:
        cut = cut.reshape(height // step, step, width // step, step).mean(axis=(1, 3))
    share = np.clip((cut - low) / (high - low if high > low else 1.0), 0.0, 1.0)
    grey = np.round(255 * share).astype(np.uint8)
    height, width = grey.shape
    return Picture(height, width, base64.b64encode(grey.tobytes()).decode("ascii"))
