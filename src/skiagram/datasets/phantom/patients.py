"""The patients of a phantom and their entries."""

from typing import Annotated

from pydantic import Field as Limits
from pydantic.dataclasses import dataclass

from skiagram.datasets.contract import Entry
from skiagram.options import STRICT
from skiagram.records import Split


@dataclass(**STRICT)
class Patients:
    """Number of patients in each split; every second one is abnormal."""

    train: Annotated[int, Limits(ge=2, le=1_000_000)]
    validation: Annotated[int, Limits(ge=0, le=1_000_000)]
    test: Annotated[int, Limits(ge=2, le=1_000_000)]

    def entries(self, each: int, what: str) -> list[Entry]:
        """List every image: patients in order, the images of a patient together.

        Args:
            each: Images of a patient.
            what: Word for one of them, in names that never leave ingest.
        """
        splits: list[Split] = ["train"] * self.train
        splits += ["validation"] * self.validation
        splits += ["test"] * self.test
        return [
            Entry(f"phantom patient {patient}, {what} {number}", str(patient), patient % 2, split)
            for patient, split in enumerate(splits)
            for number in range(each)
        ]
