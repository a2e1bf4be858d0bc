"""skiagram: is a deep network worth it over classical features, by how much and how surely?"""

import logging
import sys
from contextlib import suppress
from importlib import import_module
from importlib.machinery import SourceFileLoader
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING, Any

# In every process: PyTorch warns where Triton is missing, which only code for GPUs needs.
logging.getLogger("torch.utils.flop_counter").setLevel(logging.ERROR)

if TYPE_CHECKING:
    from skiagram.cli.python_call import run
    from skiagram.radiomics.features import extract
    from skiagram.radiomics.transformer import RadiomicsFeatures
    from skiagram.report.notebook import ProjectResult, ScoreComparison, compare, read_project

__all__ = [
    "ProjectResult",
    "RadiomicsFeatures",
    "ScoreComparison",
    "compare",
    "extract",
    "read_project",
    "run",
]

_PLACES = {
    "skiagram.cli.python_call": ("run",),
    "skiagram.radiomics.features": ("extract",),
    "skiagram.radiomics.transformer": ("RadiomicsFeatures",),
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


def _mend_cut_bytecode() -> None:
    """Have a module compiled anew whose `.pyc` a full disk cut short.

    Python writes such a file without a look at how much of it was written, and would then fail on
    it in every later run.
    """
    read = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, fullname: str) -> Any:
        try:
            return read(self, fullname)
        except (EOFError, ValueError, TypeError):
            with suppress(OSError, NotImplementedError):  # nothing to mend is raised again
                Path(cache_from_source(self.get_filename(fullname))).unlink()
            return read(self, fullname)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign, assignment]
    with suppress(OSError, NotImplementedError):  # of this file itself, which nothing could mend
        Path(cache_from_source(__file__)).unlink()


def _explain_other_version(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """Say what to do where a script of a project asks for what this version has not."""
    if isinstance(error, ImportError) and str(error.name).startswith(f"{__name__}."):
        from skiagram.errors import refusal

        said = refusal("base.other_version", sys.argv[0], fault=error)
        sys.stderr.write(f"{said}\n")
    else:
        sys.__excepthook__(kind, error, trace)


_mend_cut_bytecode()
_script = Path(sys.argv[0]).absolute()
# A project keeps the scripts that it was made with; in a clone they are those of the package.
if _script.parent.name == "pipeline" and _script.parents[1] not in Path(__file__).parents:
    sys.excepthook = _explain_other_version
