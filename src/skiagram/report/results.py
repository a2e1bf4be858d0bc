"""Writes all that the evaluate stage leaves: page, plots, score table and machine-readable twin."""

import json
from pathlib import Path

from skiagram.evaluation.results import Evaluation
from skiagram.evaluation.scores_table import scores_table
from skiagram.records import write_record
from skiagram.report.gather import Artefacts
from skiagram.report.material import Material
from skiagram.report.metrics import metrics
from skiagram.report.write import write_report

OUTPUTS = ("report.html", "plots", "scores.csv", "evaluation.json", "metrics.json")


def write_results(
    evaluation: Evaluation, material: Material, artefacts: Artefacts, folder: Path
) -> None:
    """Write `OUTPUTS` into a folder.

    Args:
        evaluation: What was found.
        material: What else the page shows.
        artefacts: What it was found on.
        folder: Folder to write to.
    """
    write_report(evaluation, material, folder / "report.html", folder / "plots")
    scores = scores_table(artefacts.models, artefacts.cases, artefacts.task, artefacts.sealed)
    scores.to_csv(folder / "scores.csv", index=False, lineterminator="\n")
    write_record(evaluation, folder / "evaluation.json")
    text = json.dumps(metrics(evaluation), indent=2, sort_keys=True, allow_nan=False)
    (folder / "metrics.json").write_text(text + "\n")
