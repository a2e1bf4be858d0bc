"""What cases are predicted to have besides a class: one file a kind of outcome, named here.

Records and option files are read as the first member that they fit.
"""

from skiagram.outcomes.grade import Grade, GradeCalibration
from skiagram.outcomes.number import Number, NumberCalibration
from skiagram.outcomes.time import HazardCalibration, TimeToEvent

AnyOutcome = TimeToEvent | Number | Grade  # an option file that names no `kind` means the first
OutcomeCalibration = HazardCalibration | NumberCalibration | GradeCalibration
