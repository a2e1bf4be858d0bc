"""Stage digest: the code that each other stage may run, as one SHA-256 a stage.

It runs each time, as DVC cannot see which libraries are installed; the others depend on their own
digest, so that an edit or another version of a library reruns the stages whose code it is part of,
and nothing else. What DVC made for a model that params.yaml names no longer goes.
"""

import sys
from pathlib import Path

from option_files import ROOT
from skiagram.compute.stage_code import StagesOfProject
from skiagram.errors import SkiagramError, named_refusals


def main() -> None:
    """Write the digests; it composes no options, and so starts without Hydra."""
    project, name = StagesOfProject(ROOT), Path(__file__).stem
    try:
        with named_refusals(name):
            project.check_choices()
            project.write_digests(without=name)
            project.remove_dropped()
    except SkiagramError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
