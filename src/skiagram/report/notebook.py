"""What is compared or read shows itself in a notebook: the sentences, the table, the curves."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pandas as pd

from skiagram.compute.files import write_files
from skiagram.datasets.folder.identifiers import normalise_spelling
from skiagram.errors import DataError, OptionError, listed, suggest
from skiagram.evaluation.evaluation_record import (
    Decision,
    Evaluation,
)
from skiagram.evaluation.options import DEFAULT_MARGIN
from skiagram.evaluation.results import METRICS, ModelResult
from skiagram.evaluation.score_columns import line_up_columns, read_texts
from skiagram.evaluation.score_comparison import compare_scores, measure_columns
from skiagram.evaluation.sentences import say
from skiagram.notices import say_once
from skiagram.records.files import read_record
from skiagram.report.drawing import Drawing
from skiagram.report.formatting import finished_models
from skiagram.report.rendering import open_plain_templates, render_template
from skiagram.report.section import make_section
from skiagram.report.sections.answer import draw_answer, state_answer, tabulate_answer
from skiagram.report.sections.calibration import draw_reliability
from skiagram.report.sections.curves import draw_curves
from skiagram.report.sections.decisions import draw_decision_curve
from skiagram.report.sections.readers import describe_readers
from skiagram.report.tables import (
    Cell,
    Group,
    Table,
    TableRow,
    fill_cell,
    fill_difference,
)
from skiagram.statistics.estimate import Estimate
from skiagram.tables.frames import check_same_rows

_COLUMNS = {
    "roc_auc": "AUC",
    "average_precision": "Average precision",
    "brier": "Brier score",
}
_FURTHER = ("average_precision", "brier")  # figures of the table, beside the AUC


class _Shown:
    """What an evaluation shows of itself.

    Attributes:
        evaluation: Every figure.
        answered: The same, in which models may have their AUC alone.
    """

    evaluation: Evaluation
    answered: Evaluation

    @property
    def decision(self) -> Decision:
        """`yes`, `no`, `open` (inconclusive), or `none` where nothing can be said."""
        return self.answered.answer.decision

    @property
    def verdict(self) -> str:
        return self.answered.verdict

    @property
    def difference(self) -> Estimate | None:
        """Difference in AUC with its interval: `value`, `low`, `high`, `method`."""
        return self.answered.difference

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row a model or column of scores: its primary figure with bounds, and further ones."""
        primary, rows = self.evaluation.primary, []
        heading = {"roc_auc": "auc"}.get(primary, primary)
        for model in finished_models(self.evaluation):
            figure = model.find(primary)
            row: dict[str, Any] = {"name": model.outcome.title, heading: figure.value}
            row |= {"low": figure.low, "high": figure.high}
            further = model.figures.select(analysis=METRICS).rows
            row |= {each.figure: each.value for each in further if each.figure in _FURTHER}
            rows.append(row)
        return pd.DataFrame(rows).set_index("name")

    def __repr__(self) -> str:
        return self.verdict

    def _repr_html_(self) -> str:
        sentences, table = self._answer()
        # Each figure is an image of its own, which no style of a notebook changes.
        pictures = []
        for drawing in self._draw():
            if drawing:
                data = b64encode(drawing.svg.encode()).decode()
                source = f"data:image/svg+xml;base64,{data}"
                pictures.append({"source": source, "words": drawing.description})
        return render_template(
            "notebook.html.j2",
            sentences=sentences,
            table_of=table,
            pictures=pictures,
            warnings=self.evaluation.warnings,
        )

    def _answer(self) -> tuple[Sequence[str], Table]:
        """Return the sentences and the table."""
        raise NotImplementedError

    def _draw(self) -> Sequence[Drawing | None]:
        """Return the figures."""
        raise NotImplementedError


