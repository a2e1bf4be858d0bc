"""The page of the study of personal models."""

from collections.abc import Callable, Iterator

from skiagram.report.drawing import ChangeRow, Drawing, draw_changes
from skiagram.report.formatting import format_count, format_difference, format_percent
from skiagram.report.rendering import Summary
from skiagram.report.section import Context
from skiagram.report.tables import (
    Cell,
    Table,
    TableRow,
    fill_cell,
    fill_difference,
    list_rows,
    tabulate,
)
from skiagram.statistics.estimate import MISSING, Estimate, format_decimal, format_interval
from skiagram.studies.personal import (
    IMAGE,
    LATER,
    PersonalDataSet,
    PersonalModel,
    PersonalResult,
)

_KNOWLEDGE = {  # what it is called, the ending of its verb, and its other verb
    "with covariates": ("Covariates", "", "are"),
    "with earlier image": ("An earlier image", "s", "is"),
    "with both": ("Covariates and an earlier image together", "", "are"),
}


def summarise(result: PersonalResult) -> Summary:
    """Return the title, and what is known of a patient changes on each data set."""
    answers = tuple(
        sentence for dataset in result.datasets for sentence in describe_data_set(dataset)
    )
    return Summary("What do covariates and an earlier image change?", answers)


def fill(result: PersonalResult) -> Context:
    """Return what is known of a patient changes: words, figure and tables of each data set."""
    return {
        "reference": IMAGE,
        "found": [
            (
                dataset,
                describe_data_set(dataset),
                draw_data_set(dataset) if len(dataset.models) > 1 else None,
                tabulate_models(dataset),
                tabulate_parts(dataset),
            )
            for dataset in result.datasets
        ],
    }


def tabulate_models(dataset: PersonalDataSet) -> Table:
    """Return AUC and change of each variant, and how far probabilities and decisions move."""

    def of_variant(fill: Callable[[PersonalModel], Cell | str]) -> Callable[..., Cell | str]:
        return lambda model: MISSING if model.knows == IMAGE else fill(model)

    return tabulate(
        dataset.models,
        lambda model: model.title,
        {
            "Knows": lambda model: model.knows,
            "AUC": lambda model: fill_cell(model.auc),
            "Change": of_variant(lambda model: fill_difference(model.difference)),
            "Probability moves by": of_variant(lambda model: _points(model.moved)),
            "Median patient": of_variant(lambda model: format_decimal(model.moved_typically)),
            "90 % of patients below": of_variant(lambda model: format_decimal(model.moved_rarely)),
            "Decisions changed": of_variant(lambda model: _percent(model.decided)),
            "Now right": of_variant(lambda model: _percent(model.righted)),
            "Now wrong": of_variant(lambda model: _percent(model.wronged)),
            "Patients concerned": of_variant(lambda model: _percent(model.patients)),
        },
        words=("Knows",),
    )


def tabulate_parts(dataset: PersonalDataSet) -> Table | None:
    """Return the same by whether a case has an earlier image; None where that parts nothing."""
    parts = dataset.models[0].parts if dataset.models else ()
    headings = [(f"{format_count(part.cases)} {part.part}", "Change") for part in parts]
    columns = ["Knows", *(heading for pair in headings for heading in pair)]
    rows = []
    for model in dataset.models:
        cells: list[Cell | str] = [model.knows]
        for part in model.parts:
            change = MISSING if model.knows == IMAGE else fill_difference(part.difference)
            cells += [fill_cell(part.auc), change]
        rows.append(TableRow(model.title, cells))
    return Table(columns, list_rows(rows), words=columns[:1]) if parts else None


def describe_data_set(dataset: PersonalDataSet) -> list[str]:
    """Say by fixed rules what each kind of knowledge changes; 0 within an interval is no proof."""
    sentences = [
        f"{dataset.title}, {model.title}: {describe_model(dataset, model)}"
        for model in dataset.models
        if model.knows != IMAGE
    ]
    return sentences or [f"{dataset.title}: no model could be trained."]


def describe_model(dataset: PersonalDataSet, model: PersonalModel) -> str:
    """Say what a variant changes: of an earlier image, among the cases that have one."""
    where, difference = "", model.difference
    for part in model.parts:
        if part.part == LATER and model.knows != "with covariates":
            where, difference = f" of the {part.cases} cases with an earlier image", part.difference
    what, ending, verb = _KNOWLEDGE[model.knows]
    undecided = f"{what} {verb} not shown to help or harm"
    if difference.value is None:
        return f"{undecided}: no figure ({difference.reason})."
    before = next(
        each for each in dataset.models if (each.model, each.knows) == (model.model, IMAGE)
    )
    parts = [part.auc for part in before.parts if where and part.part == LATER]
    auc = format_decimal((parts or [before.auc])[0].value)
    figure = format_difference(difference)
    moved = (
        f" The probability moves by {_points(model.moved)} on average, and "
        f"{_percent(model.decided)} of the decisions change."
    )
    low, high = difference.low or 0.0, difference.high or 0.0
    verdict = f"{what} {'help' if low > 0 else 'harm'}{ending}"
    if low <= 0 <= high:
        verdict = undecided
    return f"{verdict}: AUC{where} {auc} on the image alone, {figure}.{moved}"


def _percent(estimate: Estimate) -> str:
    value, low, high = map(format_percent, (estimate.value, estimate.low, estimate.high))
    return value if estimate.low is None else f"{value} ({low} to {high})"


def _points(estimate: Estimate) -> str:
    value = format_decimal(estimate.value)
    return value if estimate.low is None else f"{value} {format_interval(estimate, 3)}"


def draw_data_set(dataset: PersonalDataSet) -> Drawing:
    """Draw the change in AUC of every model, of an earlier image by whether a case has one."""
    rows = [row for model in dataset.models if model.knows != IMAGE for row in _rows(model)]
    label = "change in AUC against the image alone, with 95 % interval"
    return draw_changes(f"personal-{dataset.dataset}", rows, label)


def _rows(model: PersonalModel) -> Iterator[ChangeRow]:
    if not model.parts:
        yield ChangeRow(model.title, model.knows, "classical", model.difference)
    for part in model.parts:
        title = f"{model.knows}, {part.part}"
        yield ChangeRow(model.title, title, "classical", part.difference)
