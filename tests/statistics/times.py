"""Sixty censored times with tied events, and what other programs make of them.

The figures were computed once with scikit-survival 0.28.0 and lifelines 0.30.3.
"""

import numpy as np

CASES = 60
_NUMBER = np.arange(CASES)
VALUES = np.stack(
    [np.sin(1 + _NUMBER * 1.7), np.cos(_NUMBER * 2.3), np.sin(_NUMBER * 0.9) ** 3], axis=1
)
EVENT = (_NUMBER % 5 != 0) & (_NUMBER % 7 != 1)
OTHER = _NUMBER % 3 == 0  # where no event was
_EXACT = np.round(200 * np.exp(-VALUES[:, 0] + 0.6 * np.cos(5 * _NUMBER)), 0) + 1
TIME = np.where(EVENT, _EXACT, _EXACT + 0.5)
UNTIED = TIME + _NUMBER * 1e-4
RISK = np.round(VALUES[:, 0] + 0.7 * np.cos(3 * _NUMBER), 1)
GRID = np.array([50.0, 100.0, 200.0, 300.0])
SURVIVAL = np.exp(-np.exp(RISK * 0.5)[:, None] * GRID / 300)
ONE_FIT = np.zeros(CASES, dtype=np.int64)
EACH = np.arange(CASES, dtype=np.int64)

HARRELL = 0.7468895800933126
UNO_TO_300 = 0.7488059537667547
AUC_AT_200 = 0.8648369533056262
BRIER_AT_200 = 0.17882695689974623
INTEGRATED_BRIER = 0.15846069799346435
KAPLAN_MEIER = [0.933333333333334, 0.812345679012346, 0.5862087396099747, 0.4593579728677862]
CUMULATIVE_INCIDENCE = [  # untied times
    0.06666666666666668,
    0.18765432098765444,
    0.3803703703703706,
    0.5087037037037041,
]
RIDGE = [1.2061102790687122, -0.09472456002159758, -0.03882285369445929]  # alpha 6, Breslow
ELASTIC_NET = [1.2598562349167886, 0.0, 0.0]  # alpha .1, l1_ratio .5
WITHOUT_PENALTY = [2.088583230824899, -0.09612177571829797, -0.04717229256126755]  # untied times
BOOSTED = [  # of cases 0, 1, 2, 30 and 59: 20 trees of 2 levels, rate .1, leaves of 5 or more
    0.5861786335682566,
    0.3817493713402678,
    -0.7467673133344968,
    0.41922960502485834,
    0.7335017545603855,
]
