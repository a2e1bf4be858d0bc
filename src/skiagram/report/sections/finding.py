"""Lesions searched for: FROC curves, figures of merit, and pictures of hits and misses."""

from collections.abc import Callable, Iterator

from skiagram.evaluation.criteria import is_above_ideal, rests_on_few_marks
from skiagram.evaluation.evaluation_record import (
    MEAN_SENSITIVITY,
    MERIT,
    Evaluation,
    FindingEvaluation,
)
from skiagram.evaluation.results import FinderResult
from skiagram.report.drawing import (
    ARM_COLOUR,
    DASHES,
    OTHERS,
    Drawing,
    Line,
    Panel,
    draw_lines,
    style_of,
)
from skiagram.report.formatting import ARM_TITLES
from skiagram.report.tables import (
    Cell,
    Cells,
    Group,
    Table,
    TableRow,
    fill_cell,
    fill_difference,
)
from skiagram.statistics.estimate import MISSING, Estimate, format_decimal

_RATES = ("0.25", "0.5", "1", "2", "4", "8")
_MARKS = {0.125: "⅛", 0.25: "¼", 0.5: "½", 1.0: "1", 2.0: "2", 4.0: "4", 8.0: "8"}
_OF_FOLDS = "made of the models that each fold chose"


def _by_arm(
    evaluation: Evaluation, finding: FindingEvaluation
) -> Iterator[tuple[str, str, FinderResult]]:
    """Yield (arm, title, figures) of every finder, the mixtures that stand for an arm besides."""
    arm_of = {model.outcome.model: model.outcome.arm for model in evaluation.models}
    for arm in ARM_TITLES:
        for finder in finding.finders:
            if arm_of[finder.model] == arm:
                yield arm, evaluation.titles[finder.model], finder
    for arm, finder in finding.arms.items():
        if len(finding.chosen[arm]) > 1:
            kind = "deep" if arm == "either" else arm
            yield kind, f"Best of each fold ({ARM_TITLES[kind].lower()})", finder


def _is_standing(finding: FindingEvaluation, finder: FinderResult) -> bool:
    """Tell whether a finder, or a mixture, stands for its arm."""
    several = {arm for arm, chosen in finding.chosen.items() if len(chosen) > 1}
    return any(
        finder is standing if arm in several else finder.model == standing.model
        for arm, standing in finding.arms.items()
    )


def tabulate_merits(evaluation: Evaluation, finding: FindingEvaluation) -> Table:
    """Tabulate figure of merit, LUNA16's score, ceiling and distance of every finder.

    Last stands LUNA16's score on the development set, by which the best were chosen.
    """
    # The columns; distances are in the unit of the images.
    columns = ["Figure of merit", "Mean sensitivity", "Found by any mark"]
    columns += [f"Median distance, {finding.unit}"]
    columns.append("Mean sensitivity that chose the best")
    if finding.ideal:
        columns.append("Share of the ideal")

    def cells(finder: FinderResult) -> Cells:
        near = Cell(MISSING, reason="no lesion was hit")
        median, most = (finder.find("distance", part).value for part in ("median", "90 %"))
        if median is not None:
            near = Cell(format_decimal(median, 1), f"90 %: {most:.1f}")
        before = Cell(MISSING, reason=_OF_FOLDS)
        if (chosen_by := finder.find("selection_sensitivity").value) is not None:
            before = Cell(format_decimal(chosen_by))
        merit, mean, found = (
            fill_cell(finder.find(figure)) for figure in (MERIT, MEAN_SENSITIVITY, "found")
        )
        row = [merit, mean, found, near, before]
        return [*row, fill_cell(finder.find("efficiency"))] if finding.ideal else row

    # The finders by arm, what the answer rests on, and the limit of generated data.
    groups = _groups(evaluation, finding, cells)
    empty = [""] * (len(columns) - 2)
    if gain := evaluation.gain_in_finding(MERIT):
        name = f"Best {evaluation.words_of(finding.contender)} minus best classical model"
        more = evaluation.gain_in_finding(MEAN_SENSITIVITY)
        gains = map(fill_difference, (gain, more))
        groups.append(Group("What the answer rests on", [TableRow(name, [*gains, *empty])]))
    if finding.ideal:
        limits = [fill_cell(finding.ideal.find(figure)) for figure in (MERIT, MEAN_SENSITIVITY)]
        row = TableRow("Ideal observer", [*limits, *empty])
        groups.append(Group("The limit of this task", [row]))
    return Table(columns, groups)


