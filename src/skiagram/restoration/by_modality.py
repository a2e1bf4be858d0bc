"""A restoration for each modality of cases that have several images."""

from collections.abc import Sequence
from pathlib import Path

from pydantic.dataclasses import dataclass

from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.errors import OptionError
from skiagram.image_store.modalities import modality_folders, write_modalities
from skiagram.image_store.store import ImageStore
from skiagram.options import STRICT
from skiagram.records import Cases
from skiagram.restoration.contract import Restoration
from skiagram.restoration.restore import restore_store
from skiagram.restoration.steps import Steps


@dataclass(**STRICT)
class ByModality:
    """What is done to the images of each modality.

    Attributes:
        modalities: Modality → its steps.
    """

    modalities: dict[str, Steps]

    def of(self, name: str, known: Sequence[str]) -> Steps:
        """Return the steps of a modality.

        Args:
            name: The modality.
            known: All modalities of the data set.

        Raises:
            OptionError: A modality has no steps, or steps have no modality.
        """
        if set(self.modalities) != set(known):
            raise OptionError(
                f"steps for {', '.join(self.modalities)}",
                where="restoration.modalities",
                allowed=", ".join(known) if any(known) else "a restoration for one image per case",
                remedy="name each modality of the data set once",
            )
        return self.modalities[name]


def restore_modalities(
    images: Path,
    restoration: Restoration | ByModality,
    restored: Path,
    record: Path,
    cases: Cases,
    compute: Compute = IN_PROCESS,
) -> None:
    """Restore the images of every modality; `restore_store` says how.

    Args:
        images: Folder of the ingested images.
        restoration: What to do, alike for all modalities or for each.
        restored: Folder for the restored images.
        record: Parquet file for what was done to the first modality; those of the others lie with
            their images.
        cases: The case table.
        compute: Where the work is done.

    Raises:
        DataError: An image cannot be restored.
        OptionError: The restoration does not fit the modalities.
    """
    folders = modality_folders(images)
    for name, folder in folders.items():
        first = folder == images
        own = restoration
        if isinstance(own, ByModality):
            own = own.of(name, tuple(folders))
        target = restored if first else restored / name
        own_record = record if first else target / "treatment.parquet"
        restore_store(ImageStore(folder), own, target, own_record, cases, compute)
    write_modalities(restored, [name for name in folders if name])
