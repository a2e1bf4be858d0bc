"""Stage train_network: one network, from restored images and development labels."""

from typing import Any

from pydantic.dataclasses import dataclass

from entrypoint import ROOT, choice, publish, stage
from skiagram.compute import Compute
from skiagram.models.arm import ArmFolders, Member, train
from skiagram.models.deep.learner import Learner
from skiagram.models.plan import Plan
from skiagram.options import STRICT, build
from skiagram.records import Cases, Task, read_record
from skiagram.store import ImageStore
from skiagram.training.images import ImageSet
from skiagram.training.options import Trainer
from skiagram.training.work import work_folder


@dataclass(**STRICT)
class Options:
    """Choices of the stage."""

    model: dict[str, Any]
    trainer: Trainer
    plan: Plan
    compute: Compute


@stage(Options)
def main(options: Options) -> None:
    """Train the chosen network in all its folds and repeats."""
    name, network, data = choice("model"), build(options.model, "model"), ROOT / "data/cases"
    cases, task = Cases.read(data / "cases.parquet"), read_record(Task, data / "task.json")
    store = ImageStore(ROOT / "data/restored")
    known, sealed = (ImageSet(store, part.case_id) for part in (cases.development(), cases.test()))
    learner = Learner(network, options.trainer, options.compute.threads)
    member = Member(name, learner, options.model, known, sealed)
    paths, inputs = [data / "cases.parquet", data / "task.json"], [repr(options), store.sha256]
    state = [text.encode() for text in inputs] + [path.read_bytes() for path in paths]
    with (
        options.compute.limit(),
        work_folder(ROOT / ".work", *state) as work,
        publish(f"models/{name}", f"scores/{name}") as staging,
    ):
        folders = ArmFolders(staging / "models" / name, staging / "scores" / name, work)
        train(member, cases, task, options.plan, folders)


if __name__ == "__main__":
    main()
