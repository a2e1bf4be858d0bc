"""The pages of documentation hold together: links lead somewhere, the front page stays short."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
FRONT_PAGE = REPOSITORY / "README.md"
PAGES = [FRONT_PAGE, REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^ *(```|~~~).*?^ *\1", re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    plain = (re.sub(r"[^\w\- ]", "", line.lower()) for line in re.findall(r"(?m)^#+ (.*)$", text))
    return {line.strip().replace(" ", "-") for line in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_every_link_to_a_page_or_heading_leads_there(page: Path) -> None:
    for link in _LINK.findall(_FENCED.sub("", page.read_text(encoding="utf-8"))):
        if "://" in link or link.startswith("mailto:"):
            continue
        name, _, heading = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        if heading:
            assert heading in anchors(target), link


def test_the_front_page_is_short_and_says_that_this_is_no_medical_device() -> None:
    text = FRONT_PAGE.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    assert len(text.split()) <= 1100
    assert "not a medical device" in text


def test_every_page_can_be_reached_from_the_front_page() -> None:
    reached, found = set[Path](), [FRONT_PAGE]
    while found:
        page = found.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = _LINK.findall(page.read_text(encoding="utf-8"))
        names = {link.partition("#")[0] for link in links if "://" not in link}
        found += [(page.parent / name).resolve() for name in names - {""}]
    assert not [page for page in PAGES if page not in reached]
