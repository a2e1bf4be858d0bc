"""What data sets say of themselves, for the report's card."""

from abc import ABC, abstractmethod

from pydantic.dataclasses import dataclass

from skiagram.options import STRICT
from skiagram.records import DataCard


@dataclass(**STRICT)
class Described(ABC):
    """Options that every data set of real images has.

    Attributes:
        name: Short name.
        title: Name for people.
        modality: Kind of image.
        licence: Licence of the images.
        citation: What to cite.
        known_issues: What a reader of the report must know.
        waived_findings: Audit finding → reason why it does not stop the run.
    """

    name: str
    title: str
    modality: str
    licence: str
    citation: str
    known_issues: tuple[str, ...]
    waived_findings: dict[str, str]

    @property
    @abstractmethod
    def origin(self) -> str:
        """Where the images are from, for the report."""

    @property
    def patients_known(self) -> bool:
        """Whether every image names its patient."""
        return True

    def card(self) -> DataCard:
        """Return what a reader must know of the data set."""
        return DataCard(
            name=self.name,
            title=self.title,
            modality=self.modality,
            licence=self.licence,
            citation=self.citation,
            source=self.origin,
            patients_known=self.patients_known,
            known_issues=self.known_issues,
            waived_findings=self.waived_findings,
        )
