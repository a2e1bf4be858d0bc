"""Options that list several whole numbers, each once and in ascending order."""

from pydantic import AfterValidator


def _ascending(values: tuple[int, ...]) -> tuple[int, ...]:
    if list(values) != sorted(set(values)):
        raise ValueError("ascending numbers, each once")
    return values


Ascending = AfterValidator(_ascending)
