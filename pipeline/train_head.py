"""Stage train_head: one classical model on one encoder's columns, and development labels."""

from dataclasses import asdict
from typing import Any

from pydantic.dataclasses import dataclass

from entrypoint import choice, stage
from option_files import ROOT
from outputs import publish
from skiagram.encoders.encoder import carry_encoder, read_encoding
from skiagram.models.arm import ArmFolders, Member, TrainOptions, read_fold_groups, train
from skiagram.models.deployment import write_checksums, write_fingerprint
from skiagram.models.head import head_inputs
from skiagram.options import STRICT, build
from skiagram.preparation import propagate_preparation
from skiagram.records import read_cases


@dataclass(**STRICT)
class Options(TrainOptions):
    """Choices of the stage; the encoder's own were settled when it encoded."""

    encoder: dict[str, Any]


@stage(Options)
def main(options: Options) -> None:
    """Train the chosen head in all its folds and repeats."""
    name, encoded = (
        f"{choice('encoder')}-{choice('model')}",
        ROOT / "data/encodings" / choice("encoder"),
    )
    cases, task = read_cases(ROOT / "data/cases")
    groups = read_fold_groups(options.plan, ROOT / "data/cases/covariates.parquet", cases, task)
    encoding, record = read_encoding(encoded)
    model = build(options.model, "model")
    head, table = head_inputs(model, encoding, ROOT / "data/features.parquet", record.title)
    described = {"encoder": asdict(record), "head": options.model}
    development, test = table.of(cases.development().case_id), table.of(cases.test().case_id)
    member = Member(name, head, described, development, test, groups)
    with options.compute.limit(), publish(f"models/{name}", f"scores/{name}") as staging:
        train(member, cases, task, options.plan, ArmFolders.under(staging, name))
        prepared = ROOT / "data/preparation" if head.fused else encoded
        propagate_preparation(prepared, staging / "models" / name)
        carry_encoder(encoded, staging / "models" / name)
        write_fingerprint(staging / "models" / name, staging / "scores" / name, cases, development)
        write_checksums(staging / "models" / name)


if __name__ == "__main__":
    main()
