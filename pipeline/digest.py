"""Stage digest: the code that each other stage may run, as one SHA-256 a stage.

It runs each time, as DVC cannot see which libraries are installed; the others depend on their own
digest, so that an edit or another version of a library reruns the stages whose code it is part of,
and nothing else.
"""

from project import ROOT  # first, so that the code of this folder runs
from skiagram.projects.stage import errors_in_one_line
from skiagram.steps.digest import write_digests

if __name__ == "__main__":
    with errors_in_one_line("digest"):
        write_digests(ROOT)
