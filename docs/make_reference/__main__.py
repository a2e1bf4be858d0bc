"""Writes the reference: `make reference`."""

from make_reference.pages import PROJECT, pages

if __name__ == "__main__":
    for name, text in pages(PROJECT).items():
        (PROJECT / "docs" / "reference" / name).write_text(text, encoding="utf-8")
