"""Keeps what notebooks show: `python -m tests.pipeline.run_notebooks PROJECT`, a finished run."""

import sys

import nbformat
from nbclient import NotebookClient

from tests import REPOSITORY

NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
OF_A_RUN = ("a_project_read", "comparison")  # they read a finished run


def run(path, folder):
    """Run a notebook in a folder and return it with what its cells show."""
    book = nbformat.read(path, as_version=4)
    metadata, place = dict(book.metadata), {"metadata": {"path": str(folder)}}
    client = NotebookClient(
        book, kernel_name="python3", timeout=300, record_timing=False, resources=place
    )
    client.execute()
    book.metadata = nbformat.from_dict(metadata)
    return book


if __name__ == "__main__":
    for notebook in NOTEBOOKS:
        place = sys.argv[1] if notebook.stem in OF_A_RUN else REPOSITORY
        nbformat.write(run(notebook, place), notebook)
