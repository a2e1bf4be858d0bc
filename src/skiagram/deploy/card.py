"""A model's card: what a reader must know before using it, made of the run's own records.

After Mitchell et al., *Model Cards for Model Reporting*, FAT* 2019. What no record holds is not
made up: the card says that it is not known.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from skiagram.compute.code_digest import named_targets
from skiagram.deploy.model import DeployedModel, load_model
from skiagram.deploy.scorers import Scorer
from skiagram.errors import escape_controls, listed, refusal
from skiagram.fitting.deployment import Deployment, Fingerprint
from skiagram.options import find_own_code
from skiagram.preparation import PREPARATION, Preparation
from skiagram.records.files import read_record, read_table
from skiagram.records.predictions import COMBINED, PREDICTIONS, digest_scores, folder_of
from skiagram.statistics.estimate import format_estimate
from skiagram.tasks.cases import DataCard

if TYPE_CHECKING:  # scoring new cases needs no figures, and is to start at once
    from skiagram.evaluation.evaluation_record import Evaluation
    from skiagram.evaluation.results import ModelResult

R = TypeVar("R")
CAUTION = "Research only: this is no medical device, and no score may guide the care of a patient."
OWN_CODE = "Code that it needs"
_UNKNOWN = "Not known: the record of the run was not beside the model when this card was made."
_TEMPLATE = Path(__file__).with_name("card.html")
_VALUE = "value (95 % interval by patient)"


@dataclass(frozen=True)
class CardSection:
    """A part of the card."""

    title: str
    lines: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()


class RunRecords(NamedTuple):
    """What the project of a model says of it; None where it is not at hand.

    `evaluation` has all figures of the run, `result` those of the model.
    """

    data: DataCard | None
    evaluation: "Evaluation | None"
    result: "ModelResult | None"


def find_project(model: Path) -> Path:
    """Find the folder of the run that a model's folder lies in, as combinations do deeper."""
    place = model.resolve().parents
    return place[2] if place[1].name == COMBINED else place[1]


def _read_run(folder: Path, project: Path | None, deployment: Deployment) -> RunRecords:
    """Read what the run of a model says of it.

    Raises:
        DataError: A project that was named is not finished, or did not train the model.
    """
    from skiagram.evaluation.evaluation_record import Evaluation

    # The data's own card and the results, where the project is at hand.
    root = project or find_project(folder)
    data = _read(DataCard, root / "data/cases/card.json")
    figures = root / "reports/evaluation.json"
    evaluation = _read(Evaluation, figures)
    if project is not None and evaluation is None:
        raise refusal("deploy.no_evaluation", str(project))
    # The project must be that of the model: the same task and the same images.
    if project is not None and evaluation is not None:
        kept = _read(Preparation, project / "data/preparation" / PREPARATION)
        learned = read_record(Preparation, folder / PREPARATION).image_digests
        if evaluation.task != deployment.task or (kept and kept.image_digests != learned):
            raise refusal("deploy.other_run", str(project))
    # The results of this very model with these options, of its last training.
    for result in () if evaluation is None else evaluation.models:
        outcome = result.outcome
        if (outcome.model, outcome.options) != (deployment.model, deployment.options):
            continue
        scores = folder_of("scores", root, outcome) / PREDICTIONS
        is_untold = not result.scores_digest or not scores.exists()
        if is_untold or digest_scores(read_table(scores)) == result.scores_digest:
            return RunRecords(data, evaluation, result)
    return RunRecords(data, None, None)


def _read(kind: type[R], path: Path) -> R | None:
    return read_record(kind, path) if path.exists() else None


def compose_card(folder: Path, project: Path | None, intended: str) -> tuple[CardSection, ...]:
    """Write the card of a model; `intended` says what for, in the words of who gives it away.

    Raises:
        DataError: The model does not load; see `load_model`.
    """
    # What the folder itself says of the model, then what its run says.
    model = load_model(folder)
    deployment, preparation = model.deployment, model.preparer.preparation
    run = _read_run(folder, project, deployment)
    task = deployment.task
    meant = intended or "Research on cases like those of the training data, and nothing else."
    # Files of the project that have the code of one's own; the command was given there.
    targets = named_targets([asdict(deployment), asdict(preparation)])
    files = {find_own_code(target, Path()) for target in targets} - {None}
    named = listed(sorted(map(str, files)))
    needs = f"Who scores with it needs {named} in a project's folder; it is not in here."
    fits = len(deployment.decisions)
    scored_by = "one fit" if fits == 1 else f"the mean of {fits} fits"
    overview = (
        CAUTION,
        f"Intended use: {meant}",
        f"It {task.predicted.purpose}. Model `{deployment.model}`, arm `{deployment.arm}`: "
        f"{scored_by}.",
    )
    return (
        CardSection(deployment.title, overview),
        *((CardSection(OWN_CODE, (needs,)),) if files else ()),
        _data(run, model.fingerprint, deployment),
        _inputs(preparation, model.scorer),
        _decisions(model),
        *_figures(run, deployment.model),
        _issues(run),
        _untested(run, preparation),
    )


