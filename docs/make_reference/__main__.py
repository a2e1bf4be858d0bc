"""Writes the reference: `make reference`; with `--check` it only says which pages are old."""

import sys

from make_reference.pages import PROJECT, pages

FOLDER = PROJECT / "docs" / "reference"


def main(*words: str) -> int:
    """Write every page that differs from what the code makes, or name it."""
    made = pages(PROJECT)
    old = [
        name
        for name, text in made.items()
        if not (FOLDER / name).exists() or (FOLDER / name).read_text(encoding="utf-8") != text
    ]
    if "--check" in words:
        for name in old:
            sys.stderr.write(f"docs/reference/{name} is old: run `make reference`\n")
        return 1 if old else 0
    for name in old:
        (FOLDER / name).write_text(made[name], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
