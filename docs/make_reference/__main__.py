"""Builds the reference, which git does not keep: `make reference`."""

import sys
from pathlib import Path

from make_reference.pages import PROJECT, pages


def main(folder: Path = PROJECT / "docs/reference") -> int:
    """Write every page that is made from the code."""
    for name, text in pages(PROJECT).items():
        (folder / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
