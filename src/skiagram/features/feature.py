"""Named features of a batch: each is one kept quantity, its docstring its definition."""

import sys
from collections.abc import Callable
from typing import Any, ClassVar, Generic, Self, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from skiagram.features.definition import Definition, definition, explanation

Column = NDArray[np.float64]
T = TypeVar("T")


class Quantity(Generic[T]):
    """Marks a method whose result is kept with its object, for several features.

    Unlike `functools.cached_property`, which before Python 3.12 holds one lock for all objects of a
    class, it lets threads work on several batches at a time.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> Self | T:
        """Return the result, computed at the first use."""
        if instance is None:
            return self
        kept = vars(instance)[self._compute.__name__] = self._compute(instance)
        return kept


class Feature(Quantity[Column]):
    """Marks a method that computes one feature of n images as (n,) float64."""


class Features:
    """Base of a group of features: names, columns and definitions of its `Feature` properties."""

    @classmethod
    def names(cls, prefix: str) -> tuple[str, ...]:
        """Return `<prefix>_<feature>` of each feature, in the order of definition."""
        return tuple(f"{prefix}_{name}" for name in cls._features())

    def columns(self) -> NDArray[np.float64]:
        """Return the features of the n images as (n, n_features), in the order of `names`."""
        return np.stack([getattr(self, name) for name in self._features()], axis=1)

    @classmethod
    def definitions(cls, prefix: str) -> tuple[Definition, ...]:
        """Return what each feature means, in the order of `names`.

        Args:
            prefix: As in `names`; `<…>` in it stands for one word that differs between columns.
        """
        module = sys.modules[cls.__module__].__doc__ or ""
        notes = explanation(cls.__doc__ or "") or explanation(module)
        return tuple(
            definition(f"{prefix}_{name}", vars(cls)[name].__doc__ or "", notes)
            for name in cls._features()
        )

    @classmethod
    def _features(cls) -> tuple[str, ...]:
        return tuple(name for name, member in vars(cls).items() if isinstance(member, Feature))


class GroupFamily:
    """Base of a feature family whose columns are all features of one group."""

    prefix: ClassVar[str]
    group: ClassVar[type[Features]]

    def names(self) -> tuple[str, ...]:
        """Return the feature names in column order."""
        return self.group.names(self.prefix)

    def definitions(self) -> tuple[Definition, ...]:
        """Return what the features mean, in column order."""
        return self.group.definitions(self.prefix)


def ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> Column:
    """Divide, with 0 where the denominator is 0.

    Args:
        numerator: (n,).
        denominator: (n,).
    """
    zeros = np.zeros(denominator.shape)
    quotient: Column = np.divide(numerator, denominator, out=zeros, where=denominator != 0)
    return quotient
