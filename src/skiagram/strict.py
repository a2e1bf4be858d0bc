"""How a class of options is declared: `pydantic.dataclasses.dataclass(**STRICT)`.

Unknown names, values of another type and infinite numbers are refused.
"""

from typing import TypedDict

from pydantic import ConfigDict


class _Declaration(TypedDict):
    frozen: bool
    kw_only: bool
    config: ConfigDict


STRICT: _Declaration = {
    "frozen": True,
    "kw_only": True,
    "config": ConfigDict(extra="forbid", strict=True, allow_inf_nan=False),
}
