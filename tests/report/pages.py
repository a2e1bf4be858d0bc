"""Pages of the report as a reader meets them: elements closed in order, and their words."""

from dataclasses import replace
from html.parser import HTMLParser

from skiagram.report.formatting import design_words
from skiagram.report.page import render
from skiagram.report.rendering import render_template
from skiagram.report.section import list_sections, make_section, make_sections
from tests.report.examples_of_results import material

VOID = {"br", "img", "meta"}


class Page(HTMLParser):
    """Reads a page, refusing elements that are not closed in order."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.source = source
        self.open = []
        self.elements = []
        self.words = []
        self.feed(source)
        self.close()
        assert not self.open, f"never closed: {self.open}"
        self.text = " ".join(" ".join(self.words).split())
        labels = (attributes.get("aria-label") or "" for _, attributes in self.elements)
        self.spoken = " ".join(" ".join(labels).split())

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"{tag} was never opened"
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def check(self, words):
        """Refuse a page on which a line of words is not said, or one behind `not:` is."""
        said = f"{self.text} {self.spoken}"
        for line in filter(None, map(str.strip, words.splitlines())):
            if line.startswith("not: "):
                assert line.removeprefix("not: ") not in said
            else:
                assert line in said

    def tables(self):
        """Yield of each table how many columns each of its rows takes."""
        rows = []
        for tag, attributes in self.elements:
            if tag == "table":
                yield rows
                rows = []
            elif tag == "tr":
                rows.append(0)
            elif tag in ("td", "th"):
                rows[-1] += int(attributes.get("colspan") or 1)
        yield rows


def page(evaluation, **changes):
    """Return the page of an evaluation, with other material."""
    return Page(render_all(evaluation, replace(material(), **changes)))


def render_all(evaluation, seen):
    """Return the text of a page with all its sections."""
    return render(evaluation, seen, make_sections(evaluation, seen))


def section(anchor, evaluation, seen, context=None):
    """Return one section of the page alone, perhaps of a context that was made before."""
    if context is None:
        context = make_section(anchor, evaluation, seen).context
    text = render_template(
        f"sections/{anchor}.html.j2",
        own=context,
        second=make_section("doubts", evaluation, seen),
        anchors=frozenset(list_sections()),
        evaluation=evaluation,
        task=evaluation.task,
        design=design_words(evaluation),
        material=seen,
        card=seen.card,
    )
    return Page(f"<section>{text}</section>")
