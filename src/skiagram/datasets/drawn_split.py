"""A split of exact class counts, drawn by patient for a source that publishes none."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field as Limits
from pydantic.dataclasses import dataclass

from skiagram.datasets.contract import Entry
from skiagram.errors import DataError, OptionError
from skiagram.options import STRICT
from skiagram.records import Split
from skiagram.seeding import stream


@dataclass(**STRICT)
class DrawnSplit:
    """How many images of each class are drawn; all others are left out.

    Attributes:
        seed: Seed of the draw.
        train: Class name → images for training.
        test: Class name → images for testing.
    """

    seed: Annotated[int, Limits(ge=0)]
    train: dict[str, Annotated[int, Limits(ge=1)]]
    test: dict[str, Annotated[int, Limits(ge=1)]]

    def check_classes(self, classes: Sequence[str]) -> None:
        """Refuse counts that do not name each class once.

        Raises:
            OptionError: A class is unknown or missing.
        """
        for split, counts in (("train", self.train), ("test", self.test)):
            if set(counts) != set(classes):
                raise OptionError(
                    f"counts for {', '.join(counts) or 'no class'}",
                    where=f"dataset.split.{split}",
                    allowed=f"one count for each of {', '.join(classes)}",
                )

    def draw(self, entries: Sequence[Entry], classes: Sequence[str]) -> dict[int, Split]:
        """Draw whole patients, test before training; a patient's surplus images are left out.

        Args:
            entries: All images; each must name its patient.
            classes: Class names in label order.

        Returns:
            Position of each drawn entry → its split.

        Raises:
            DataError: The source holds too few patients of a class.
        """
        images: dict[str, list[int]] = defaultdict(list)
        for position, entry in enumerate(entries):
            images[str(entry.patient)].append(position)
        names = sorted(images)
        order = stream(self.seed, "drawn split").permutation(len(names))
        wanted: dict[Split, Counter[int]] = {
            "test": Counter({classes.index(name): count for name, count in self.test.items()}),
            "train": Counter({classes.index(name): count for name, count in self.train.items()}),
        }
        drawn: dict[int, Split] = {}
        for at in order:
            of_patient = images[names[at]]
            drawn |= _taken({at: entries[at].label for at in of_patient}, wanted)
        for split, left in wanted.items():
            short = {classes[label]: count for label, count in left.items() if count}
            if short:
                raise DataError(
                    f"too few patients, {short} images short of the {split} split",
                    where="drawn split",
                    remedy="lower the counts",
                )
        return drawn


def _taken(labels: Mapping[int, int], wanted: Mapping[Split, Counter[int]]) -> dict[int, Split]:
    """Take one patient's images into the first split that can use any, and count them there."""
    for split, left in wanted.items():
        taken: dict[int, Split] = {}
        for position, label in labels.items():
            if left[label] > 0:
                left[label] -= 1
                taken[position] = split
        if taken:
            return taken
    return {}
