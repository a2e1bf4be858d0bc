"""skiagram: is a deep network worth it over classical features, by how much and how surely?"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skiagram.radiomics.features import RadiomicsFeatures, extract

__all__ = ["RadiomicsFeatures", "extract"]

_PLACES = {
    "RadiomicsFeatures": "skiagram.radiomics.features",
    "extract": "skiagram.radiomics.features",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, and only that (PEP 562): `import skiagram` takes no time."""
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module `skiagram` has no `{name}`: it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
