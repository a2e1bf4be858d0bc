"""`skiagram predict`: new images, scored with a trained model."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from skiagram.errors import DataError

if TYPE_CHECKING:
    from skiagram.deploy.prediction import Prediction

NAME = "predict"
SUMMARY = "score new images with a trained model"
EXAMPLES = """\
  skiagram predict models/svm new/*.png -o scores.csv
      one row per image: its name, the probability of each class, for two classes the decision,
      and in what it is unlike all training images
  skiagram predict models/small_cnn a.dcm b.dcm -o scores.csv --force
      the same with a network, over an earlier table

  skiagram predict models/svm new/*.png -o scores.csv --covariates women.csv
      a model that reads covariates too: a column `file`, named as on this line or without folder,
      and a column for each covariate; an empty cell is unknown

Images are PNG, JPEG, TIFF, PGM, PPM or DICOM files, made as the training images were made.
An image that cannot be scored is named and left out; the exit code is then 4."""
CAUTION = "Research only: this is no medical device, and no score may guide the care of a patient."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("model", type=Path, help="folder of a trained model, models/NAME")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="images to score")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="CSV", help="table to write"
    )
    parser.add_argument(
        "--covariates", type=Path, metavar="CSV", help="what the model reads besides the images"
    )
    parser.add_argument("--force", action="store_true", help="replace an earlier table")


def run(arguments: argparse.Namespace) -> int:
    """Score the images and write the table.

    Returns:
        0, or 4 where an image was left out.

    Raises:
        SkiagramError: The model cannot be loaded, or no image can be scored; nothing is written.
    """
    from skiagram.deploy.inputs import read_covariates
    from skiagram.deploy.model import load_model
    from skiagram.deploy.prediction import check_target, predict, write_predictions

    check_target(arguments.output, arguments.files, replace=arguments.force)
    model = load_model(arguments.model)
    images: list[Path] = arguments.files
    covariates = read_covariates(arguments.covariates, model.scorer.covariates, images)
    print(CAUTION, file=sys.stderr)
    if model.rule:
        print(model.rule, file=sys.stderr)
    prediction = predict(model, images, covariates)
    _explain(prediction)
    if not prediction.files:
        raise DataError("none of the images can be scored", where=str(arguments.output))
    write_predictions(prediction, model.task, model.threshold, arguments.output)
    return DataError.exit_code if prediction.refused else 0


def _explain(prediction: "Prediction") -> None:
    for error in prediction.refused:
        print(error, file=sys.stderr)
    if prediction.refused:
        total = len(prediction.refused) + len(prediction.files)
        print(f"{len(prediction.refused)} of {total} images left out.", file=sys.stderr)
    if prediction.unseen:
        file, texts = next(iter(prediction.unseen.items()))
        print(
            f"{len(prediction.unseen)} images have a covariate text that too few cases for "
            f"training had, "
            f"first {file}: {', '.join(texts)}. It counts as none of the known categories.",
            file=sys.stderr,
        )
    if prediction.unusual:
        file, reasons = next(iter(prediction.unusual.items()))
        print(
            f"{len(prediction.unusual)} of {len(prediction.files)} images are unlike all training "
            f"images, first {file}: {'; '.join(reasons)}. Do not trust their scores; the column "
            "`unusual` names each reason.",
            file=sys.stderr,
        )
