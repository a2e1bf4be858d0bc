"""`skiagram monitor`: whether new cases are like those in training, and scores still hold."""

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from skiagram.cli.folder_arguments import reading_of
from skiagram.cli.predict import add_case_arguments, cases_of, compute_of
from skiagram.errors import DataError, OptionError
from skiagram.statistics.estimate import format_estimate

if TYPE_CHECKING:
    from skiagram.deploy.card import Section
    from skiagram.deploy.model import DeployedModel
    from skiagram.deploy.monitoring import Labels, MonitorReport, Month, Seen
    from skiagram.deploy.package import Opened

_said = partial(format_estimate, why=True)
NAME = "monitor"
SUMMARY = "compare new cases with a model's training data, and its scores with new labels"
EXAMPLES = """\
  skiagram monitor svm.skiagram 2026-05/*.dcm -o may.json
      which scores and features differ from training, how many cases are unlike it
  skiagram monitor svm.skiagram new --labels truth.csv -o may.json
      also discrimination and calibration by month, from a table with the columns `file`, `label`,
      and perhaps `patient_id` and `date`
  skiagram monitor svm.skiagram new --labels truth.csv -o may.json --recalibrate svm-2.skiagram
      also a next revision of the package, calibrated on these labels, with its own card"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("model", type=Path, help="package of a model")
    add_case_arguments(parser)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="JSON")
    parser.add_argument("--labels", type=Path, metavar="CSV", help="labels that became known later")
    parser.add_argument(
        "--recalibrate", type=Path, metavar="PACKAGE", help="package to write, calibrated anew"
    )
    parser.add_argument("--force", action="store_true", help="replace earlier files")


def run(arguments: argparse.Namespace) -> int:
    """Write what was found and say it; return 0, or 4 where a case could not be scored."""
    from skiagram.deploy.inputs import read_covariates
    from skiagram.deploy.model import load_model
    from skiagram.deploy.monitoring import look_at, monitor
    from skiagram.deploy.package import opened_package
    from skiagram.deploy.prediction import check_target
    from skiagram.records.files import write_record

    if arguments.recalibrate is not None and arguments.labels is None:
        raise OptionError("no labels", where="--recalibrate", remedy="give --labels")
    for path in filter(None, (arguments.output, arguments.recalibrate)):
        check_target(path, (str(arguments.model),), replace=arguments.force)
    with opened_package(arguments.model) as package:
        model = load_model(package.folder, reading_of(arguments))
        cases = cases_of(arguments, model)
        covariates = read_covariates(
            arguments.covariates, model.scorer.covariates, cases, arguments.missing
        )
        labels = _read_labels(arguments.labels, model.task.classes)
        seen = look_at(model, cases, covariates, compute_of(arguments.workers))
        report = monitor(model, seen, labels)
        _say(report, package)
        if arguments.recalibrate is not None:
            _recalibrate(package, model, seen, labels, arguments)
        write_record(report, arguments.output)
    return DataError.exit_code if report.refused else 0


def _read_labels(path: Path | None, classes: tuple[str, ...]) -> "Labels":
    from skiagram.datasets.folder.csv_rows import read_csv
    from skiagram.deploy.monitoring import NO_LABELS, Labels

    if path is None:
        return NO_LABELS
    return Labels.read(read_csv(path), classes)


def _say(report: "MonitorReport", package: "Opened") -> None:
    print(f"{package.manifest.title}, revision {package.manifest.revision}")
    print(f"{report.cases} cases, {report.refused} could not be scored.")
    print(f"Share unlike the training data: {_said(report.unlike)}")
    print(f"Share to be referred to a person: {_said(report.referred)}")
    print(
        f"{report.differing} of {report.compared} numbers differ beyond chance (Holm, 5 %). "
        "Probability that a new case has the larger value, .5 where alike:"
    )
    for drift in report.drifts:
        print(f"  {drift.name}: {_said(drift.larger)}, p {drift.p_holm:.3g}")
    for month in report.months:
        print(
            f"{month.name}: {month.patients} patients, {month.positives} of {month.cases} cases "
            f"positive; AUC {_said(month.auc)}; calibration intercept "
            f"{_said(month.intercept)}, slope {_said(month.slope)}; expected over observed "
            f"{_said(month.expected_to_observed)}"
        )
    if report.refused:
        print("`skiagram predict` says why cases could not be scored.", file=sys.stderr)


def _recalibrate(
    package: "Opened",
    model: "DeployedModel",
    seen: "Seen",
    labels: "Labels",
    arguments: argparse.Namespace,
) -> None:
    from skiagram.deploy.monitoring import recalibrate
    from skiagram.deploy.package import next_revision

    before, after = recalibrate(model, seen, labels, package.folder)
    section = _section(package, labels, before, after)
    revised = next_revision(package, arguments.recalibrate, section)
    print(f"Wrote {arguments.recalibrate}, revision {revised.revision}.")
    for month in (before, after):
        print(f"  {month.name}: intercept {_said(month.intercept)}, slope {_said(month.slope)}")


def _section(package: "Opened", labels: "Labels", before: "Month", after: "Month") -> "Section":
    from skiagram.deploy.card import Section

    revision = package.manifest.revision + 1
    months = sorted(set(labels.month.values()) - {""})
    when = f" from {months[0]} to {months[-1]}" if months else ""
    rows = [
        (title, _said(getattr(before, name)), _said(getattr(after, name)))
        for title, name in (
            ("AUC", "auc"),
            ("calibration intercept", "intercept"),
            ("calibration slope", "slope"),
            ("expected over observed", "expected_to_observed"),
        )
    ]
    return Section(
        f"Revision {revision}: calibrated anew",
        (
            f"Calibration, threshold and prediction sets are of {before.patients} new patients"
            f"{when}, {before.positives} of {before.cases} cases positive. The model itself is that"
            f" of revision {revision - 1}.",
            "Afterwards is on folds of these patients that the calibration did not see. The "
            "figures further down are of the first revision.",
        ),
        (("figure", "before", "afterwards"), *rows),
    )
