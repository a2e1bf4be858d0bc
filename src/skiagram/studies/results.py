"""What records of all studies have in common."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StudiedModel:
    """A model.

    Attributes:
        model: Name of its option file.
        title: Name for people.
        arm: `classical` or `deep`.
    """

    model: str
    title: str
    arm: str


@dataclass(frozen=True)
class StudiedDataSet:
    """A data set.

    Attributes:
        dataset: Name of its option file.
        title: Name for people.
    """

    dataset: str
    title: str


@dataclass(frozen=True)
class ReportedDataSet(StudiedDataSet):
    """A data set with figures on its reported cases.

    Attributes:
        cases: Reported cases.
        patients: Their patients.
    """

    cases: int
    patients: int


@dataclass(frozen=True)
class CrossValidatedDataSet(StudiedDataSet):
    """A data set whose development cases every model is fitted on.

    Attributes:
        cases: Development cases; the test labels stay sealed.
        patients: Their patients.
        folds: Folds, of all repeats together.
    """

    cases: int
    patients: int
    folds: int
