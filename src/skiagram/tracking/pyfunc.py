"""A trained model as MLflow serves it: this file is the model's code, its folder the artefact.

The program is imported when a model is loaded: MLflow runs this file when it logs one, too.

MLflow keeps a copy of this file (the models-from-code form), so nothing is pickled. A row of the
input is a case: its image as the bytes of a file, beside it a mask where the model reads regions,
and covariates where it reads those. What comes back is what `skiagram predict` writes.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

from skiagram.errors import SkiagramError
from skiagram.tracking.mlflow_store import LABEL, NAME, image_columns

if TYPE_CHECKING:
    from skiagram.deploy.model import DeployedModel


def score_frame(model: "DeployedModel", frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of `skiagram predict` for the cases in a table of bytes, one a row.

    Columns of `image_columns` hold the content of files, those of covariates text or numbers.
    """
    from skiagram.deploy.new_cases import MemoryTree, NewCase
    from skiagram.deploy.prediction import score_cases, tabulate
    from skiagram.readers.case_images import ImageReference

    rows, preparation = frame.to_dict("records"), model.preparer.preparation
    image_pairs = image_columns(preparation.modalities, regions=preparation.regions)
    columns = {covariate.column for covariate in model.scorer.covariates}
    cases = []
    for number, row in enumerate(rows, start=1):
        files: dict[str, bytes] = {}
        images, label = {}, _text(row.get(LABEL))
        for modality, (image, mask) in image_pairs.items():
            for name in (image, mask):
                content = None if name is None else row.get(name)
                if name is not None and isinstance(content, bytes) and content:
                    files[name] = content
            images[modality] = ImageReference(
                image,
                (mask,) if mask in files else (),
                label_value=int(label) if label.isdecimal() else None,
            )
        cells = {name: _text(row.get(name)) for name in columns}
        cases.append(NewCase(f"row {number}", MemoryTree(files), images, cells))
    names = [_text(row.get(NAME)) or case.name for case, row in zip(cases, rows, strict=True)]
    scored = list(score_cases(model, cases))
    if scored and all(row.error for row in scored):
        raise SkiagramError(f"none of the cases can be scored: {scored[0].error}")
    return tabulate(model, scored, names)


def _text(cell: object) -> str:
    return "" if cell is None or cell != cell else str(cell)  # NaN is missing


class ServedModel(PythonModel):  # type: ignore[misc]  # MLflow gives no types
    """What MLflow calls; the model's folder is an artefact that it keeps."""

    def load_context(self, context: Any) -> None:
        from skiagram.deploy.model import load_model

        self._model = load_model(Path(context.artifacts["model"]))

    def predict(
        self,
        context: Any,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Score cases; where none can be scored a server answers 400 with the reason."""
        try:
            return score_frame(self._model, model_input)
        except SkiagramError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error


set_model(ServedModel())
