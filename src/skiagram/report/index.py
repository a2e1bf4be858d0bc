"""One page that links the report and every study that has been run."""

from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from skiagram.report.environment import render_template

INDEX = "studies/index.html"
_REPORT = "reports/report.html"
_STUDIES = "studies/*/page.html"
_ANSWERS = 3  # of each page; the rest stands there
_VOID = frozenset({"br", "hr", "img", "meta", "link", "input"})


@dataclass(frozen=True)
class Entry:
    """A page that the index links.

    Attributes:
        address: Relative to the index.
        title: Its heading.
        answers: Its first answers, a line each.
        more: How many answers it has besides.
    """

    address: str
    title: str
    answers: tuple[str, ...]
    more: int = 0


def write_index(root: Path) -> Path:
    """Write the index of all pages that lie in a project; equal pages give equal bytes.

    Args:
        root: Project folder.

    Returns:
        The index.
    """
    index = root / INDEX
    reports = [root / _REPORT] if (root / _REPORT).exists() else []
    text = render_template(
        "index.html.j2",
        report=next((_entry(page, root) for page in reports), None),
        studies=[_entry(page, root) for page in sorted(root.glob(_STUDIES))],
    )
    index.parent.mkdir(parents=True, exist_ok=True)
    index.write_text(text, encoding="utf-8")
    return index


def _entry(page: Path, root: Path) -> Entry:
    reader = _Reader(page.read_text(encoding="utf-8"))
    inside = page.relative_to(root).as_posix()
    address = inside.removeprefix("studies/") if inside.startswith("studies/") else f"../{inside}"
    answers = tuple(reader.found["answer"])
    title = " ".join(reader.found["title"]) or inside
    return Entry(address, title, answers[:_ANSWERS], max(0, len(answers) - _ANSWERS))


class _Reader(HTMLParser):
    """Collects the heading of a page and what it marks as an answer."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: dict[str, list[str]] = {"title": [], "answer": []}
        self.depth = 0
        self.kind = ""
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        if self.kind:
            self.depth += 1
        elif tag == "h1":
            self.kind = "title"
        elif {"verdict", "answer"} & set((dict(attrs).get("class") or "").split()):
            self.kind = "answer"

    def handle_endtag(self, tag: str) -> None:
        if not self.kind or tag in _VOID:
            return
        if self.depth:
            self.depth -= 1
            return
        self.found[self.kind].append(" ".join("".join(self.words).split()))
        self.kind, self.words = "", []

    def handle_data(self, data: str) -> None:
        if self.kind:
            self.words.append(data)
