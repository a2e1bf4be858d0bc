"""What YAML files of the package declare beside its modules: rules, words, facts."""

from typing import Any


def read_words(package: str, file: str) -> dict[str, frozenset[str]]:
    """Read kind → words, which a YAML file declares in several lists each."""
    declared = read_declared(package, file)
    return {kind: frozenset().union(*lists) for kind, lists in declared.items()}


def read_declared(package: str, file: str) -> Any:
    """Read what a YAML file beside the modules of a package declares."""
    from importlib.resources import files  # a stage that has nothing to do starts without

    import yaml

    text = files(package).joinpath(file).read_text(encoding="utf-8")
    return yaml.load(text, Loader=yaml.CSafeLoader)


def fill(words: str, /, **places: object) -> str:
    """Fill the places in braces of declared words; thousands of a count have a comma."""
    counts = {name: f"{place:,}" for name, place in places.items() if isinstance(place, int)}
    return words.format(**places | counts)
