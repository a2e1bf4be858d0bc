"""A study: many passes of the pipeline, one result and one page; never part of `dvc repro`."""

import importlib
import os
from typing import Any

from pydantic.dataclasses import dataclass

from entrypoint import ROOT, choice, publish, stage
from skiagram.compute import Compute
from skiagram.options import STRICT, build
from skiagram.records import write_record
from skiagram.report.index import write_index
from skiagram.studies.place import Place


@dataclass(**STRICT)
class Options:
    """Choices of the stage."""

    study: dict[str, Any]
    compute: Compute


@stage(Options)
def main(options: Options) -> None:
    """Run the chosen study; pieces that an earlier run finished are taken from .work/studies."""
    name, study = choice("study"), build(options.study, "study")
    place = Place.of_project(ROOT, os.environ.get("SKIAGRAM_DATA"), options.compute)
    result = study.run(place)
    kind = type(study).__module__.split(".")[-2]  # skiagram.studies.<kind>.study
    page = importlib.import_module(f"skiagram.report.studies.{kind}")
    with publish(f"studies/{name}/result.json", f"studies/{name}/page.html") as staging:
        write_record(result, staging / f"studies/{name}/result.json")
        (staging / f"studies/{name}/page.html").write_text(page.render(result), encoding="utf-8")
    write_index(ROOT)


if __name__ == "__main__":
    main()
