"""Step score: fitted models score sealed images as they score new ones, nothing is trained.

The images are those of the models' own data set made worse, or those of another data set. What
came after ingest in training comes after it here, as the model's folder says.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass as options_class

from skiagram.arrays import Floats, Texts
from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.deploy.inputs import Preparer, list_unknown, list_unseen
from skiagram.deploy.model import DeployedModel, load_model
from skiagram.deploy.new_cases import MemoryTree, NewCase, link_cases
from skiagram.deploy.prediction import score_cases
from skiagram.deploy.prepared_cases import PreparedCases
from skiagram.deploy.scorers import Scorer, Together
from skiagram.errors import DataError, listed, refusal
from skiagram.image_store.store import ImageStore, modality_folders
from skiagram.preparation import Covariate
from skiagram.readers.spaced_image import SpacedImage
from skiagram.records.files import read_table
from skiagram.records.predictions import FINAL, Predictions, tabulate_scores
from skiagram.restoration.corruptions import CORRUPTIONS, corrupt
from skiagram.seeding import stream
from skiagram.strict import STRICT
from skiagram.tasks.cases import Cases, name_groups

Watch = Callable[[Sequence[str], Scorer, PreparedCases], None]
_MISSING = "lack what the model reads besides the image"
_UNSEEN = (
    "have a covariate text that too few cases for training had, which counts as none of the known "
    "categories"
)


@options_class(**STRICT)
class Scored:
    """Which images fitted models score in place of the test images of their data set.

    Attributes:
        dataset: Config of another data set with the same classes; None for their own.
        corruption: What makes each image worse, a name of `CORRUPTIONS`; None for nothing.
        amount: How much of it; 0 without a corruption.
    """

    dataset: str | None = None
    corruption: str | None = None
    amount: float = Field(default=0.0, ge=0)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.corruption is None:
            most, needed = 0.0, "an amount of a corruption that is named"
        elif self.corruption in CORRUPTIONS:
            most = CORRUPTIONS[self.corruption].most
            needed = f"an amount of `{self.corruption}` above 0 and up to {most:g}"
        else:
            raise ValueError(f"one of {', '.join(CORRUPTIONS)}, not `{self.corruption}`")
        if self.amount > most or (most and not self.amount):
            raise ValueError(needed)
        return self


@dataclass(frozen=True, kw_only=True)
class StoredPreparer(Preparer):
    """Takes images from what ingest stored in place of files, and makes them worse.

    Attributes:
        stores: Modality → its images.
        seed: Of the draws; each image has a stream of its own, so no other case or amount moves it.
    """

    stores: Mapping[str, ImageStore]
    scored: Scored
    seed: int

    def read(self, case: NewCase, modality: str) -> SpacedImage:
        """Return an image of a case as ingest stored it, made worse."""
        store, scored = self.stores[modality], self.scored
        pixels = store.image(case.name)
        if scored.corruption is not None:
            name = (case.name, scored.corruption, f"{scored.amount:g}")
            draws = stream(self.seed, "robustness", *name)
            pixels = corrupt(pixels, CORRUPTIONS[scored.corruption], scored.amount, draws)
        return SpacedImage(pixels, store.spacing(case.name), region=store.region(case.name))


def score_images(
    trained: Path,
    scores: Path,
    ingested: Path,
    scored: Scored,
    seed: int,
    target: Path,
    compute: Compute = IN_PROCESS,
) -> None:
    """Write `scores`: what training said of a model, with the test cases scored anew.

    Args:
        trained: Folder of the fitted model.
        scores: Folder of the scores that its training left.
        ingested: Folder that step ingest wrote, of the images to score.
        seed: Of the corruptions' draws.

    Raises:
        DataError: A case cannot be scored, or the model scores no new images.
    """
    predictions = Predictions.read(scores)
    if predictions.outcome.status != "failed":
        models = [(predictions, trained)]
        (predictions,) = score_anew(models, ingested, scored, seed, compute).predictions
    predictions.write(target / "scores")


class ScoredAnew(NamedTuple):
    """What models say of other cases.

    Attributes:
        predictions: Of each model, what training said of it with these as its test cases.
        lacking: What cases lack that models read, a sentence for all models of which it is true.
    """

    predictions: list[Predictions]
    lacking: tuple[str, ...]


def score_anew(
    models: Sequence[tuple[Predictions, Path]],
    ingested: Path,
    scored: Scored,
    seed: int,
    compute: Compute,
    watch: Watch | None = None,
) -> ScoredAnew:
    """Return what training said of models, with the test cases of a data set as their test cases.

    The images are prepared once for all of them.

    Args:
        models: What training said of each, and its folder; all are of one project.
        watch: Called with names of cases once they are scored, the first model's scorer and the
            cases, from several threads.

    Other arguments and errors are those of `score_images`.
    """
    # All models are asked together, so that each image is prepared once.
    loaded = [load_model(folder) for _, folder in models]
    first, scorers = loaded[0], [model.scorer for model in loaded]
    together = Together.of(scorers)
    # One model that decides as all of them, on the stored images.
    decisions = [decision for model in loaded for decision in model.deployment.decisions]
    folders = modality_folders(ingested / "images")
    stores = {modality: ImageStore(folder) for modality, folder in folders.items()}
    common_preparer = replace(first.preparer, shape=together.requires.shape)
    preparer = StoredPreparer(**vars(common_preparer), stores=stores, scored=scored, seed=seed)
    deployment = replace(first.deployment, decisions=tuple(decisions))
    model = DeployedModel(deployment, preparer, together)
    by_case: dict[str, Floats] = {}

    def keep(names: Sequence[str], cases: PreparedCases) -> None:
        by_case.update(zip(names, np.stack(cases.scores, axis=1), strict=True))
        if watch is not None:
            watch(names, first.scorer, cases)

    # Every case is scored; one that fails stops the whole.
    cases = list_stored_cases(ingested / "cases", together.covariates)
    for result in score_cases(model, cases, compute, watch=keep):
        if result.error:
            titles = ", ".join(predictions.outcome.model for predictions, _ in models)
            raise DataError(result.error, where=f"{titles}, {result.file}")
    # The scores of all, taken apart by model.
    case_id = np.array([case.name for case in cases])
    raw = np.stack([by_case[case.name] for case in cases])  # (n, repeats of all, n_classes)
    ends = np.cumsum([len(model.deployment.decisions) for model in loaded])[:-1]
    by_model = zip(models, loaded, np.split(raw, ends, axis=1), strict=True)
    rescored = [
        _with_test_scores(predictions, scores, case_id, scorer)
        for (predictions, _), scores, scorer in by_model
    ]
    titled = [
        (predictions.outcome.title, scorer)
        for (predictions, _), scorer in zip(models, scorers, strict=True)
    ]
    return ScoredAnew(rescored, list_lacking(titled, cases))


def list_lacking(titled: Sequence[tuple[str, Scorer]], cases: Sequence[NewCase]) -> tuple[str, ...]:
    """List what cases lack that models read, in the words of `skiagram predict`.

    Texts that training did not know are counted by their column: a rare one may tell a patient.
    """
    titles_by_sentence: dict[str, list[str]] = {}
    for title, scorer in titled:
        # What each case lacks, and the columns of texts that training did not know.
        missing = []
        for case in cases:
            lacks = list_unknown(scorer.covariates, case.cells)
            lacks += ["no earlier image"] * (scorer.reads_earlier and not case.earlier)
            reads_other = scorer.requires.reads_other and case.other is None
            missing.append(lacks + ["no other image of the patient"] * reads_other)
        unseen = [list_unseen(scorer.covariates, case.cells) for case in cases]
        # Models that lack the same share a sentence.
        for words, of_cases in ((_MISSING, missing), (_UNSEEN, unseen)):
            counts = Counter(chain.from_iterable(of_cases))
            shares = listed(f"{part} ({count})" for part, count in counts.items())
            if counts:
                number = sum(map(bool, of_cases))
                sentence = f"{number} of {len(cases)} cases {words}: {shares}."
                titles_by_sentence.setdefault(sentence, []).append(title)
    return tuple(
        f"{', '.join(titles)}: {sentence}" for sentence, titles in titles_by_sentence.items()
    )


def _with_test_scores(
    predictions: Predictions, model: DeployedModel, case_id: Texts, raw: Floats
) -> Predictions:
    """Put calibrated scores, (n, repeats, n_classes), in the place of those of test cases."""
    tables = [predictions.table[predictions.table["part"] != "test"]]
    for repeat, decision in enumerate(model.deployment.decisions):
        probability = decision.calibration.probabilities(raw[:, repeat])
        tables.append(
            tabulate_scores(
                "test", repeat, FINAL, case_id, raw[:, repeat], probability, decision.threshold
            )
        )
    table = pd.concat(tables, ignore_index=True).astype(predictions.table.dtypes.to_dict())
    return replace(predictions, table=table, marks=None)


def list_stored_cases(folder: Path, read: Sequence[Covariate]) -> list[NewCase]:
    """List the test cases of a data set, which know their patient's other images.

    Args:
        read: Covariates that a model reads.
    """
    # What is known of each case besides its images.
    cases, cells = Cases.read(folder / "cases.parquet"), read_stored_covariates(folder, read)
    features = read_table(folder / "measured.parquet").set_index("case_id")
    measured: dict[Any, Any] = features.to_dict("index")
    every = [
        NewCase(name, MemoryTree({}), {}, cells.get(name, {}), measured=measured.get(name, {}))
        for name in cases.case_id.tolist()
    ]
    linked = link_cases(every, read_table(folder / "visits.parquet"), cases)
    return [case for case, split in zip(linked, cases.split, strict=True) if split == "test"]


def read_stored_covariates(
    folder: Path, read: Sequence[Covariate]
) -> Mapping[str, Mapping[str, str]]:
    """Read case → column → text of the covariates that a model reads, of all cases of a data set.

    Numbers are written as training writes those that name a site: 1.0 is the site `1`.

    Raises:
        DataError: The data set lacks a column.
    """
    table = read_table(folder / "covariates.parquet")
    columns = list(dict.fromkeys(covariate.column for covariate in read))
    missing = [name for name in columns if name not in table]
    if missing:
        raise refusal("steps.no_covariate", name=missing[0])
    texts = table.set_index("case_id")[columns].apply(name_groups).fillna("").astype(str)
    cells: dict[Any, Any] = texts.to_dict("index")
    return cells
