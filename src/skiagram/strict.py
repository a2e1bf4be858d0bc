"""How a class of options is declared: `pydantic.dataclasses.dataclass(**STRICT)`.

Unknown names, values of another type and infinite numbers are refused. So is a number outside the
range that the type of an option names.
"""

from typing import Annotated, TypedDict

from pydantic import ConfigDict, Field

# whole numbers
ZeroOrMore = Annotated[int, Field(ge=0)]
OneOrMore = Annotated[int, Field(ge=1)]
TwoOrMore = Annotated[int, Field(ge=2)]
# any numbers
FromZero = Annotated[float, Field(ge=0)]
AboveZero = Annotated[float, Field(gt=0)]
# numbers from 0 to 1, with or without these two
Share = Annotated[float, Field(ge=0, le=1)]
ShareAboveZero = Annotated[float, Field(gt=0, le=1)]
ShareBelowOne = Annotated[float, Field(ge=0, lt=1)]
ShareBetween = Annotated[float, Field(gt=0, lt=1)]


class _Declaration(TypedDict):
    frozen: bool
    kw_only: bool
    config: ConfigDict


STRICT: _Declaration = {
    "frozen": True,
    "kw_only": True,
    "config": ConfigDict(extra="forbid", strict=True, allow_inf_nan=False),
}