def _data(run: RunRecords, fingerprint: Fingerprint | None, deployment: Deployment) -> CardSection:
    # Where the data come from.
    lines, data = [_UNKNOWN], run.data
    if data is not None:
        lines = [f"{data.title} ({data.modality}). From: {data.source}."]
        lines.append(f"Licence: {data.licence}. Cite: {data.citation}")
        if not data.patients_known:
            lines.append("Patients are not named: groups of near duplicates stand in for them.")
    # How many patients and images the model learned from.
    table: tuple[tuple[str, ...], ...] = ()
    if fingerprint is not None:
        rows = [(name, f"{count:,}") for name, count in fingerprint.patients.items()]
        table = (("class", "patients for training"), *rows)
        lines.append(f"{fingerprint.cases:,} cases for training.")
    design = {"holdout": "a sealed test set", "cv": "nested cross-validation"}
    lines.append(f"Figures come from {design[deployment.task.design]}.")
    return CardSection("Population and data", tuple(lines), table)


def _inputs(preparation: Preparation, scorer: Scorer) -> CardSection:
    # Ranges of the training images, if there were any.
    kinds, traits = preparation.images, preparation.traits
    lines: tuple[str, ...] = ()
    rows: list[tuple[str, str]] = []

    def span(pair: tuple[float, float], unit: str) -> str:
        low, high = (f"{value:.4g}" for value in pair)
        return f"{low} {unit}" if low == high else f"{low} to {high} {unit}"

    if kinds is None:
        rows.append(("images", "none: a table of features"))
    else:
        lines = (
            "Intensities have the unit of the files as ingest reads them: of DICOM after rescale "
            "slope and intercept, such as Hounsfield units of CT.",
            "Another number of channels, 16 bits in place of 8 and, for some networks, another "
            "size are refused. Else an image outside these ranges is scored and marked as unlike "
            "the training data.",
        )
        channels = " or ".join(map(str, kinds.channels))
        rows.append(("pixels", f"{' or '.join(kinds.depths)}, {channels} ch."))
        if kinds.slices is not None:
            rows.append(("slices", span(kinds.slices, "")))
        rows += [("height", span(kinds.height, "pixels")), ("width", span(kinds.width, "pixels"))]
    # Traits that only some images have.
    if traits is not None:
        names = ("slices", "rows", "columns")[-len(traits.spacing) :] if traits.spacing else ()
        distances = zip(names, traits.spacing, strict=True)
        rows += [(f"distance of {name}", span(pair, "mm")) for name, pair in distances]
        modalities = " or ".join(name or "not named" for name in traits.modality)
        rows.append(("DICOM modality", modalities))
        rows.append(("mean intensity", span(traits.brightness, "")))
        rows.append(("deviation of intensity", span(traits.contrast, "")))
    # What stands beside an image.
    if preparation.modalities:
        rows.append(("images per case", ", ".join(preparation.modalities)))
    if kinds is not None:
        regions = "a mask for every image" if preparation.regions else "none"
        rows.append(("region of interest", regions))
    if preparation.covariates:
        rows.append(
            ("covariates", ", ".join(covariate.column for covariate in preparation.covariates))
        )
    if scorer.reads_earlier:
        rows.append(("earlier image", "of the visit before: `patient_id`, `visit`, `region` tell"))
    if scorer.requires.reads_other:
        rows.append(("other image", "of the same patient: `patient_id` tells"))
    return CardSection("Expected input", lines, (("what", "in training"), *rows))


def _decisions(model: DeployedModel) -> CardSection:
    # Outcomes without classes decide nothing.
    if not model.task.defines("decisions"):
        estimates = ", ".join(model.task.predicted.reported)
        return CardSection(
            "Estimates", (f"Of a new case it gives: {estimates}. It decides nothing.",)
        )
    lines = (
        *filter(None, [model.rule]),
        "A case that is unlike the training data is to be referred to a person.",
        "Probabilities are those of a population where classes are as frequent as here.",
    )
    return CardSection("Decisions", lines)


