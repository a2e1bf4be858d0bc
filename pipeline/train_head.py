"""Stage train_head: one classical model on one encoder's columns, and development labels."""

from dataclasses import asdict
from typing import Any

from pydantic.dataclasses import dataclass

from entrypoint import choice, stage
from option_files import ROOT
from outputs import publish
from skiagram.compute.code_digest import code_digest, named_targets
from skiagram.encoders.encoder import RECORD, EncoderRecord, carry_encoder
from skiagram.models.arm import ArmFolders, Member, TrainOptions, read_fold_groups, train
from skiagram.models.deployment import complete_folder, familiar_space
from skiagram.models.fits import kept_fits
from skiagram.models.head import member_inputs
from skiagram.options import STRICT, build
from skiagram.records import read_cases, read_record


@dataclass(**STRICT)
class Options(TrainOptions):
    """Choices of the stage; the encoder's own were settled when it encoded."""

    encoder: dict[str, Any]


@stage(Options)
def main(options: Options) -> None:
    """Train the chosen head in all its folds and repeats."""
    name = f"{choice('encoder')}-{choice('model')}"
    encoded = ROOT / "data/encodings" / choice("encoder")
    cases, task = read_cases(ROOT / "data/cases")
    groups = read_fold_groups(options.plan, ROOT / "data/cases/covariates.parquet", cases, task)
    record = read_record(EncoderRecord, encoded / RECORD)
    described = {"encoder": asdict(record), "head": options.model}
    model = build(options.model, "model")
    head, table, tables = member_inputs(model, encoded, ROOT / "data", record.title)
    development, test = table.of(cases.development().case_id), table.of(cases.test().case_id)
    member = Member(name, head, described, development, test, groups)
    code = code_digest(train, type(head), *named_targets(options.model))
    unfinished = kept_fits(ROOT / ".work", cases, repr((task, options)), tables, code)
    outputs = (f"models/{name}", f"scores/{name}")
    with options.compute.limit(), unfinished as work, publish(*outputs) as staging:
        folders = ArmFolders.under(staging, name, work)
        train(member, cases, task, options.plan, folders, options.compute)
        carry_encoder(encoded, folders.model)
        prepared = ROOT / "data/preparation" if head.fused else encoded
        space = familiar_space(development)
        complete_folder(folders.model, folders.scores, cases, prepared, space)


if __name__ == "__main__":
    main()
