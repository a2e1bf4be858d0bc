"""Lesions searched for: FROC curves, figures of merit, and pictures of hits and misses."""

from collections.abc import Callable, Iterator

from skiagram.evaluation.criteria import find_better_finder, is_above_ideal, rests_on_few_marks
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
    MUTED,
    OTHERS,
    Drawing,
    Style,
    open_sheet,
    wrap_title,
)
from skiagram.report.formatting import ARM_TITLES, format_difference, format_percent
from skiagram.report.material import Material
from skiagram.report.section import Context, section
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
_LEGEND_LINE = 0.19  # inches


@section(
    "Finding lesions",
    place=7,
    select=lambda evaluation, _: evaluation.finding,
    otherwise="no model searches for lesions",
)
def finding(evaluation: Evaluation, material: Material) -> Context:
    """Return curves, tables and what they are of."""
    found = evaluation.finding
    if found is None:
        return {}
    return {
        "found": found,
        "froc": draw_froc(evaluation, found),
        "merits": tabulate_merits(evaluation, found),
        "sensitivities": tabulate_sensitivities(evaluation, found),
        "left_out": " ".join(_left_out(found)),
        "ceiling": "" if found.ceiling is None else format_percent(found.ceiling),
        "sheets": material.sheets,
    }


def _left_out(found: FindingEvaluation) -> Iterator[str]:
    if found.unplaced:
        yield f"{found.unplaced} positive images without a known place are left out."
    if found.near_duplicates:
        yield f"{found.near_duplicates} images with a near duplicate elsewhere are left out."


def _by_arm(
    evaluation: Evaluation, found: FindingEvaluation
) -> Iterator[tuple[str, str, FinderResult]]:
    """Yield (arm, title, figures) of every finder, the mixtures that stand for an arm besides."""
    arm_of = {model.outcome.model: model.outcome.arm for model in evaluation.models}
    for arm in ARM_TITLES:
        for one in found.finders:
            if arm_of[one.model] == arm:
                yield arm, evaluation.titles[one.model], one
    for arm, one in found.arms.items():
        if len(found.chosen[arm]) > 1:
            kind = "deep" if arm == "either" else arm
            yield kind, f"Best of each fold ({ARM_TITLES[kind].lower()})", one


def _is_standing(found: FindingEvaluation, finder: FinderResult) -> bool:
    """Return whether a finder, or a mixture, stands for its arm."""
    several = {arm for arm, chosen in found.chosen.items() if len(chosen) > 1}
    return any(
        finder is own if arm in several else finder.model == own.model
        for arm, own in found.arms.items()
    )


def tabulate_merits(evaluation: Evaluation, found: FindingEvaluation) -> Table:
    """Return figure of merit, LUNA16's score, ceiling and distance of every finder.

    Last stands LUNA16's score on development cases, by which the best were chosen.
    """
    columns = ["Figure of merit", "Mean sensitivity", "Found by any mark"]
    columns += [f"Median distance, {found.unit}", "Mean sensitivity that chose the best"]
    if found.ideal:
        columns.append("Share of the ideal")

    def cells(one: FinderResult) -> Cells:
        near = Cell(MISSING, reason="no lesion was hit")
        if one.distance:
            near = Cell(format_decimal(one.distance[0], 1), f"90 %: {one.distance[1]:.1f}")
        before = Cell(MISSING, reason="made of the models that each fold chose")
        if one.selection_sensitivity is not None:
            before = Cell(format_decimal(one.selection_sensitivity))
        row = [fill_cell(one.merit), fill_cell(one.mean_sensitivity), fill_cell(one.found)]
        row += [near, before]
        return [*row, fill_cell(one.efficiency)] if found.ideal else row

    groups = _groups(evaluation, found, cells)
    empty = [""] * (len(columns) - 2)
    if gain := evaluation.gain_in_finding(MERIT):
        name = f"Best {evaluation.words_of(found.contender)} minus best classical model"
        more = evaluation.gain_in_finding(MEAN_SENSITIVITY)
        both = [fill_difference(gain), fill_difference(more)]
        groups.append(Group("What the answer rests on", [TableRow(name, [*both, *empty])]))
    if found.ideal:
        limits = [fill_cell(found.ideal.merit), fill_cell(found.ideal.mean_sensitivity)]
        row = TableRow("Ideal observer", [*limits, *empty])
        groups.append(Group("The limit of this task", [row]))
    return Table(columns, groups)


def tabulate_sensitivities(evaluation: Evaluation, found: FindingEvaluation) -> Table:
    """Return the share of lesions found at rates of false marks per image and per normal image."""

    def cells(one: FinderResult) -> Cells:
        return [_fill_rate(one.sensitivity[rate], rate, one.fewest_images) for rate in _RATES]

    def normal(one: FinderResult) -> Cells:
        return [
            _fill_rate(one.sensitivity_normal.get(rate), rate, one.fewest_normal) for rate in _RATES
        ]

    groups = _groups(evaluation, found, cells)
    if found.ideal:
        groups.append(Group("The limit of this task", [TableRow("Ideal", cells(found.ideal))]))
    if found.normal:
        per_normal = [
            TableRow(title, normal(one), best=_is_standing(found, one))
            for _, title, one in _by_arm(evaluation, found)
        ]
        groups.append(Group("False marks per normal image instead", per_normal))
    return Table(_RATES, groups)