def _figures(run: RunRecords, model: str) -> Iterator[CardSection]:
    # A card without its run has no figures.
    if run.evaluation is None or run.result is None:
        yield CardSection("Figures", (_UNKNOWN,))
        return
    from skiagram.evaluation.criteria import is_nothing_of_use
    from skiagram.evaluation.results import CALIBRATION, CASES, METRICS, SUBGROUPS
    from skiagram.evaluation.sentences import say
    from skiagram.evaluation.verdict import advise_without_use

    part_titles = {
        "test": "the sealed test cases",
        "out_of_fold": "cases that other fits of this model held out",
    }
    calibration_titles = {"intercept": "calibration intercept", "slope": "calibration slope"}
    # The figures of this model alone; at chance a slope has no meaning.
    useless, task = is_nothing_of_use(run.evaluation), run.evaluation.task
    of_model = run.evaluation.table.select(model=model, versus="")
    shown = [*of_model.select(analysis=METRICS).rows]
    for figure in () if useless else calibration_titles:
        shown += of_model.select(analysis=CALIBRATION, figure=figure, group="").rows
    rows = []
    for row in shown:
        if row.value is not None:
            title = task.predicted.title_figure(row.figure, row.group)
            rows.append((calibration_titles.get(row.figure, title), format_estimate(row)))
    # On which cases and how many they were measured.
    where = part_titles.get(task.part, task.part)
    counted = f"{run.evaluation.patients.get('reported', 0):,} patients"
    if run.evaluation.events:
        counted += f" with {run.evaluation.events} events"
    advice = (say("answer.nothing_works"), *advise_without_use(run.evaluation))
    without_use = advice if useless else ()
    yield CardSection(
        "Figures",
        (*without_use, f"On {where}, {counted}."),
        (("figure", _VALUE), *rows),
    )
    # The AUC of each subgroup.
    subgroup_table = run.evaluation.table.select(analysis=SUBGROUPS, model=model, versus="")
    groups: list[tuple[str, ...]] = []
    for part in run.result.parts:
        part_table = subgroup_table.select(group=part.name)
        auc = part_table.get(figure="roc_auc") if part_table else None
        if auc is not None:
            cases = f"{part_table.find(figure=CASES).value or 0:,.0f}"
            groups.append((part.name, cases, format_estimate(auc, why=True), part.warning))
    if groups:
        header = ("subgroup", "cases", f"AUC, {_VALUE}", "note")
        yield CardSection("Subgroups", (), (header, *groups))
    elif not task.predicted.has_value:
        yield CardSection("Subgroups", ("None were looked at: no covariate divides the cases.",))


def _issues(run: RunRecords) -> CardSection:
    from skiagram.evaluation.criteria import is_above_ideal

    # What the data set, the run and the figures themselves warn of.
    lines: list[str] = []
    if run.data is not None:
        lines += run.data.known_issues
        lines += [f"Waived: {name}: {why}" for name, why in run.data.waived_findings.items()]
    if run.evaluation is not None:
        lines += run.evaluation.warnings
    if run.result is not None and is_above_ideal(run.result.figures):
        lines.append("The model beats the ideal observer: labels have leaked into it.")
    if run.data is None and run.evaluation is None:
        lines.append(_UNKNOWN)
    return CardSection("Known issues", tuple(lines) or ("None is recorded.",))


def _untested(run: RunRecords, preparation: Preparation) -> CardSection:
    # What nobody has looked at: ranges, sites, time, regions, subgroups and use.
    lines = ["Images outside the ranges under *Expected input*."]
    sites = run.data.test_sites if run.data is not None else ()
    if sites:
        lines.append(f"Other sites than those held out: {', '.join(sites)}.")
    elif run.evaluation is not None and run.evaluation.site_column:
        lines.append("Other sites than those of the data set; each of these was held out once.")
    else:
        lines.append("Any other site: none was held out whole.")
    lines.append("Patients seen later than those of the data set: time was not held out.")
    if preparation.regions:
        lines.append("Regions drawn by other people or programs than those of the data set.")
    looked = () if run.result is None else {part.column for part in run.result.parts}
    columns = ", ".join(sorted(looked))
    lines.append(f"Subgroups other than by {columns}." if columns else "Any subgroup of patients.")
    lines.append("Use by physicians: what people do with the scores was not studied.")
    return CardSection("Not tested on", tuple(lines))


def as_markdown(card: tuple[CardSection, ...]) -> str:
    """Write a card as Markdown, the first section's title on top."""
    # Each section with its lines and its table.
    parts = []
    for number, section in enumerate(card):
        parts.append(f"{'#' if number == 0 else '##'} {_plain(section.title)}")
        parts += [_plain(line) for line in section.lines]
        if section.table:
            rows = [[_plain(cell).replace("|", "\\|") for cell in row] for row in section.table]
            widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
            rows.insert(1, ["-" * width for width in widths])
            for row in rows:  # columns of equal width, as a terminal shows them, too
                row[:] = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            parts.append("\n".join(f"| {' | '.join(row)} |" for row in rows))
    return "\n\n".join(parts) + "\n"


def _plain(text: str) -> str:
    """Make text one line without control characters, as a card is printed in terminals."""
    return "".join(mark if mark.isprintable() else " " for mark in text)


def as_html(card: tuple[CardSection, ...]) -> str:
    """Write a card as a page."""
    from jinja2 import Environment

    template = _TEMPLATE.read_text(encoding="utf-8")
    return (
        Environment(autoescape=True, finalize=escape_controls)
        .from_string(template)
        .render(card=card)
        + "\n"
    )
