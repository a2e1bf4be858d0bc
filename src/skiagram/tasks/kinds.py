"""Kinds of outcome besides a class; records and option files are read as the first that fits."""

from typing import get_args

from skiagram.tasks.findings import Findings, FindingsCalibration
from skiagram.tasks.grade import Grade, GradeCalibration
from skiagram.tasks.number import Number, NumberCalibration
from skiagram.tasks.outcome import MeasuredOutcome
from skiagram.tasks.time import HazardCalibration, TimeToEvent

AnyOutcome = (
    TimeToEvent | Number | Grade | Findings
)  # an option file that names no `kind` means the first
OutcomeCalibration = HazardCalibration | NumberCalibration | GradeCalibration | FindingsCalibration
KINDS: tuple[type[MeasuredOutcome], ...] = get_args(AnyOutcome)
