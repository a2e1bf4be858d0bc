"""Named features of a batch: each is one cached property, its docstring its definition.

A docstring starts with the feature's meaning and ends with its code in the reference manual of the
Image Biomarker Standardisation Initiative (IBSI, arXiv:1612.07003) where the manual defines it.
"""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]


class Feature(cached_property[Column]):
    """Marks a method that computes one feature of n images as (n,) float64."""


class Features:
    """Base of a group of features: the names and the columns of its `Feature` properties."""

    @classmethod
    def names(cls, prefix: str) -> tuple[str, ...]:
        """Return `<prefix>_<feature>` of each feature, in the order of definition."""
        return tuple(f"{prefix}_{name}" for name in cls._features())

    def columns(self) -> NDArray[np.float64]:
        """Return the features of the n images as (n, n_features), in the order of `names`."""
        return np.stack([getattr(self, name) for name in self._features()], axis=1)

    @classmethod
    def _features(cls) -> tuple[str, ...]:
        return tuple(name for name, member in vars(cls).items() if isinstance(member, Feature))


def ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> Column:
    """Divide, with 0 where the denominator is 0.

    Args:
        numerator: (n,).
        denominator: (n,).
    """
    zeros = np.zeros(denominator.shape)
    quotient: Column = np.divide(numerator, denominator, out=zeros, where=denominator != 0)
    return quotient
