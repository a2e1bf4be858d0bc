"""Sites that the models never saw: each one's figures, and what the next site may give."""

from collections.abc import Callable

from skiagram.evaluation.evaluation_record import Evaluation, Site, SiteStudy, SiteSummary
from skiagram.report import formatting


def tabulate_sites(evaluation: Evaluation) -> formatting.Table | None:
    """Return one row per site and the summary's rows; None where no site was held out whole."""
    study = evaluation.sites
    if study is None:
        return None
    notes = formatting.Notes()
    classes, arms = evaluation.task.classes, _arms(study)
    contender = evaluation.contender_words
    columns = (
        *(f"Patients, {name}" for name in classes),
        *(
            f"{formatting.metric_heading('roc_auc', evaluation.task)}, "
            f"{formatting.ARM_TITLES[arm].lower()}"
            for arm in arms
        ),
        *((f"{contender.capitalize()} minus classical",) if study.difference else ()),
    )
    sites = tuple(
        formatting.Row(site.name, _site_cells(site, classes, arms, notes)) for site in study.sites
    )
    summaries = [study.auc[arm] for arm in arms]
    summaries += [study.difference] if study.difference else []
    blank = tuple(formatting.Cell("") for _ in classes)
    summary = (
        formatting.Row(
            "Mean over such sites",
            (
                *blank,
                *(
                    notes.cell(summary.mean, _number(summary), _digits(summary))
                    for summary in summaries
                ),
            ),
        ),
        formatting.Row(
            "The next such site", (*blank, *(_next(summary, notes) for summary in summaries))
        ),
        formatting.Row(
            "Spread between sites",
            (*blank, *(formatting.Cell(_spread(summary)) for summary in summaries)),
        ),
    )
    groups = ((f"Each {study.column}", sites), ("Summary", summary))
    return formatting.Table(
        columns, groups, notes.by_mark(), first=study.column.replace("_", " ").title()
    )


def _arms(study: SiteStudy) -> tuple[str, ...]:
    return tuple(arm for arm in formatting.ARM_TITLES if arm in study.auc)


def _site_cells(
    site: Site, classes: tuple[str, ...], arms: tuple[str, ...], notes: formatting.Notes
) -> tuple[formatting.Cell, ...]:
    return (
        *(formatting.Cell(formatting.format_count(site.patients[name])) for name in classes),
        *(notes.cell(site.auc[arm], formatting.format_decimal) for arm in arms),
        *(
            (notes.cell(site.difference, formatting.format_signed, digits=3),)
            if site.difference
            else ()
        ),
    )


def _number(summary: SiteSummary) -> Callable[[float | None], str]:
    return formatting.format_signed if summary.scale == "difference" else formatting.format_decimal


def _next(summary: SiteSummary, notes: formatting.Notes) -> formatting.Cell:
    if summary.next_site.value is None:
        return notes.cell(summary.next_site, formatting.format_decimal)
    return formatting.Cell("", formatting.format_interval(summary.next_site, _digits(summary)))


def _digits(summary: SiteSummary) -> int:
    return 3 if summary.scale == "difference" else 2


def _spread(summary: SiteSummary) -> str:
    words = " on the logit" if summary.scale == "logit" else ""
    return f"{formatting.format_decimal(summary.between)}{words}"


def describe_sites(evaluation: Evaluation) -> str:
    """Say what the sites show of the next one; empty where no site was held out whole."""
    study = evaluation.sites
    if study is None:
        return ""
    number = len(study.sites)
    left_out = (
        f" {study.left_out} with too few patients of a class are neither shown nor summarised."
        if study.left_out
        else ""
    )
    if number < 2:
        return f"One {study.column} says nothing about the next.{left_out}"
    summary = study.difference or next(iter(study.auc.values()))
    auc = "AUC" if evaluation.task.positive is not None else "macro one-vs-rest AUC"
    what = f"{evaluation.contender_words} minus classical" if study.difference else f"the {auc}"
    if summary.next_site.value is None:
        return f"Two values of “{study.column}” say nothing of where the next may lie.{left_out}"
    digits = _digits(summary)
    return (
        f"Over {number} values of “{study.column}”, each scored by models that never saw it, "
        f"{what} is {_number(summary)(summary.mean.value)} "
        f"{formatting.format_interval(summary.mean, digits)}; at the next such one it lies, with "
        f"95 % probability, in {formatting.format_interval(summary.next_site, digits)}.{left_out}"
    )
