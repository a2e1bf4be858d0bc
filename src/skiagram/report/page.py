"""The report: one HTML page that loads nothing and holds no time, host or path.

Two pages first, the answer and the doubts; everything else is folded until it is opened.
"""

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.report.formatting import design_words
from skiagram.report.material import Material
from skiagram.report.rendering import render_template
from skiagram.report.section import Sections
from skiagram.report.sections.checklist import fill_checklists, tabulate_checklist, tabulate_items
from skiagram.tables.frames import inert_text


def render(evaluation: Evaluation, material: Material, sections: Sections) -> str:
    """Return the report as one self-contained HTML page; equal input gives equal text."""
    first, second, *appendix = sections.filled
    # A run of classical models alone asks of no network.
    question = "what do classical features tell?"
    if any(outcome.arm in ("deep", "encoder") for outcome in evaluation.outcomes):
        question = "does a deep network do better than classical features?"
    title = material.card.title
    return render_template(
        "page.html.j2",
        first=first,
        second=second,
        appendix=appendix,
        anchors=sections.anchors,
        left_out=sections.left_out,
        evaluation=evaluation,
        task=evaluation.task,
        design=design_words(evaluation),
        material=material,
        card=material.card,
        title=f"{title[:1].upper()}{title[1:]}: {question}",
    )


def write_checklists(
    evaluation: Evaluation, material: Material, sections: Sections
) -> dict[str, str]:
    """Return name of the file → text: a page of all checklists and, to fill in, a table of each."""
    # A page of all of them, and of each a table to fill in.
    filled = fill_checklists(evaluation, material)
    files = {
        "checklists.html": render_template(
            "checklists.html.j2",
            title=f"{material.card.title}: checklists",
            checklists=[(each, tabulate_items(each, sections.anchors)) for each in filled],
        )
    }
    for checklist in filled:
        files[f"{checklist.file}.csv"] = inert_text(tabulate_checklist(checklist))
    return files
