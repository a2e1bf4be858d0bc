"""What a search may change: option names with their ranges, one file a model in conf/search."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic.dataclasses import dataclass

from skiagram.errors import OptionError
from skiagram.options import STRICT

Scale = Literal["linear", "log"]


@dataclass(**STRICT)
class Real:
    """A range of numbers, both ends included.

    Attributes:
        low: Least value.
        high: Greatest value.
        scale: `log` tries each order of magnitude as often as any other; then `low` > 0.
    """

    low: float
    high: float
    scale: Scale

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.low >= self.high:
            raise ValueError("`low` must lie below `high`")
        if self.scale == "log" and self.low <= 0:
            raise ValueError("`scale: log` needs a `low` above 0")
        return self

    def holds(self, value: object) -> bool:
        """Say whether a value lies within."""
        number = type(value) in {int, float}
        return number and self.low <= value <= self.high  # type: ignore[operator]


@dataclass(**STRICT)
class Whole(Real):
    """A range of whole numbers, both ends included."""

    low: int
    high: int

    def holds(self, value: object) -> bool:
        """Say whether a value is whole and lies within."""
        return type(value) is int and super().holds(value)


@dataclass(**STRICT)
class Choice:
    """Some values of any kind.

    Attributes:
        choices: The values, at least two.
    """

    choices: Annotated[tuple[Any, ...], Field(min_length=2)]

    def holds(self, value: object) -> bool:
        """Say whether a value is among them."""
        return value in self.choices


def _kind(value: Any) -> str:
    """Say which kind of values an option file means, so that an error is about that kind alone."""
    if isinstance(value, Mapping):
        whole = type(value.get("low")) is int and type(value.get("high")) is int
        return "choice" if "choices" in value else "whole" if whole else "real"
    return {Choice: "choice", Whole: "whole"}.get(type(value), "real")


Dimension = Annotated[
    Annotated[Whole, Tag("whole")]
    | Annotated[Real, Tag("real")]
    | Annotated[Choice, Tag("choice")],
    Discriminator(_kind),
]


@dataclass(**STRICT)
class Space:
    """What a search of one model may change; its first trial has the values of the option file.

    Attributes:
        options: Option, with dots down to nested ones → the values to choose from.
    """

    options: Annotated[dict[str, Dimension], Field(min_length=1)]

    def defaults(self, options: Mapping[str, Any], where: str) -> dict[str, Any]:
        """Return the option file's own values of the options searched.

        Args:
            options: The model's option file.
            where: The space's file, for messages.

        Raises:
            OptionError: The model has no such option, or its value lies outside the space.
        """
        found = {}
        for name, dimension in self.options.items():
            value = _value(options, name, where)
            if not dimension.holds(value):
                raise OptionError(
                    f"the model's own value {value!r} lies outside",
                    where=f"{where}.options.{name}",
                    remedy="widen the range: the first trial has the values of the option file",
                )
            found[name] = value
        return found


def _value(options: Mapping[str, Any], name: str, where: str) -> Any:
    found: Any = options
    for part in name.split("."):
        if not isinstance(found, Mapping) or part not in found:
            known = ", ".join(sorted(map(str, found))) if isinstance(found, Mapping) else "nothing"
            raise OptionError("no such option", where=f"{where}.options.{name}", allowed=known)
        found = found[part]
    return found


def applied(options: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with some values in place of their own; the given mapping stays as it is."""
    changed = deepcopy(dict(options))
    for name, value in values.items():
        *path, last = name.split(".")
        inner = changed
        for part in path:
            inner = inner[part]
        inner[last] = value
    return changed
