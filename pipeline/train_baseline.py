"""Stage train_baseline: one classical model, from features and development labels."""

from entrypoint import ROOT, choice, publish, stage
from skiagram.features.table import FeatureTable
from skiagram.models.arm import ArmFolders, Member, TrainOptions, train
from skiagram.options import build
from skiagram.preparation import hand_on
from skiagram.records import read_cases


@stage(TrainOptions)
def main(options: TrainOptions) -> None:
    """Train the chosen baseline in all its folds and repeats."""
    name, model = choice("model"), build(options.model, "model")
    cases, task = read_cases(ROOT / "data/cases")
    features = FeatureTable.read(ROOT / "data/features.parquet")
    known, sealed = (features.of(part.case_id) for part in (cases.development(), cases.test()))
    member = Member(name, model, options.model, known, sealed)
    with options.compute.limit(), publish(f"models/{name}", f"scores/{name}") as staging:
        train(member, cases, task, options.plan, ArmFolders.under(staging, name))
        hand_on(ROOT / "data/preparation", staging / "models" / name)


if __name__ == "__main__":
    main()