@dataclass(frozen=True, repr=False)
class ProjectResult(_Shown):
    """The evaluation of a run, `reports/evaluation.json`; it shows itself in a notebook.

    Attributes:
        folder: The project.
    """

    evaluation: Evaluation
    folder: Path

    @property
    def page(self) -> Path:
        """The report."""
        return self.folder / "reports/report.html"

    @property
    def figures(self) -> pd.DataFrame:
        """Every figure of the run, a row each, with its interval or why there is none."""
        return self.evaluation.table.frame()

    @property
    def plots(self) -> dict[str, Path]:
        """The drawings of the report: name → SVG file."""
        files = sorted((self.folder / "reports/plots").glob("*.svg"))
        return {path.stem: path for path in files}

    def predict(self, images: Any, model: str | None = None) -> pd.DataFrame:
        """Score new images with a trained model, for research only, as `skiagram predict` does.

        Args:
            images: Arrays or paths of files, made as the training images were made.
            model: Its name in the table of models; None for the one that the verdict would use: of
                the networks where it is *yes*, else of the classical models. Where folds chose
                different ones, it is the one that was chosen most often.

        Returns:
            A row an image, with the columns of `skiagram predict`: `probability_<class>`,
            `decision`, `unusual`, and `error` where it could not be scored.

        Raises:
            OptionError: There is no such model, or it needs more than an image of each case.
            DataError: None of the images can be scored.
        """
        from skiagram.deploy.inputs import require_covariates
        from skiagram.deploy.new_cases import find_cases
        from skiagram.deploy.package import opened_model, works_on_nothing
        from skiagram.deploy.prediction import score_cases, tabulate
        from skiagram.intake.in_memory import written_images

        # the model
        if model is None:
            arms = self.evaluation.arms
            preferred = self.evaluation.contender if self.decision == "yes" else "classical"
            chosen = [
                name for arm in (preferred, *arms) if arm in arms for name in arms[arm].chosen
            ]
            model = next(iter(chosen), None)
        records = sorted(self.folder.glob("models/*/deployment.json"))
        records += sorted(self.folder.glob("combined/models/*/deployment.json"))
        folders = {path.parent.name: path.parent for path in records}
        if model not in folders:
            remedy = suggest(model or "", folders, "name one of these")
            fault = f"no trained model `{model}`" if model else "no model was chosen"
            raise OptionError(fault, where="model", allowed=listed(folders), remedy=remedy)
        if works_on_nothing(folders[model]):
            say_once(say("answer.nothing_works"), to_all=True)
        # each image
        with opened_model(folders[model]) as opened, written_images(images) as files:
            volumes = opened.preparer.preparation.of_volumes
            cases = find_cases([str(file) for file in files.values()], volumes=volumes)
            require_covariates(opened.scorer.covariates, cases)
            results = [*score_cases(opened, cases)]
        if all(result.error for result in results):
            raise DataError(results[0].error, where="images", allowed="images as in training")
        names = {str(file): name for name, file in files.items()}
        return tabulate(opened, results, [names.get(each.file, each.file) for each in results])

    @property
    def answered(self) -> Evaluation:  # type: ignore[override]
        return self.evaluation

    def _answer(self) -> tuple[Sequence[str], Table]:
        return state_answer(self.evaluation), tabulate_answer(self.evaluation)

    def _draw(self) -> Sequence[Drawing | None]:
        return draw_answer(self.evaluation), draw_curves(self.evaluation, "roc")


@dataclass(frozen=True, repr=False)
class ScoreComparison(_Shown):
    """Columns of scores compared; it shows itself in a notebook.

    The verdict needs no resampling. Figures that do are made when they are first asked for.
    """

    answered: Evaluation
    measure: Callable[[], tuple[ModelResult, ...]]

    @cached_property
    def evaluation(self) -> Evaluation:  # type: ignore[override]
        return replace(self.answered, models=self.measure())

    def write(self, path: str | Path) -> None:
        """Write a page that loads nothing, with every table and figure."""
        sentences, table_of = self._answer()
        shown = make_section("comparison", self.evaluation, file="comparison.yaml")
        page = render_template(
            "comparison.html.j2",
            title=f"{self._names[0]} in place of {self._names[1]}?",
            evaluation=self.evaluation,
            sentences=sentences,
            table_of=table_of,
            own=shown.context if shown else {},
        )
        write_files({Path(path): page.encode()})

    def __str__(self) -> str:
        readers = describe_readers(self.answered)
        template = open_plain_templates().get_template("comparison.txt.j2")
        return template.render(evaluation=self.answered, readers=readers).rstrip("\n")

    @property
    def _names(self) -> tuple[str, str]:
        return self.answered.contender, self.answered.opponent

    def _answer(self) -> tuple[Sequence[str], Table]:
        evaluation = self.evaluation
        # The figures of each column, then their difference.
        rows = [
            TableRow(model.outcome.title, [fill_cell(model.find(name)) for name in _COLUMNS])
            for model in evaluation.models
        ]
        cells: list[Cell | str] = [fill_difference(self.difference), *[""] * (len(_COLUMNS) - 1)]
        rest = TableRow(" minus ".join(self._names), cells)
        groups = (Group("", rows), Group("What the answer rests on", [rest]))
        table = Table(tuple(_COLUMNS.values()), groups, first="Scores")
        answer = evaluation.answer
        return (answer.headline, *answer.openings, *answer.reasons), table

    def _draw(self) -> Sequence[Drawing | None]:
        evaluation = self.evaluation
        curves = draw_curves(evaluation, "roc")
        return curves, draw_reliability(evaluation), draw_decision_curve(evaluation)


