"""skiagram: is a deep network worth it over classical features, by how much and how surely?"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skiagram.radiomics.features import RadiomicsFeatures, extract
    from skiagram.report.notebook import ProjectResult, ScoreComparison, compare, read_project

__all__ = [
    "ProjectResult",
    "RadiomicsFeatures",
    "ScoreComparison",
    "compare",
    "extract",
    "read_project",
]

_PLACES = {
    "skiagram.radiomics.features": ("RadiomicsFeatures", "extract"),
    "skiagram.report.notebook": ("ScoreComparison", "ProjectResult", "compare", "read_project"),
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, and only that (PEP 562): `import skiagram` takes no time."""
    for place, names in _PLACES.items():
        if name in names:
            return getattr(import_module(place), name)
    raise AttributeError(f"module `skiagram` has no `{name}`: it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
