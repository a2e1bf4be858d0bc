"""Stage train_network: one network, from restored images and development labels."""

from typing import Any

from pydantic.dataclasses import dataclass

from entrypoint import ROOT, choice, publish, stage
from skiagram.compute import Compute
from skiagram.models.arm import ArmFolders, Member, train
from skiagram.models.deep.learner import Learner
from skiagram.models.plan import Plan
from skiagram.options import STRICT, build
from skiagram.preparation import hand_on
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
    name, data = choice("model"), ROOT / "data/cases"
    cases, task = Cases.read(data / "cases.parquet"), read_record(Task, data / "task.json")
    images = ImageStore(ROOT / "data/restored")
    parts = (ImageSet(images, part.case_id) for part in (cases.development(), cases.test()))
    learner = Learner(build(options.model, "model"), options.trainer, options.compute.threads)
    member = Member(name, learner, options.model, *parts)
    unfinished = work_folder(ROOT / ".work", cases, repr(task), repr(options), images.sha256)
    outputs = publish(f"models/{name}", f"scores/{name}")
    with options.compute.limit(), unfinished as work, outputs as staging:
        folders = ArmFolders(staging / "models" / name, staging / "scores" / name, work)
        train(member, cases, task, options.plan, folders)
        hand_on(ROOT / "data/restored", folders.model)


if __name__ == "__main__":
    main()
