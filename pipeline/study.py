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
from skiagram.studies.search.results import SearchResult
from skiagram.tracking.provenance import home
from skiagram.tracking.searches import record_search


@dataclass(**STRICT)
class Options:
    """Choices of the stage."""

    study: dict[str, Any]
    compute: Compute
    tracking: dict[str, Any]


@stage(Options)
def main(options: Options) -> None:
    """Run the chosen study; pieces that an earlier run finished are taken from .work/studies."""
    name, study = choice("study"), build(options.study, "study")
    tracker = build(options.tracking, "tracking")
    place = Place.of_project(ROOT, os.environ.get("SKIAGRAM_DATA"), options.compute)
    result = study.run(place)
    kind = type(study).__module__.split(".")[-2]  # skiagram.studies.<kind>.study
    page = importlib.import_module(f"skiagram.report.studies.{kind}")
    outputs = ["result.json", "page.html", *(["tuned"] if isinstance(result, SearchResult) else [])]
    with publish(*(f"studies/{name}/{output}" for output in outputs)) as staging:
        folder = staging / "studies" / name
        write_record(result, folder / "result.json")
        (folder / "page.html").write_text(page.render(result), encoding="utf-8")
        if isinstance(result, SearchResult):
            page.write_option_files(result, folder / "tuned")
    write_index(ROOT)
    if isinstance(result, SearchResult):
        print(record_search(tracker, result, ROOT, home(ROOT)))


if __name__ == "__main__":
    main()
