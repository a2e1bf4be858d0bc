"""A study: many passes of the pipeline, one result and one page; never part of `dvc repro`."""

import os
from typing import Any

from pydantic.dataclasses import dataclass

from entrypoint import choice, stage
from option_files import ROOT
from outputs import publish
from skiagram.compute.workers import Compute
from skiagram.options import STRICT, build
from skiagram.report.index import list_outputs, write_index, write_study
from skiagram.studies.workspace import Workspace


@dataclass(**STRICT)
class Options:
    """Choices of the stage."""

    study: dict[str, Any]
    compute: Compute


@stage(Options)
def main(options: Options) -> None:
    """Run the chosen study; pieces that an earlier run finished are taken from .work/studies."""
    name, study = choice("study"), build(options.study, "study")
    result = study.run(Workspace.of_project(ROOT, os.environ.get("SKIAGRAM_DATA"), options.compute))
    with publish(*(f"studies/{name}/{output}" for output in list_outputs(result))) as staging:
        write_study(result, staging / "studies" / name)
    write_index(ROOT)


if __name__ == "__main__":
    main()
