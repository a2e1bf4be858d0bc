"""What params.yaml may choose of a task; reading it needs no library of statistics."""

from typing import Literal

Design = Literal["holdout", "cv"]  # a sealed test set, or nested cross-validation
CalibrationMethod = Literal["platt", "isotonic", "temperature"]
