"""Options written into the files of a project, whose comments stay."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from skiagram.compute.files import write_files


def find_place(option: str) -> tuple[Path, str]:
    """Find the file of an option as sweeps name it, and its dotted name there."""
    if not option.startswith("conf."):
        return Path("params.yaml"), option
    _, group, *rest = option.split(".")
    if Path("conf", group).is_dir():
        return Path("conf", group, f"{rest[0]}.yaml"), ".".join(rest[1:])
    return Path("conf", f"{group}.yaml"), ".".join(rest)


def find_dotted(values: Any, dotted: str) -> Any:
    """Return an option of a file, whose groups are named before it; None where none is there."""
    for name in dotted.split("."):
        values = values.get(name) if isinstance(values, Mapping) else None
    return values


def put(values: Any, dotted: str, value: Any) -> None:
    """Set an option of a file, whose groups are named before it: `training.epochs`."""
    *parents, last = dotted.split(".")
    for parent in parents:
        values = values[parent]
    if last not in values or values[last] != value:  # else its comments stay
        values[last] = value


def edit_option_file(path: Path, changes: Mapping[str, Any]) -> None:
    """Set dotted options of a file; its comments stay."""
    from ruamel.yaml import YAML
    from ruamel.yaml.representer import RoundTripRepresenter, SafeRepresenter

    # Read with its comments, changed, and written as a whole.
    yaml = YAML()
    # By itself it shows a null as nothing; no other writer of this process changes.
    yaml.Representer = type("WithNull", (RoundTripRepresenter,), {})
    yaml.representer.add_representer(type(None), SafeRepresenter.represent_none)
    values = yaml.load(path)
    for dotted, value in changes.items():
        put(values, dotted, value)
    text = BytesIO()
    yaml.dump(values, text)
    write_files({path: text.getvalue()})
