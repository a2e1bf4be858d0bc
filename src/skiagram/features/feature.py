"""What a feature is: a column of the feature table, with its definition.

A feature's docstring is its definition. The first paragraph is the meaning; it holds the feature's
code in the reference manual of the Image Biomarker Standardisation Initiative (IBSI,
arXiv:1612.07003) where the manual defines it. Lines `Formula:`, `Unit:` and `Range:` follow.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Generic, Self, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]
T = TypeVar("T")
_CODE = re.compile(r"(.*?) \(([0-9A-Z]{4})\)(.*)")
_PARTS = ("Formula", "Unit", "Range")
_PLACEHOLDER = re.compile(r"<\w+>")


@dataclass(frozen=True)
class Definition:
    """One feature, or several that differ in an option or a place.

    Attributes:
        name: The column's name; `<…>` stands for one word.
        meaning: What it measures, and its value where that is not obvious.
        formula: How it is computed.
        unit: Its unit; `1` for a plain number.
        range: Its least and its largest value.
        ibsi: Code in the IBSI's manual, or nothing.
        notes: What the formulas of its group have in common, such as their symbols, or nothing.
    """

    name: str
    meaning: str
    formula: str
    unit: str
    range: str
    ibsi: str = ""
    notes: str = ""

    def fits(self, column: str) -> bool:
        """Return whether a column of the table is this feature."""
        parts = _PLACEHOLDER.split(self.name)
        return re.fullmatch("[a-z0-9]+".join(map(re.escape, parts)), column) is not None

    @classmethod
    def read(cls, name: str, docstring: str, notes: str = "") -> "Definition":
        """Read a feature's definition; parts that the docstring lacks are empty.

        Args:
            name: The column's name.
            docstring: As this module describes.
            notes: Of its group.
        """
        text = inspect.cleandoc(docstring)
        summary = " ".join(text.split("\n\n")[0].split())
        coded = _CODE.fullmatch(summary)
        meaning, ibsi = (coded[1] + coded[3], coded[2]) if coded else (summary, "")
        formula, unit, limits = (_part(text, part) for part in _PARTS)
        return cls(name, meaning, formula, unit, limits, ibsi, notes)


def explanation(docstring: str) -> str:
    """Return what a docstring says between its first line and its list of attributes."""
    _, _, rest = inspect.cleandoc(docstring).partition("\n\n")
    return " ".join(re.split(r"^Attributes:$", rest, flags=re.MULTILINE)[0].split())


def _part(text: str, part: str) -> str:
    others = "|".join(f"{other}:" for other in _PARTS)
    match = re.search(rf"^{part}: (.+(?:\n(?!{others}|\n).+)*)", text, re.MULTILINE)
    return " ".join(match[1].split()) if match else ""


class Quantity(Generic[T]):
    """Marks a method whose result is kept with its object, for several features.

    Unlike `functools.cached_property`, which before Python 3.12 holds one lock for all objects of a
    class, it lets threads work on several batches at a time.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        """Keep the result under the attribute's name."""
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> Self | T:
        """Return the result, computed at the first use."""
        if instance is None:
            return self
        value = vars(instance)[self._name] = self._compute(instance)
        return value


