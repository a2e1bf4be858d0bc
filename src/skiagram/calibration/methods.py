"""The methods of calibration by name."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from skiagram.calibration.isotonic import Isotonic, average_isotonic, fit_isotonic
from skiagram.calibration.scaling import Scaling, average_scaling, fit_platt, fit_temperature

Method = Literal["platt", "isotonic", "temperature"]
Calibration = Scaling | Isotonic

_FIT: Mapping[Method, Callable[[NDArray[np.float64], NDArray[np.int64]], Calibration]] = {
    "platt": fit_platt,
    "isotonic": fit_isotonic,
    "temperature": fit_temperature,
}


def fit_calibration(
    method: Method, scores: NDArray[np.float64], label: NDArray[np.int64]
) -> Calibration:
    """Fit a calibration.

    Args:
        method: Its name.
        scores: (n, n_classes) float64, out-of-fold.
        label: (n,) int64.
    """
    return _FIT[method](scores, label)


def average(calibrations: Sequence[Calibration]) -> Calibration:
    """Average the calibrations of the folds, all of one method.

    Scores of different folds come from different fits, so each fold is calibrated on its own.
    """
    scalings = [one for one in calibrations if isinstance(one, Scaling)]
    curves = [one for one in calibrations if isinstance(one, Isotonic)]
    return average_isotonic(curves) if curves else average_scaling(scalings)


def of_held_out(calibrations: Sequence[Calibration]) -> list[Calibration]:
    """Return, a fold, the calibration of the cases that the fold holds out.

    The few numbers of a scaling hardly know the labels they were fit to, so it is the fold's own.
    An isotonic curve bends to them: thresholds, conformal sets and pooled rankings would take a
    fold's probabilities for far better than new cases get, so it is the average of the others'.

    Args:
        calibrations: One a fold, at least two.
    """
    return [
        average([*calibrations[:k], *calibrations[k + 1 :]]) if isinstance(own, Isotonic) else own
        for k, own in enumerate(calibrations)
    ]
