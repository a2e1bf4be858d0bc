"""Stage digest: the code that each other stage may run, as one SHA-256 a stage.

It runs each time, as DVC cannot see which libraries are installed; the others depend on their own
digest, so that an edit or another version of a library reruns the stages whose code it is part of,
and nothing else. The digest of ingest also tells files of the data set that are not what its option
file says, or of which it says nothing, so that a change of any of them reruns it. What DVC made for
a model that params.yaml names no longer goes.
"""

import json
import os
import sys
from pathlib import Path

from option_files import ROOT
from skiagram.compute.checkout import home
from skiagram.compute.files import write_files
from skiagram.compute.stage_code import StagesOfProject
from skiagram.datasets.contract import RealDataSet
from skiagram.errors import SkiagramError, named_refusals
from skiagram.options import build, read_option_file


def changed_files(dataset: str) -> dict[str, str]:
    """Return file → checksum, of a data set's files whose content its option file does not tell."""
    option_file = ROOT / "conf" / "dataset" / f"{dataset}.yaml"
    place = home(ROOT) / ".work" / "seen_files.json"
    try:
        source = build(read_option_file(option_file), "dataset")
    except SkiagramError:
        return {}  # left to the stage, which says what is wrong
    if not isinstance(source, RealDataSet):
        return {}
    try:
        seen = dict(json.loads(place.read_bytes()))
    except (OSError, ValueError, TypeError):
        seen = {}
    before = dict(seen)
    root = os.environ.get("SKIAGRAM_DATA")
    changed = source.changed_files(Path(root) if root else None, seen)
    if seen != before:
        place.parent.mkdir(exist_ok=True)
        write_files({place: json.dumps(seen, indent=0).encode()})
    return changed


def main() -> None:
    """Write the digests; it composes no options, and so starts without Hydra."""
    project, name = StagesOfProject(ROOT), Path(__file__).stem
    try:
        with named_refusals(name):
            project.check_choices()
            changed = changed_files(str(project.params["dataset"]))
            project.write_digests(without=name, files={"ingest": changed})
            project.remove_dropped()
    except SkiagramError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
