"""`skiagram.run`: what the command of this name does, called from Python."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import fields
from functools import partial
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any

from skiagram.cli.asked import HOURS, Asked, gone_if_refused, read_hours, take_choices
from skiagram.cli.run import run_data_set
from skiagram.cli.show import show_results
from skiagram.doors import in_words_of
from skiagram.errors import (
    AuditStop,
    DataError,
    ModelFailure,
    OptionError,
    SkiagramError,
    not_installed,
)
from skiagram.intake.file_options import FileOptions
from skiagram.intake.in_memory import FEATURES, IMAGES, TABLE, as_text, write_data_set
from skiagram.report.notebook import ProjectResult, read_project
from skiagram.tasks.kinds import KINDS

_FOLDER = "skiagram-run"


def run(
    images: Any,
    labels: Any = None,
    *,
    patients: Any = None,
    masks: Any = None,
    positive: Any = None,
    folder: str | Path | None = None,
    quick: bool = False,
    hours: float = HOURS,
    options: Mapping[str, Any] | None = None,
    verbose: bool = False,
) -> ProjectResult:
    """Say whether a deep network is worth it over classical features on these images.

    It does what `skiagram run` does, with the same checks, defaults and figures: the folder gets
    the images (`images`), their table (`images.csv`) and the project (`images-project`) with the
    report. The same call goes on where it stopped. It takes minutes.

    >>> import numpy as np, skiagram
    >>> random = np.random.default_rng(0)
    >>> labels = np.repeat(["benign", "cancer"], 20)
    >>> images = random.integers(0, 100, (40, 32, 32), dtype=np.uint8)
    >>> images[labels == "cancer", 12:20, 12:20] += 60
    >>> result = skiagram.run(
    ...     images,
    ...     labels,
    ...     patients=np.arange(40) // 2,
    ...     positive="cancer",
    ...     options={"baselines": ["svm"], "networks": []},
    ... )
    >>> print(result.table.loc["Support vector machine", "auc"])
    1.0
    >>> result.page.name, len(result.predict(images[:3]))
    ('report.html', 3)

    Args:
        images: An array (n, height, width) or (n, height, width, 3), a list of such images of
            different sizes, or a list of paths of files of any kind that is read. Colour is uint8.
            In place of images a data frame: a table of features. Or the path of a folder, a table
            of features, as the command takes it.
        labels: (n,) classes, names or numbers; or a data frame, a row an image, with columns of
            labels, outcomes, covariates and sites, which `options` name as the command does. None
            where the table of features has them. Beside the path of a folder that of a table, or
            None where each class has a folder.
        patients: (n,) whose image each is; None where that is not known: only copies are then
            recognised as images of one patient, and results may look too good.
        masks: The region of each image, of the same kind as `images`; None for whole images.
        positive: The class looked for, where there are two.
        folder: Folder for all that is written, new or that of the same call before; None for a new
            one in the present folder. `ProjectResult.folder` is the project in it.
        quick: Whether it is a first look: two folds, few baselines and a tiny network.
        hours: For training all networks.
        options: Choice of params.yaml (`networks`, `folds`, `seed`), `FILE.OPTION` (`svm.kernel`)
            or option of the command on files, labels and outcomes (`empty_label`) → value.
        verbose: Whether what is checked, assumed and under way is printed, as by the command.

    Returns:
        The verdict, a table of the models, every figure, the page, its plots, and `predict`.

    Raises:
        DataError: Images or labels that cannot be used.
        OptionError: An argument or an option that cannot be used.
        AuditStop: The audit found what makes every figure untrustworthy.
        SkiagramError: A stage failed. What would have been printed is a note of every error.
    """
    # A folder of its own for each call that names none.
    numbers = count(2)
    place = Path(_FOLDER if folder is None else folder)
    while folder is None and place.exists():
        place = Path(f"{_FOLDER}-{next(numbers)}")
    # what the command takes in words of its own, how files are read, what is predicted, the rest
    values = dict(options or {})
    user_choices = take_choices(values)
    outcome: dict[str, Any] = {}
    for option in (option for kind in KINDS for option in kind.options):
        value = values.pop(option.name, outcome.get(option.name))
        outcome[option.name] = [value] if option.several and isinstance(value, str) else value
    said = {each.name: values.pop(each.name) for each in fields(FileOptions) if each.name in values}
    for field in fields(FileOptions):
        if field.default == () and isinstance(said.get(field.name), str):
            said[field.name] = [said[field.name]]
    # The images as files, then the command itself.
    with _errors_with_notes(verbose=verbose) as printed:
        hours = read_hours(hours)
        with gone_if_refused(place, *(place / name for name in (IMAGES, TABLE, FEATURES))):
            image_folder, table = write_data_set(place, images, labels, patients, masks)
            files = FileOptions(
                image_folder,
                table,
                **{
                    "positive": None if positive is None else as_text(positive),
                    # others may lie beside given files
                    "ignore_unlisted": table == place / TABLE and image_folder != place / IMAGES,
                    "outcome": outcome,
                    **said,
                },
            )
            project = place / f"{files.short_name}-project"
            code = run_data_set(Asked(files, user_choices, values, hours, quick), project)
        if code:
            raise _failed_stage(code, printed.getvalue(), project)
        show_results(project, shown=project)
    return read_project(project)


@contextmanager
def _errors_with_notes(*, verbose: bool) -> Iterator[StringIO]:
    """Print nothing unless that is asked for: what would be printed is a note of an error.

    An option of the command has the name that it has here.
    """
    printed = StringIO()
    with ExitStack() as redirected:
        if not verbose:
            redirected.enter_context(redirect_stdout(printed))
            redirected.enter_context(redirect_stderr(printed))
        try:
            yield printed
        except SkiagramError as error:
            shown_error = error.rephrased(partial(in_words_of, "skiagram.run"))
            if text := printed.getvalue().strip():
                shown_error.add_note(text)
            raise shown_error from error.__cause__
        except ModuleNotFoundError as error:
            if (refusal := not_installed(error)) is None:
                raise
            raise refusal from error


def _failed_stage(code: int, printed: str, project: Path) -> SkiagramError:
    """Return the error of a stage by its exit code, as the last line but for DVC's says it."""
    kinds = {kind.exit_code: kind for kind in (OptionError, AuditStop, DataError, ModelFailure)}
    lines = [line for line in printed.splitlines() if line and not line.startswith("ERROR: ")]
    return kinds.get(code, SkiagramError)(
        lines[-1] if lines else "a stage failed, as is printed above",
        where=str(project),
        remedy="see the notes of this error, then make the same call again",
    )
