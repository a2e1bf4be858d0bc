"""Stage train_baseline: one classical model, from features and development labels.

A reader's scores that came with the data stand in for a model where the option file says so. A
finder reads the features at candidates.
"""

from typing import Any

from entrypoint import choice, stage
from option_files import ROOT
from outputs import publish
from skiagram.compute.code_digest import code_digest, named_targets
from skiagram.features.table import FeatureTable
from skiagram.finding.inputs import FindingInputs
from skiagram.models.arm import ArmFolders, Member, TrainOptions, read_fold_groups, train
from skiagram.models.contract import Finder
from skiagram.models.deployment import complete_folder, familiar_space
from skiagram.models.fits import kept_fits
from skiagram.models.reader import Reader
from skiagram.options import build
from skiagram.records import Cases, Task, read_cases


@stage(TrainOptions)
def main(options: TrainOptions) -> None:
    """Train the chosen baseline in all its folds and repeats."""
    name, model = choice("model"), build(options.model, "model")
    cases, task = read_cases(ROOT / "data/cases")
    groups = read_fold_groups(options.plan, ROOT / "data/cases/covariates.parquet", cases, task)
    development, test = _inputs(model, cases, task)
    member = Member(name, model, options.model, development, test, groups)
    code = code_digest(train, *named_targets(options.model))
    tables = [ROOT / f"data/{name}.parquet" for name in ("features", "candidates_features")]
    tables.append(ROOT / "data/cases/marks.parquet")
    unfinished = kept_fits(ROOT / ".work", cases, repr((task, options)), tables, code)
    outputs = (f"models/{name}", f"scores/{name}")
    with options.compute.limit(), unfinished as work, publish(*outputs) as staging:
        folders = ArmFolders.under(staging, name, work)
        train(member, cases, task, options.plan, folders, options.compute)
        space = familiar_space(development)
        complete_folder(folders.model, folders.scores, cases, ROOT / "data/preparation", space)


def _inputs(model: Any, cases: Cases, task: Task) -> tuple[Any, Any]:
    """Return what the model sees of development and of sealed cases."""
    development, test = cases.development().case_id, cases.test().case_id
    if isinstance(model, Reader):
        scores = ROOT / "data/cases/reader_scores.parquet"
        return model.inputs(scores, task, development), model.inputs(scores, task, test)
    if isinstance(model, Finder):
        inputs = FindingInputs.read(ROOT / "data", model.finds_in)
        return inputs.of(development), inputs.of(test)
    features = FeatureTable.read(ROOT / "data/features.parquet")
    return features.of(development), features.of(test)


if __name__ == "__main__":
    main()
