from itertools import product

import pytest

from skiagram.report.drawing import PALETTE, finish, open_figure, wrap_title


def luminance(colour):
    """Relative luminance (WCAG 2.2)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("name", "theme"),
    list(product(sorted(set(PALETTE) - {"paper", "grid", "panel", "warning-panel"}), (0, 1))),
)
def test_every_colour_can_be_read_on_its_paper(name, theme):
    one, other = sorted(luminance(PALETTE[key][theme]) for key in (name, "paper"))
    assert (other + 0.05) / (one + 0.05) >= 4.5


def drawn(label):
    with open_figure(1.0) as figure:
        figure.add_subplot().set_title(label)
        return finish(figure, "figure", f"A figure of {label}")


def test_colours_follow_the_page_only_inside_it():
    drawing = drawn("x")
    assert PALETTE["ink"][0] in drawing.svg
    assert "var(" not in drawing.svg
    assert "var(--ink)" in drawing.inline()
    assert not any(light in drawing.inline() for light, _ in PALETTE.values())


def test_dollar_signs_and_markup_in_names_are_plain_text():
    text = drawn("$x$ <b>").inline()
    assert "$x$ &lt;b&gt;" in text
    assert 'aria-label="A figure of $x$ &lt;b&gt;"' in text


def test_long_names_take_more_lines_without_losing_words():
    title = "Convolutional network of the articles"
    lines = wrap_title(title).splitlines()
    assert max(map(len, lines)) <= 24
    assert " ".join(lines) == title