def _fill_rate(share: Estimate | None, rate: str, images: int) -> Cell:
    cell = fill_cell(share)
    if cell.reason or not rests_on_few_marks(float(rate), images):
        return cell
    reason = (
        f"a fit may set fewer than two false marks on its {images} images at this rate, so a "
        "single mark decides this share"
    )
    return cell._replace(reason=reason)


def _groups(
    evaluation: Evaluation, found: FindingEvaluation, cells: Callable[[FinderResult], Cells]
) -> list[Group]:
    rows: dict[str, list[TableRow]] = {}
    for arm, title, one in _by_arm(evaluation, found):
        caution = "above the ideal" if is_above_ideal(one) else ""
        row = TableRow(title, cells(one), best=_is_standing(found, one), caution=caution)
        rows.setdefault(arm, []).append(row)
    return [Group(ARM_TITLES[arm], own) for arm, own in rows.items()]


def draw_froc(evaluation: Evaluation, found: FindingEvaluation) -> Drawing:
    """Draw the FROC curve of every finder, with a band where it stands for an arm."""
    finders = list(_by_arm(evaluation, found))
    labels = [
        wrap_title(f"{_words(one.mean_sensitivity)} {title}", 52) for _, title, one in finders
    ]
    lines = sum(1 + label.count("\n") for label in labels) + bool(found.ideal)
    with open_sheet(3.0 + _LEGEND_LINE * lines) as page:
        axes, others = page.figure.add_subplot(), 0
        for (arm, _, one), label in zip(finders, labels, strict=True):
            best = _is_standing(found, one)
            style: Style = {"color": ARM_COLOUR[arm], "linewidth": 2.0, "zorder": 3}
            if not best:
                style = {"color": OTHERS[others % len(OTHERS)], "linewidth": 1.2, "zorder": 2}
                style["linestyle"] = DASHES[(1 + others) % len(DASHES)]
                others += 1
            axes.plot(one.froc.x, one.froc.y, label=label, **style)
            band = one.froc_band
            if best and band:
                colour: Style = {"color": ARM_COLOUR[arm], "alpha": 0.15, "linewidth": 0}
                axes.fill_between(band.x, band.low, band.high, **colour)
        if found.ideal:
            ideal: Style = {"color": MUTED, "linestyle": "--", "linewidth": 1.2}
            label = f"{_words(found.ideal.mean_sensitivity)} ideal observer"
            axes.plot(found.ideal.froc.x, found.ideal.froc.y, label=label, **ideal)
        if found.ceiling is not None:
            axes.axhline(found.ceiling, color=MUTED, linewidth=0.8, linestyle=":", zorder=0)
        axes.set_xscale("log", base=2)
        axes.set_xticks([0.125, 0.25, 0.5, 1, 2, 4, 8], ["⅛", "¼", "½", "1", "2", "4", "8"])
        axes.set_xlim(0.125, 8)
        axes.set_ylim(0, 1.01)
        axes.set_xlabel("False marks per image")
        axes.set_ylabel("Share of the lesions found")
        axes.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.16), borderaxespad=0)
        words = "; ".join(
            f"{title} {_words(one.sensitivity['1'])} at one false mark per image"
            for _, title, one in finders
        )
        return page.finish("froc", f"Share of the lesions found against false marks: {words}.")


def _words(estimate: Estimate) -> str:
    return format_decimal(estimate.value)


def state_finding(evaluation: Evaluation) -> str:
    """Return what the first page says of finding; empty where nothing is searched for."""
    found = evaluation.finding
    if found is None:
        return ""
    of = f"Of {found.lesions} lesions in {found.images} images"
    at = "at one false mark per image"
    gain = evaluation.gain_in_finding(MERIT)
    if gain is None or gain.value is None:
        best = max(found.finders, key=lambda one: one.merit.value or 0.0)
        share = format_percent(best.sensitivity["1"].value)
        return f"{of}, {evaluation.titles[best.model]} finds {share} {at}."
    name = evaluation.words_of(found.contender)
    arms = [found.arms[arm] for arm in (found.contender, "classical")]
    shares = [format_percent(each.sensitivity["1"].value) for each in arms]
    merits = [_words(each.merit) for each in arms]
    means = [_words(each.mean_sensitivity) for each in arms]
    more = evaluation.gain_in_finding(MEAN_SENSITIVITY) or Estimate(None)
    return (
        f"{of}, the best {name} finds {shares[0]} and the best classical model {shares[1]} {at}. "
        f"Figure of merit (JAFROC): {merits[0]} instead of {merits[1]}, a difference of "
        f"{format_difference(gain)}. Mean sensitivity: {means[0]} instead of "
        f"{means[1]}, a difference of {format_difference(more)}. With a margin of "
        f"{format_decimal(evaluation.margin)}, {_relate(evaluation, name)}."
    )


def _relate(evaluation: Evaluation, name: str) -> str:
    """Say which finder is better: the one that has more of both figures."""
    sides = {"contender": f"the {name}", "classical": "the classical model"}
    better = find_better_finder(evaluation)
    if better == "alike":
        return "the two are alike"
    if better == "open":
        return "which of them finds more is not settled"
    side = sides[better.removesuffix(" in merit")]
    if better in sides:
        return f"{side} is better"
    return (
        f"{side} has the higher figure of merit, but is not shown to find more: which of them is "
        "better is not settled"
    )