def compare(
    labels: Any,
    scores_a: Any,
    scores_b: Any,
    *,
    patients: Any = None,
    margin: float = DEFAULT_MARGIN,
    positive: Any = None,
    names: tuple[str, str] | None = None,
    others: Mapping[str, Any] | None = None,
    readers: Mapping[str, Any] | None = None,
    subgroups: Any = None,
    sites: Any = None,
    folds: Any = None,
    seed: int = 0,
) -> ScoreComparison:
    """Say whether one column of scores is better than another, by how much, and how sure that is.

    By the rules of a run: AUC with intervals by patient, the paired difference against a margin,
    calibration, decision curve. The scores may be of any origin; they must be of cases that their
    model was not trained on. Those between 0 and 1 are taken for probabilities.

    >>> import numpy as np, skiagram
    >>> random = np.random.default_rng(0)
    >>> label = np.arange(200) % 2
    >>> weak, strong = (label + random.normal(0, noise, 200) for noise in (1.2, 0.5))
    >>> found = skiagram.compare(label, strong, weak, patients=np.arange(200) // 2)
    >>> found.decision, round(found.difference.value, 3)
    ('yes', 0.162)
    >>> print(found.verdict[:26])
    Use A in place of B: yes.

    Args:
        labels: (n,) 0 and 1, or any two values with `positive`.
        scores_a: (n,) scores of which it is asked whether they are better; higher where the
            condition is more likely.
        scores_b: (n,) scores that they would replace.
        patients: (n,) whose case each is, whatever the spelling of an id: `P-007` is `p_7`; None:
            each case counts as a patient.
        margin: Smallest difference in AUC that counts as worthwhile.
        positive: Label of the condition looked for.
        names: What the two are called; of columns of a data frame, their names.
        others: Name → (n,) further columns; all pairs but the first are corrected by Holm.
        readers: Name → (n,) scores of readers, taken as a sample of readers.
        subgroups: A data frame of n rows whose columns tell parts apart: age, site, device.
        sites: (n,) site of each case, for a summary over sites and of the next one.
        folds: (n,) which fit scored each case, where scores are of a cross-validation.
        seed: Of the resamples.

    Raises:
        DataError: Unequal lengths, missing scores, labels that are not two classes, or fewer than
            two patients of one, or a matrix in the place of scores.
    """
    # The two columns need names that differ.
    first, second = names or (_name(scores_a, "A"), _name(scores_b, "B"))
    if first == second:
        raise DataError(f"both columns are called {first}", where="names", allowed="two names")
    scores = {first: scores_a, second: scores_b, **(others or {})}
    told = {"patients": patients, "subgroups": subgroups, "sites": sites, "folds": folds}
    check_same_rows({"labels": labels, **scores, **(readers or {}), **told})
    if patients is not None:  # `P001` and `p001` are one person
        spelled = dict[str, str]()
        texts = read_texts(patients, "patients", len(patients)).tolist()
        patients = [spelled.setdefault(normalise_spelling(text), text) for text in texts]
    # All columns are lined up and checked before anything is measured.
    setting, columns, reader_scores = line_up_columns(
        labels,
        scores,
        patients=patients,
        positive=positive,
        readers=readers,
        subgroups=subgroups,
        sites=sites,
        folds=folds,
        seed=seed,
    )
    answered = compare_scores(
        setting, columns, reader_scores, margin, patients_known=patients is not None
    )
    return ScoreComparison(
        answered, partial(measure_columns, {**columns, **reader_scores}, setting)
    )


def _name(values: Any, otherwise: str) -> str:
    name = getattr(values, "name", None)
    return name if isinstance(name, str) and name else otherwise


def read_project(folder: str | Path | None = None) -> ProjectResult:
    """Read what the last run of a project found; it shows itself in a notebook.

    Args:
        folder: Of the project, or its `reports/evaluation.json`; None for the present folder, or
            the next one above it that is a project with results.

    Raises:
        DataError: Nothing was evaluated there.
    """
    path = Path.cwd() if folder is None else Path(folder)
    above = path.parents if folder is None else ()
    records = [place / "reports" / "evaluation.json" for place in (path, *above)]
    record = next(filter(Path.is_file, records), records[0])
    record = path if path.suffix == ".json" else record
    if not record.is_file():
        remedy = "name the folder of a project in which `dvc repro` has ended"
        raise DataError("no evaluation", where=str(record), remedy=remedy)
    return ProjectResult(read_record(Evaluation, record), record.resolve().parents[1])
