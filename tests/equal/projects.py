"""The eight projects: what they read, what is chosen, and what is done with them when finished."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.yaml_rows import read_rows


@dataclass(frozen=True)
class SmallProject:
    """One project, a row of `projects.yaml`.

    Attributes:
        choices: Lines of params.yaml.
        added: What is typed after `skiagram` to add the data set; empty for one that comes along.
        write: The function of `sources` that writes what the project reads into the folder above.
        options: Config → dotted name → value.
        after: Commands typed in the finished project. What they write into `after` is compared.
    """

    choices: Mapping[str, Any]
    added: str = ""
    write: str = ""
    options: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    after: Sequence[str] = ()


PROJECTS = read_rows(__file__, "projects", SmallProject)
