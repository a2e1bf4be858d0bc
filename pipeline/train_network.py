"""Stage train_network: one network, from restored images and development labels or marks."""

from dataclasses import asdict
from functools import partial

from pydantic.dataclasses import dataclass

from entrypoint import choice, stage
from option_files import ROOT
from outputs import process_rank, publish
from skiagram.compute.code_digest import code_digest, named_targets
from skiagram.models.arm import ArmFolders, Member, TrainOptions, read_fold_groups, train
from skiagram.models.deep.finder import FinderModel, FindingNetwork
from skiagram.models.deep.network_model import NetworkModel
from skiagram.models.deployment import complete_folder, image_traits
from skiagram.models.fits import kept_fits
from skiagram.options import STRICT, build
from skiagram.records import read_cases
from skiagram.training.options import Trainer
from skiagram.training.processes import is_last


@dataclass(**STRICT)
class Options(TrainOptions):
    """Choices of the stage."""

    trainer: Trainer


@stage(Options)
def main(options: Options) -> None:
    """Train the chosen network in all its folds and repeats."""
    name, (cases, task) = choice("model"), read_cases(ROOT / "data/cases")
    network = build(options.model, "model")
    kind = FinderModel if isinstance(network, FindingNetwork) else NetworkModel
    learner = kind(network, options.trainer, options.compute.threads)
    seen = learner.inputs(ROOT / "data")
    development, test = (seen.of(part.case_id) for part in (cases.development(), cases.test()))
    groups = read_fold_groups(options.plan, ROOT / "data/cases/covariates.parquet", cases, task)
    member = Member(name, learner, options.model, development, test, groups)
    outputs, inputs = (f"models/{name}", f"scores/{name}"), repr((task, options, seen.sha256))
    named = named_targets([options.model, asdict(options.trainer)])
    code = code_digest(train, kind, *named)
    last = partial(is_last, process_rank())
    unfinished = kept_fits(ROOT / ".work", cases, inputs, (), code, last)
    with options.compute.limit(), unfinished as work, publish(*outputs) as staging:
        folders = ArmFolders.under(staging, name, work)
        train(member, cases, task, options.plan, folders, options.compute)
        space, prepared = image_traits([seen.images]), ROOT / "data/candidates"
        complete_folder(folders.model, folders.scores, cases, prepared, space, seen.covariates)


if __name__ == "__main__":
    main()
