"""Cases to look at: the surest right, the surest wrong and the most doubtful of a model."""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.explanation.explained_model import ExplainedModel, FoldFit, draw_rows
from skiagram.explanation.importance import Floats, has_shapley_values, shapley_values
from skiagram.explanation.maps import MappedCase
from skiagram.explanation.record import Contribution, Kind, Picture, ShownCase
from skiagram.explanation.trust import Mask
from skiagram.image_store.shards import is_volume

_LONGEST = 96  # pixels a side of a picture in the result


def choose_shown(model: ExplainedModel) -> list[tuple[str, Kind]]:
    """Choose the surest right, the surest wrong and the most doubtful cases, a patient once a kind.

    The scores are those of the first repeat.
    """
    known, most = model.known, model.options.gallery
    ranking = np.empty(len(known))
    for fit in model.first:
        ranking[fit.held_out] = fit.ranking
    right = (ranking > 0) == (known.label == model.positive)
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
            patient, label = str(known.patient_id[row]), int(known.label[row])
            full = kind != "doubtful" and classes.get(label, 0) >= -(-most // 2)
            if not fitting[row] or patient in patients or full or len(patients) >= most:
                continue
            patients.add(patient)
            classes[label] = classes.get(label, 0) + 1
            chosen.append((str(known.case_id[row]), kind))
    return chosen


def show_cases(
    model: ExplainedModel, mapped: Mapping[str, Sequence[MappedCase]]
) -> tuple[ShownCase, ...]:
    """Return the cases to look at, with maps of a network or contributions of features."""
    cases, classes = [], model.task.classes
    for case, kind in choose_shown(model):
        row = int(model.rows([case])[0])
        fit = next(fit for fit in model.first if row in fit.held_out)
        score = float(fit.ranking[np.flatnonzero(fit.held_out == row)[0]])
        if mapped:
            explained = mapped[case][0]
            image, mask = explained.seen, explained.region
            maps = {str(method): values for method, values in explained.maps.items()}
        else:
            stored = model.prepared.store.image(case)
            image, mask, maps = _grey(stored), model.mask(case), {}
        cut = _slice_of(image, mask)
        cases.append(
            ShownCase(
                kind=kind,
                true=classes[int(model.known.label[row])],
                named=classes[model.positive if score > 0 else 1 - model.positive],
                score=score,
                image=draw_picture(cut(image), *np.percentile(image, (1, 99))),
                region=None if mask is None else draw_picture(cut(mask).astype(float), 0.0, 1.0),
                maps={
                    method: draw_picture(cut(values), 0.0, float(np.percentile(values, 99.5)))
                    for method, values in maps.items()
                },
                contributions=_contributions(model, fit, row),
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


def _contributions(model: ExplainedModel, fit: FoldFit, row: int) -> tuple[Contribution, ...]:
    options = model.options.importance
    if model.model.arm != "classical" or not options.shap_cases:
        return ()
    if not has_shapley_values(fit.fitted):
        return ()
    training, case = model.table(fit, fit.training), model.table(fit, np.array([row]))
    some = draw_rows(model.stream(fit, "background"), training, options.background)
    shares = shapley_values(fit.fitted, training.select(some), case, model.positive).values[0]
    largest = np.argsort(-np.abs(shares), kind="stable")[: min(3, len(shares))]
    return tuple(Contribution(fit.fitted.features[k], float(shares[k])) for k in largest)


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
