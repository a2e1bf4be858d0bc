"""Prints the models, the verdict and where the pages stand; exit 5 if a model failed."""

import sys

from lock import repair_lock
from option_files import ROOT
from skiagram.compute.checkout import home
from skiagram.errors import SkiagramError
from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.records import read_record
from skiagram.report.index import write_index
from skiagram.report.sections.models import format_as_text
from skiagram.sealing.ledger import OPENING, Comparison, describe_openings


def main() -> int:
    """Show what the last evaluate stage found."""
    try:
        if repaired := repair_lock(ROOT):
            print(repaired, file=sys.stderr)
        evaluation = read_record(Evaluation, ROOT / "reports/evaluation.json")
        comparison = read_record(Comparison, ROOT / "reports" / OPENING)
        openings = describe_openings(home(ROOT), comparison)
    except SkiagramError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(format_as_text(evaluation), evaluation.verdict, *evaluation.warnings, sep="\n")
    print(*openings, sep="\n", end="\n" if openings else "")
    print("reports/report.html", write_index(ROOT).relative_to(ROOT), sep="\n")
    return 5 if any(model.outcome.status == "failed" for model in evaluation.models) else 0


if __name__ == "__main__":
    sys.exit(main())
