"""The page as it is seen: axe, contrast, width on a telephone, two sheets of paper, a picture."""

import html
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from skiagram.report.sweep import render_sweep
from tests.report.examples_of_findings import answered, with_galleries
from tests.report.examples_of_results import material, several_classes
from tests.report.pages import render_all
from tests.report.sections.test_explanations import FOREST, NETWORK
from tests.report.test_sweep import EXAMPLES

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
PROBE = Path(__file__).with_name("probe.js").read_text(encoding="utf-8")
SWEEPS = ("costs", "crossing", "severity")
AUDIT = """
document.querySelectorAll("details").forEach((one) => { one.open = true; });
axe.run().then((found) => {
  const report = document.createElement("pre"); report.id = "found";
  const violations = found.violations.map((rule) => [rule.id, rule.nodes.map((node) => node.html)]);
  report.textContent = JSON.stringify({ violations, passes: found.passes.length });
  document.body.append(report);
});
"""
PHONE = 375  # pixels
DARK = "--blink-settings=preferredColorScheme=0"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BROWSER, reason="no Chromium on this machine"),
]


def explained():
    return replace(with_galleries(), explanations=(FOREST, NETWORK))


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Return a folder with pages, each also with a probe and in the width of a telephone."""
    folder = tmp_path_factory.mktemp("pages")
    examples = {
        "two_classes": render_all(answered(), explained()),
        "several_classes": render_all(several_classes(), material()),
    }
    examples |= {name: render_sweep(EXAMPLES[name]()) for name in SWEEPS}
    axe = files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    for name, page in examples.items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
        open_to_scripts = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
        probed = open_to_scripts.replace("</body>", f"<script>{PROBE}</script></body>")
        (folder / f"{name}_wide.html").write_text(probed, encoding="utf-8")
        audited = open_to_scripts.replace("</body>", f"<script>{axe}\n{AUDIT}</script></body>")
        (folder / f"{name}_axe.html").write_text(audited, encoding="utf-8")
        for kind, text in (("_phone", probed), ("_phone_picture", page)):
            style = f"border: 0; height: 1600px; width: {PHONE}px"
            frame = f'<iframe style="{style}" srcdoc="{html.escape(text)}"></iframe>'
            whole = f"<!doctype html><body style='margin: 0'>{frame}</body>"
            (folder / f"{name}{kind}.html").write_text(whole, encoding="utf-8")
    return folder


def browse(page, *options):
    common = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
    command = [BROWSER, *common, *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def measured(pages, name, options=()):
    dumped = browse(pages / f"{name}.html", "--window-size=1280,900", *options, "--dump-dom")
    found = re.search(r'<pre id="found">(.*?)</pre>', dumped, re.DOTALL)
    return dict(json.loads(html.unescape(found[1])))


@pytest.mark.parametrize("name", ["two_classes", "several_classes", *SWEEPS])
def test_axe_finds_no_violation(name, pages):
    seen = measured(pages, f"{name}_axe", ["--virtual-time-budget=60000"])
    assert seen["violations"] == []
    assert seen["passes"] > 30


@pytest.mark.parametrize("scheme", [(), (DARK,)])
@pytest.mark.parametrize("name", ["two_classes", "several_classes"])
def test_all_text_has_a_contrast_of_at_least_4_5(name, scheme, pages):
    seen = measured(pages, f"{name}_wide", scheme)
    assert seen["seen"] > 200
    assert (sum(seen["paper"]) < 200) == bool(scheme)
    assert seen["faint"] == []


@pytest.mark.parametrize("name", ["two_classes", "several_classes", *SWEEPS])
def test_no_column_is_cut_off_on_a_telephone_or_a_screen(name, pages):
    seen = measured(pages, f"{name}_phone")
    assert (seen["width"], seen["whole"]) == (PHONE, PHONE)
    assert seen["cut"] == []
    assert measured(pages, f"{name}_wide")["cut"] == []


def test_the_first_two_pages_have_at_most_600_words(pages):
    words = measured(pages, "two_classes_wide")["words"]
    assert len(words) == 2
    # an interval is read as one word: `(0.86 to 0.93)`
    read = [re.sub(r"\(([^\s()]+) to ([^\s()]+)\)", r"(\1–\2)", each) for each in words]
    assert sum(len(each.split()) for each in read) <= 600


def test_unopened_the_report_is_two_pages_of_paper(pages):
    printed = pages / "page.pdf"
    browse(pages / "two_classes.html", "--no-pdf-header-footer", f"--print-to-pdf={printed}")
    assert len(re.findall(rb"/Type\s*/Page\b", printed.read_bytes())) == 2


def test_a_link_of_the_contents_opens_its_section(pages):
    page = pages / "two_classes_wide.html"
    text = page.read_text(encoding="utf-8").split("<script>")[0]
    script = (
        "location.hash = 'calibration'; setTimeout(() => { document.title = "
        "document.querySelector('#calibration').closest('details').open; }, 300)"
    )
    (pages / "opened.html").write_text(f"{text}<script>{script}</script>", encoding="utf-8")
    dumped = browse(pages / "opened.html", "--virtual-time-budget=2000", "--dump-dom")
    assert "<title>true</title>" in dumped


def blank(picture):
    return bool(np.all(picture == picture[0, 0]))


@pytest.mark.parametrize(
    ("name", "size", "part"),
    [
        ("two_classes", (1280, 900), lambda shown: shown[:, 60:1200]),
        ("two_classes_phone_picture", (500, 1600), lambda shown: shown[:, 8 : PHONE - 8]),
    ],
)
def test_the_first_screen_is_filled_and_its_margins_are_empty(name, size, part, pages):
    file = pages / f"{name}.png"
    window = f"--window-size={size[0]},{size[1]}"
    browse(pages / f"{name}.html", window, f"--screenshot={file}")
    shown = np.asarray(Pillow.open(io.BytesIO(file.read_bytes())).convert("L"))
    inner = part(shown)
    assert not any(blank(inner[at : at + 200]) for at in range(0, 800, 200))
    assert blank(shown[:, PHONE - 6 : PHONE - 1]) if "phone" in name else blank(shown[:, 1270:])
