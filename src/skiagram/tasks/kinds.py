"""The members of the family of tasks: classes, and outcomes whose cases have a value."""

from typing import get_args

from skiagram.tasks.classes import Classes
from skiagram.tasks.findings import Findings, FindingsCalibration
from skiagram.tasks.grade import Grade, GradeCalibration
from skiagram.tasks.number import Number, NumberCalibration
from skiagram.tasks.outcome import MeasuredOutcome
from skiagram.tasks.time import HazardCalibration, TimeToEvent

AnyOutcome = (
    TimeToEvent | Number | Grade | Findings
)  # a config that names no `kind` means the first
AnyPredicted = Classes | AnyOutcome
OutcomeCalibration = HazardCalibration | NumberCalibration | GradeCalibration | FindingsCalibration
KINDS: tuple[type[MeasuredOutcome], ...] = get_args(AnyOutcome)
