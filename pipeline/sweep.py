"""Sweeps: `sweep=NAME` runs the rows of `conf/sweep/NAME.yaml`, `-m seed=0,1` rows by hand."""

from project import ROOT  # first, so that the code of this folder runs
from skiagram.cli.sweep import sweep
from skiagram.projects.stage import errors_in_one_line

STOPPED = "Stopped. The same command goes on with the rows that are left."

if __name__ == "__main__":
    with errors_in_one_line("sweep", STOPPED):
        sweep(ROOT)
