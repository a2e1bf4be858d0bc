"""Names of files as patterns tell them, such as `{label}/{patient}_{modality}.nii.gz`.

A user writes a pattern; a usual layout is a row of patterns in `layouts.yaml`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from skiagram.datasets.folder.roles import PART_PATTERN
from skiagram.declared import read_declared

Cut = Literal["first", "last"]
_FIELD = re.compile(r"\{(\w+)\}")
_REFERENCE = re.compile(r"<(\w+)>")
LAYOUTS = read_declared("skiagram.datasets.folder", "layouts.yaml")
# field → regular expression of what it stands for
CONTENT = {"split": PART_PATTERN}
for _name, _written in LAYOUTS["fields"].items():
    CONTENT[_name] = _REFERENCE.sub(lambda found: CONTENT[found[1]], _written)


@dataclass(frozen=True)
class NamePattern:
    """Names of files, with fields in braces; one that repeats repeats what it stands for."""

    written: str

    @cached_property
    def fields(self) -> list[str]:
        """Its fields, in order."""
        return _FIELD.findall(self.written)

    def readings(self, name: str) -> list[dict[str, str]]:
        """Return what the fields stand for in a name: each as short, and as long, as can be.

        There is one reading where both are the same, and none where the name does not fit.
        """
        matches = [expression.fullmatch(name) for expression in self._expressions]
        told = [match.groupdict() for match in matches if match is not None]
        return told[:1] if told[1:] == told[:1] else told

    def fill(self, told: Mapping[str, str]) -> str:
        """Return the name that fields make; one that nothing is told of leaves a mark."""
        return _FIELD.sub(lambda found: told.get(found[1], "\0"), self.written)

    @cached_property
    def _expressions(self) -> list[re.Pattern[str]]:
        literal, *others = _FIELD.split(self.written)
        shortest = longest = re.escape(literal)
        earlier: set[str] = set()
        for name, literal in zip(others[::2], others[1::2], strict=True):
            content = CONTENT[name]
            lazy = f"{content}?" if content[-1] in "+*" else content
            if name == "any":
                shortest, longest = shortest + lazy, longest + content
            elif name in earlier:
                shortest, longest = (f"{text}(?P={name})" for text in (shortest, longest))
            else:
                shortest += f"(?P<{name}>{lazy})"
                longest += f"(?P<{name}>{content})"
            shortest, longest = (text + re.escape(literal) for text in (shortest, longest))
            earlier.add(name)
        return [re.compile(shortest), re.compile(longest)]
