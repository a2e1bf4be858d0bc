"""Runs the notebooks, and keeps what they show: `python -m tests.pipeline.run_notebooks`."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

REPOSITORY = Path(__file__).parents[2]
NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
OF_A_RUN = ("a_project_read", "comparison")  # they show the reader's own run, and are kept empty


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
        if notebook.stem not in OF_A_RUN:
            nbformat.write(run(notebook, REPOSITORY), notebook)
