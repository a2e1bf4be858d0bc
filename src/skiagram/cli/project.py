"""The project at hand, as far as a command needs it: its choices and option files."""

from pathlib import Path
from typing import Any

import yaml
from pydantic.dataclasses import dataclass

from skiagram.options import STRICT, build, check


@dataclass(**STRICT)
class Choices:
    """The choices of `params.yaml` that tell how long a run takes.

    Attributes:
        restoration: Option file of the restoration.
        features: Option files of the feature families, comma-separated.
        networks: Option files of the networks.
        repeats: Times the plan is repeated.
        folds: Patient-grouped folds.
        inner_folds: Folds inside each outer fold under cross-validation.
    """

    restoration: str
    features: str
    networks: tuple[str, ...]
    repeats: int
    folds: int
    inner_folds: int


def choices_of(project: Path) -> Choices | None:
    """Return the choices of a project; None where there is none."""
    path = project / "params.yaml"
    if not path.is_file():
        return None
    given = yaml.safe_load(path.read_text(encoding="utf-8"))
    named = {name: given[name] for name in Choices.__annotations__ if name in given}
    return check(Choices, named, "params.yaml")


def option_file(project: Path, group: str, name: str) -> Any:
    """Return the values of one option file as they stand."""
    path = project / "conf" / group / f"{name}.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def option(project: Path, group: str, name: str) -> Any:
    """Return the dataclass of one option file.

    Raises:
        OptionError: The file holds a wrong value.
    """
    return build(option_file(project, group, name), group)
