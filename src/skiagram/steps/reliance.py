"""What a classical model rests on, measured once it is trained: a figure of the report."""

from pathlib import Path
from typing import Any

from skiagram.explanation.clusters import MOST_FEATURES
from skiagram.explanation.record import RELIANCE
from skiagram.explanation.reliance import measure_reliance
from skiagram.fitting.arm import ArmFolders
from skiagram.fitting.contract import ReadsData
from skiagram.fitting.deployment import repeat_folder
from skiagram.preparation import PreparedData
from skiagram.records.feature_table import FeatureTable
from skiagram.records.files import read_record, write_record
from skiagram.records.predictions import Outcome
from skiagram.tasks.cases import read_cases


def write_reliance(root: Path, name: str, model: ReadsData[Any], seed: int, target: Path) -> None:
    """Write `reliance.json` beside a classical model's scores; nothing of other models.

    Args:
        target: Where training wrote the model and its scores.
    """
    trained = ArmFolders.under(target, name)
    outcome = read_record(Outcome, trained.scores / "outcome.json")
    if outcome.status == "failed" or outcome.arm != "classical":
        return

    # Cases that the fit did not see, where there are any; no label is read.
    prepared, (cases, task) = PreparedData.under(root / "data"), read_cases(root / "data/cases")
    unseen = task.design == "holdout"
    chosen = cases.test() if unseen else cases.development()
    inputs = model.read(prepared, task).of(chosen.case_id)

    # The final fit of the first repeat; a finder reads places, and some models read no feature.
    fitted = model.load(trained.model / repeat_folder(0))
    read = len(fitted.requires.columns)
    if isinstance(inputs, FeatureTable) and len(inputs) > 1 and 0 < read <= MOST_FEATURES:
        reliance = measure_reliance(outcome.title, fitted, inputs, unseen, seed)
        write_record(reliance, trained.scores / RELIANCE)
