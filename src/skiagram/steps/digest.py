"""Stage digest on a project: the code and the files that each other stage depends on.

The digest of ingest also tells files of the data set that are not what its config says, or of
which it says nothing, so that a change of any of them reruns it; `sweep` tells the same of all data
sets that sweeps of params.yaml read. What DVC made for a model that params.yaml names no longer
goes.
"""

import json
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from skiagram.composition import Composition
from skiagram.compute.checkout import home
from skiagram.compute.files import write_files
from skiagram.datasets.choices import find_data
from skiagram.errors import SkiagramError
from skiagram.options import build
from skiagram.projects.stage_code import StagesOfProject
from skiagram.projects.stage_times import note_time
from skiagram.steps.preflight import check_run


def write_digests(root: Path) -> None:
    """Write the digest of every stage of a project, and remove outputs of models that left it."""
    started = time.monotonic()
    project = StagesOfProject(root)
    check_run(project.options)
    files = {"ingest": changed_files(root, [str(project.params["dataset"])])}
    if project.params.get("sweeps"):
        files["sweep"] = changed_files(root, data_sets_of_sweeps(root, project.params))
    project.write_digests(without="digest", files=files)
    project.remove_dropped()
    note_time(root, "digest", {}, time.monotonic() - started)


def data_sets_of_sweeps(root: Path, params: Mapping[str, Any]) -> list[str]:
    """Return the data sets that sweeps of params.yaml may read: its own and those they name."""
    files = [root / "conf" / "sweep" / f"{name}.yaml" for name in params.get("sweeps") or ()]
    # A file that is missing is left to the sweep, which says what is wrong.
    named = {str(params["dataset"])}
    for file in (file for file in files if file.is_file()):
        named.update(re.findall(r"[^\s,\[\]{}'\":]+", file.read_text("utf-8", errors="replace")))
    data_sets = {path.stem for path in (root / "conf" / "dataset").glob("*.yaml")}
    return sorted(named & data_sets)


def changed_files(root: Path, datasets: Iterable[str]) -> dict[str, str]:
    """Return file → checksum, of data sets' files whose content their configs do not tell."""
    # Checksums of files that were seen before, so that none is read twice.
    place = home(root) / ".work" / "seen_files.json"
    try:
        checksums = dict(json.loads(place.read_bytes()))
    except (OSError, ValueError, TypeError):
        checksums = {}
    before, changed = dict(checksums), dict[str, str]()
    # The files of each data set that the project chooses.
    options = Composition(root)
    for dataset in datasets:
        try:
            values = options.read_file("dataset", dataset)
            if str(values.get("_target_")).startswith("skiagram.sources.phantom."):
                continue  # made from a seed, it reads no file

            from skiagram.datasets.contract import RealDataSet  # takes half a second

            source = build(values, "dataset")
        except SkiagramError:
            continue  # left to the stage, which says what is wrong
        if isinstance(source, RealDataSet):
            changed |= source.changed_files(find_data(), checksums)
    # They are kept where a new one was read.
    if checksums != before:
        place.parent.mkdir(exist_ok=True)
        write_files({place: json.dumps(checksums, indent=0).encode()})
    return changed
