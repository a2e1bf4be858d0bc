"""`skiagram predict`: new films, scored with a trained model."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from skiagram.errors import DataError

if TYPE_CHECKING:
    from skiagram.deploy.prediction import Prediction

NAME = "predict"
SUMMARY = "score new films with a trained model"
EXAMPLES = """\
  skiagram predict models/svm new/*.png -o scores.csv
      a row a film: its name, the probability of each class and, for two classes, the decision
  skiagram predict models/small_cnn a.dcm b.dcm -o scores.csv --force
      the same with a network, over an earlier table

  skiagram predict models/svm new/*.png -o scores.csv --covariates women.csv
      a model that reads covariates too: a column `file`, named as on this line or without folder,
      and a column for each covariate; an empty cell is unknown

Films are PNG, JPEG, TIFF, PGM, PPM or DICOM files, made as the training films were made.
A film that cannot be scored is named and left out; the exit code is then 4."""
CAUTION = "Research only: this is no medical device, and no score may guide the care of a patient."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("model", type=Path, help="folder of a trained model, models/NAME")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="films to score")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="CSV", help="table to write"
    )
    parser.add_argument(
        "--covariates", type=Path, metavar="CSV", help="what the model reads besides the films"
    )
    parser.add_argument("--force", action="store_true", help="replace an earlier table")


def run(arguments: argparse.Namespace) -> int:
    """Score the films and write the table.

    Returns:
        0, or 4 where a film was left out.

    Raises:
        SkiagramError: The model cannot be loaded, or no film can be scored; nothing is written.
    """
    from skiagram.deploy.covariates import read_covariates
    from skiagram.deploy.model import load_model
    from skiagram.deploy.prediction import predict
    from skiagram.deploy.table import check_target, write_predictions

    check_target(arguments.output, arguments.files, replace=arguments.force)
    model = load_model(arguments.model)
    films: list[Path] = arguments.files
    covariates = read_covariates(arguments.covariates, model.scorer.covariates, films)
    print(CAUTION, file=sys.stderr)
    prediction = predict(model, films, covariates)
    _explain(prediction)
    if not prediction.files:
        raise DataError("none of the films can be scored", where=str(arguments.output))
    write_predictions(prediction, model.task, model.threshold, arguments.output)
    return DataError.exit_code if prediction.refused else 0


def _explain(prediction: "Prediction") -> None:
    for error in prediction.refused:
        print(error, file=sys.stderr)
    if prediction.refused:
        total = len(prediction.refused) + len(prediction.files)
        print(f"{len(prediction.refused)} of {total} films left out.", file=sys.stderr)
    if prediction.unseen:
        file, texts = next(iter(prediction.unseen.items()))
        print(
            f"{len(prediction.unseen)} films have a text that no case of training had, first "
            f"{file}: {', '.join(texts)}. It counts as none of the known ones.",
            file=sys.stderr,
        )
    if prediction.unusual_sizes:
        print(
            f"{len(prediction.unusual_sizes)} films are smaller or larger than any of training, "
            f"first {prediction.unusual_sizes[0]}: their scores are uncertain.",
            file=sys.stderr,
        )
