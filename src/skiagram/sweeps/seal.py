"""The seal of one data set, opened after its models have scored; sweeps alone read it so."""

from pathlib import Path

from skiagram.compute.checkout import home
from skiagram.evaluation.evaluation_set import OpenedCases
from skiagram.image_store.store import ImageStore
from skiagram.records.files import read_record, read_table
from skiagram.sealing.labels import open_labels
from skiagram.sealing.ledger import note_opening
from skiagram.steps.evaluation_inputs import TRUTH, describe_comparison, list_sealed
from skiagram.sweeps.workspace import Workspace
from skiagram.tasks.cases import DataCard, read_cases


def open_data(
    workspace: Workspace, data: Path, opened_by: str, models: tuple[str, ...], request: object
) -> OpenedCases:
    """Open the seal of a data set, and note it in the ledger before.

    Args:
        data: Folder that step ingest wrote.
        opened_by: What opens it, for people.
        models: Whose scores it is opened for.
        request: All that decides the figures, as JSON.
    """
    cases, task = read_cases(data / "cases")
    labels = open_labels(data / "sealed", task.classes)
    test = list_sealed(data, cases, task)
    if workspace.project is not None and test:
        name, images = read_record(DataCard, data / "cases/card.json").name, data / "images"
        comparison = describe_comparison(name, ImageStore(images), test, opened_by, models, request)
        note_opening(home(workspace.project), comparison, workspace.project)
    truth = data / TRUTH
    return OpenedCases(cases, task, labels, read_table(truth) if truth.exists() else None)
