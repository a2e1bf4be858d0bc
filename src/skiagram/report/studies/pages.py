"""What a study leaves in its folder: the result, its page and, after a search, option files."""

from pathlib import Path
from types import ModuleType

from skiagram.records import read_record, write_record
from skiagram.report.rendering import Summary
from skiagram.report.studies import (
    ablation,
    cost,
    crossover,
    explanations,
    feature_stability,
    robustness,
    search,
    simplification,
)
from skiagram.studies.ablation import AblationResult
from skiagram.studies.cost import CostResult
from skiagram.studies.crossover.study import CrossoverResult
from skiagram.studies.explanations import ExplanationsResult
from skiagram.studies.feature_stability import FeatureStabilityResult
from skiagram.studies.robustness.study import RobustnessResult
from skiagram.studies.search.study import SearchResult
from skiagram.studies.simplification.study import SimplificationResult

StudyResult = (
    AblationResult
    | CostResult
    | CrossoverResult
    | ExplanationsResult
    | FeatureStabilityResult
    | RobustnessResult
    | SearchResult
    | SimplificationResult
)

RESULT, PAGE = "result.json", "page.html"
_OPTION_FILES = "tuned"
_PAGES: dict[type, ModuleType] = {
    AblationResult: ablation,
    CostResult: cost,
    CrossoverResult: crossover,
    ExplanationsResult: explanations,
    FeatureStabilityResult: feature_stability,
    RobustnessResult: robustness,
    SearchResult: search,
    SimplificationResult: simplification,
}


def list_outputs(result: object) -> tuple[str, ...]:
    """Return the names of what `write_study` writes."""
    return (RESULT, PAGE, *((_OPTION_FILES,) if isinstance(result, SearchResult) else ()))


def write_study(result: StudyResult, folder: Path) -> None:
    """Write a study's outputs.

    Args:
        result: What `run` of a study in skiagram.studies returned.
        folder: Folder to write to; it may hold other files.
    """
    write_record(result, folder / RESULT)
    (folder / PAGE).write_text(_PAGES[type(result)].render(result), encoding="utf-8")
    if isinstance(result, SearchResult):
        search.write_option_files(result, folder / _OPTION_FILES)


def read_summary(folder: Path) -> Summary:
    """Read the result of any study and return the title and the answers of its page.

    Args:
        folder: Folder that `write_study` wrote to.

    Raises:
        DataError: The result is missing, damaged or from another version.
    """
    result: StudyResult = read_record(StudyResult, folder / RESULT)  # type: ignore[arg-type]
    summary: Summary = _PAGES[type(result)].summarise(result)
    return summary
