"""Kinds of outcome besides a class; records and option files are read as the first that fits."""

from typing import get_args

from skiagram.outcomes.findings import Findings, FindingsCalibration
from skiagram.outcomes.grade import Grade, GradeCalibration
from skiagram.outcomes.number import Number, NumberCalibration
from skiagram.outcomes.outcome import MeasuredOutcome
from skiagram.outcomes.time import HazardCalibration, TimeToEvent

AnyOutcome = (
    TimeToEvent | Number | Grade | Findings
)  # an option file that names no `kind` means the first
OutcomeCalibration = HazardCalibration | NumberCalibration | GradeCalibration | FindingsCalibration
KINDS: tuple[type[MeasuredOutcome], ...] = get_args(AnyOutcome)