def tabulate_sensitivities(evaluation: Evaluation, finding: FindingEvaluation) -> Table:
    """Return the share of lesions found at rates of false marks per image and per normal image."""

    def cells(
        finder: FinderResult, figure: str = "sensitivity", images: str = "fewest_images"
    ) -> Cells:
        filled = []
        for rate in _RATES:
            cell, fewest = fill_cell(finder.find(figure, rate)), int(finder.find(images).value or 0)
            if not cell.reason and rests_on_few_marks(float(rate), fewest):
                reason = (
                    f"a fit may set fewer than two false marks on its {fewest} images at this "
                    "rate, so a single mark decides this share"
                )
                cell = cell._replace(reason=reason)
            filled.append(cell)
        return filled

    # The same at rates per normal image, where there are such images.
    groups = _groups(evaluation, finding, cells)
    if finding.ideal:
        groups.append(Group("The limit of this task", [TableRow("Ideal", cells(finding.ideal))]))
    if finding.normal:
        per_normal = []
        for _, title, finder in _by_arm(evaluation, finding):
            shares = cells(finder, "sensitivity_normal", "fewest_normal")
            best = _is_standing(finding, finder)
            per_normal.append(TableRow(title, shares, best=best))
        groups.append(Group("False marks per normal image instead", per_normal))
    return Table(_RATES, groups)


def _groups(
    evaluation: Evaluation, finding: FindingEvaluation, cells: Callable[[FinderResult], Cells]
) -> list[Group]:
    rows: dict[str, list[TableRow]] = {}
    for arm, title, finder in _by_arm(evaluation, finding):
        caution = "above the ideal" if is_above_ideal(finder.figures) else ""
        row = TableRow(title, cells(finder), best=_is_standing(finding, finder), caution=caution)
        rows.setdefault(arm, []).append(row)
    return [Group(ARM_TITLES[arm], rows_of_arm) for arm, rows_of_arm in rows.items()]


def draw_froc(evaluation: Evaluation, finding: FindingEvaluation) -> Drawing:
    """Draw the FROC curve of every finder, with a band where it stands for an arm."""
    # What stands for an arm is thick and has a band.
    lines, described, others = [], [], 0
    for arm, title, finder in _by_arm(evaluation, finding):
        style = style_of("compared", color=ARM_COLOUR[arm])
        best, band = _is_standing(finding, finder), finder.froc_band
        if not best:
            colour, dashes = OTHERS[others % len(OTHERS)], DASHES[(1 + others) % len(DASHES)]
            style = style_of("other_finder", color=colour, linestyle=dashes)
            others += 1
        shade = (band.x, band.low, band.high) if best and band else None
        label = f"{_words(finder.find(MEAN_SENSITIVITY))} {title}"
        lines.append(Line(label, finder.froc.x, finder.froc.y, style, shade))
        share = _words(finder.find("sensitivity", "1"))
        described.append(f"{title} {share} at one false mark per image")
    # The limit of generated data, and the share that can be found at all.
    if finding.ideal:
        label = f"{_words(finding.ideal.find(MEAN_SENSITIVITY))} ideal observer"
        lines.append(
            Line(label, finding.ideal.froc.x, finding.ideal.froc.y, style_of("limit_of_finding"))
        )
    if finding.ceiling is not None:
        lines.append(
            Line("", (min(_MARKS), max(_MARKS)), (finding.ceiling,) * 2, style_of("ceiling"))
        )
    # The axis holds the rates that the mean sensitivity is over.
    limits = (min(_MARKS), max(_MARKS)), (0, 1.01)
    words = f"Share of the lesions found against false marks: {'; '.join(described)}."
    labels = "False marks per image", "Share of the lesions found"
    return draw_lines("froc", [Panel(lines, labels, limits, _MARKS)], words, is_log=True)


def _words(estimate: Estimate) -> str:
    return format_decimal(estimate.value)
