"""What is to be predicted of the cases of a project, whatever kind it is."""

import json
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, model_validator
from pydantic.dataclasses import dataclass

from skiagram.tasks.choices import Design as Design
from skiagram.tasks.kinds import AnyPredicted

_PREDICTED = TypeAdapter[AnyPredicted](Annotated[AnyPredicted, Field(discriminator="kind")])


@dataclass(frozen=True)
class Task:
    """What is to be predicted.

    Attributes:
        predicted: The member of the family that is predicted, which says all that follows.
        design: `holdout` (a sealed test set) or `cv` (nested cross-validation, nothing sealed).
    """

    predicted: AnyPredicted
    design: Design

    @model_validator(mode="before")
    @classmethod
    def _read_record(cls, record: Any) -> Any:
        """Read a record, whose member of the family is a mapping."""
        if not isinstance(record, dict):
            return record
        # As JSON again: a list in place of a tuple is refused anywhere else.
        member = _PREDICTED.validate_json(json.dumps(record.get("predicted")), strict=True)
        return {"predicted": member, "design": record.get("design")}

    @property
    def part(self) -> Literal["test", "out_of_fold"]:
        """Which scores the figures are on: those of the sealed test cases, or of held-out folds."""
        return "test" if self.design == "holdout" else "out_of_fold"

    def defines(self, analysis: str) -> bool:
        """Tell whether an analysis, a kind of model or a section of the page is defined.

        Args:
            analysis: A name as `Predicted.undefined` lists it, such as `calibration` or
                `subgroups`.
        """
        return analysis not in self.predicted.undefined
