"""How long the features of a case take, family by family."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from skiagram.features.extraction import extract
from skiagram.models.classical.columns import chosen
from skiagram.options import build
from skiagram.records import read_record, read_table, write_record
from skiagram.store import ImageStore, ShardWriter
from skiagram.studies.cost.results import Timing
from skiagram.studies.cost.timing import Clock
from skiagram.studies.ground import Ground
from skiagram.studies.passes import Options

_NOTHING = Timing(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Described:
    """One family on its own, kept as a piece.

    Attributes:
        names: Its features.
        milliseconds: Time a case.
    """

    names: tuple[str, ...]
    milliseconds: Timing


def descriptions(
    ground: Ground, families: Mapping[str, Options], clock: Clock
) -> tuple[Described, ...]:
    """Time each feature family, each computed on its own.

    Args:
        ground: Cases and images.
        families: Name → `_target_` and options of each family.
        clock: How times are taken.
    """
    return tuple(_timed(ground, name, options, clock) for name, options in families.items())


def _timed(ground: Ground, name: str, options: Options, clock: Clock) -> Described:
    def make(folder: Path) -> None:
        write_record(_described(ground, options, clock, folder), folder / "time.json")

    inputs = clock.inputs() | {"restored": ground.prepared.restored.name, "family": options}
    return read_record(Described, ground.place.made(f"timed-{name}", inputs, make) / "time.json")


def _described(ground: Ground, options: Options, clock: Clock, folder: Path) -> Described:
    images, few = ground.prepared.images, ground.case_id[: clock.images].tolist()
    with ShardWriter(folder / "images") as writer:
        for case_id in few:
            writer.add(case_id, images.image(case_id), images.spacing(case_id))
    family = build(dict(options), "features")
    covariates = read_table(ground.prepared.data.folder / "cases/covariates.parquet")
    store = ImageStore(folder / "images")
    names = extract(store, [family], covariates).names
    taken = clock.repeated(lambda: extract(store, [family], covariates), len(few))
    return Described(names, taken)


def features_of(described: Sequence[Described], columns: Sequence[str] | None) -> Timing:
    """Return the milliseconds a case of all families that a classical model uses any feature of.

    Args:
        described: Every family.
        columns: Starts of the names that the model uses; None for all but traits of the file.
    """
    used = set(chosen([name for one in described for name in one.names], columns))
    total = _NOTHING
    for one in described:
        if used & set(one.names):
            total = total.plus(one.milliseconds)
    return total