class Feature(Quantity[Column]):
    """Marks a method that computes one feature of n images as (n,) float64."""

    field = ""

    def __set_name__(self, owner: type, name: str) -> None:
        """Keep the result under the attribute's name, which is that of its field if it has none."""
        super().__set_name__(owner, name)
        self.field = self.field or name

    @classmethod
    def summed(
        cls, meaning: str, formula: str, unit: str, limits: str, field: str = ""
    ) -> "Feature":
        """Return a feature of `SummedFeatures`.

        Args:
            meaning: First paragraph of its definition.
            formula: How it is computed.
            unit: Its unit.
            limits: Its range.
            field: Where it stands, unless in the field of its own name.
        """

        def compute(features: "SummedFeatures") -> Column:
            column: Column = features.sums[:, features.fields.index(feature.field)]
            return column

        feature = cls.of(compute, meaning, formula, unit, limits)
        feature.field = field
        return feature

    @classmethod
    def of(
        cls, compute: Callable[[Any], Column], meaning: str, formula: str, unit: str, limits: str
    ) -> "Feature":
        """Return a feature without a method, where several differ in their definition alone.

        Args:
            compute: Takes the object, returns (n,).
            meaning: First paragraph of its definition.
            formula: How it is computed.
            unit: Its unit.
            limits: Its range.
        """
        feature = cls(compute)
        feature.__doc__ = f"{meaning}\n\nFormula: {formula}\nUnit: {unit}\nRange: {limits}\n"
        return feature

    def defined(self, words: Mapping[str, str], ibsi: str, limits: str | None = None) -> "Feature":
        """Return the same feature for another matrix, under a name and a definition of its own.

        Args:
            words: What stands in the docstring for each `{word}`.
            ibsi: Code in the IBSI's manual.
            limits: Range, where it is not that of the docstring.
        """
        text = inspect.cleandoc(self.__doc__ or "").format_map({**words, "ibsi": ibsi})
        feature = Feature(self._compute)
        feature.field = self.field
        feature.__doc__ = (
            text if limits is None else re.sub(r"(?<=^Range: ).*", limits, text, flags=re.MULTILINE)
        )
        return feature


class Features:
    """Base of a group of features: names, columns and definitions of its `Feature` members."""

    @classmethod
    def names(cls, prefix: str) -> tuple[str, ...]:
        """Return `<prefix>_<feature>` of each feature, in the order of definition."""
        return tuple(f"{prefix}_{name}" for name in cls._features())

    def columns(self) -> NDArray[np.float64]:
        """Return the features of the n images as (n, n_features), in the order of `names`."""
        columns: list[Column] = [getattr(self, name) for name in self._features()]
        table = np.empty((len(columns[0]), len(columns)))
        for number, column in enumerate(columns):  # at once, where `np.stack` looks at each twice
            table[:, number] = column
        return table

    @classmethod
    def definitions(cls, prefix: str) -> tuple[Definition, ...]:
        """Return what each feature means, in the order of `names`.

        The docstring of the class, from its second paragraph to its attributes, says what the
        formulas have in common.

        Args:
            prefix: As in `names`; `<…>` in it stands for one word that differs between columns.
        """
        notes = explanation(cls.__doc__ or "")
        return tuple(
            Definition.read(f"{prefix}_{name}", vars(cls)[name].__doc__ or "", notes)
            for name in cls._features()
        )

    @classmethod
    @cache
    def _features(cls) -> tuple[str, ...]:
        return tuple(name for name, member in vars(cls).items() if isinstance(member, Feature))


@dataclass(frozen=True)
class SummedFeatures(Features):
    """Base of a group whose features a compiled loop has computed: each is a field of a table.

    Attributes:
        sums: (n, fields) float64.
    """

    sums: NDArray[np.float64]

    fields: ClassVar[tuple[str, ...]]

    def columns(self) -> NDArray[np.float64]:
        """Return the features of the n images as (n, n_features), in the order of `names`."""
        return self.sums[:, self._places()]

    @classmethod
    @cache
    def _places(cls) -> NDArray[np.intp] | slice:
        """Return where the features stand; as a slice, which takes no time, if in their order."""
        places = [cls.fields.index(vars(cls)[name].field) for name in cls._features()]
        in_order = places == list(range(places[0], places[0] + len(places)))
        return slice(places[0], places[-1] + 1) if in_order else np.array(places)


def ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> Column:
    """Divide, with 0 where the denominator is 0.

    Args:
        numerator: (n,).
        denominator: (n,).
    """
    zeros = np.zeros(denominator.shape)
    quotient: Column = np.divide(numerator, denominator, out=zeros, where=denominator != 0)
    return quotient
