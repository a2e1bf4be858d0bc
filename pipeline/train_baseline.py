"""Stage train_baseline: one classical model, from features and development labels."""

from typing import Any

from pydantic.dataclasses import dataclass

from entrypoint import ROOT, choice, publish, stage
from skiagram.compute import Compute
from skiagram.features.table import FeatureTable
from skiagram.models.arm import ArmFolders, Member, train
from skiagram.models.plan import Plan
from skiagram.options import STRICT, build
from skiagram.preparation import hand_on
from skiagram.records import Cases, Task, read_record


@dataclass(**STRICT)
class Options:
    """Choices of the stage."""

    model: dict[str, Any]
    plan: Plan
    compute: Compute


@stage(Options)
def main(options: Options) -> None:
    """Train the chosen baseline in all its folds and repeats."""
    name, model = choice("model"), build(options.model, "model")
    cases = Cases.read(ROOT / "data/cases/cases.parquet")
    task = read_record(Task, ROOT / "data/cases/task.json")
    features = FeatureTable.read(ROOT / "data/features.parquet")
    known, sealed = (features.of(part.case_id) for part in (cases.development(), cases.test()))
    member = Member(name, model, options.model, known, sealed)
    with options.compute.limit(), publish(f"models/{name}", f"scores/{name}") as staging:
        folders = ArmFolders(staging / "models" / name, staging / "scores" / name, None)
        train(member, cases, task, options.plan, folders)
        hand_on(ROOT / "data/preparation", folders.model)


if __name__ == "__main__":
    main()
