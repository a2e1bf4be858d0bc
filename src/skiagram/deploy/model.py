"""A trained model loaded from its folder, ready to score restored images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skiagram.arrays import Floats
from skiagram.compute.progress import Progress
from skiagram.deploy.inputs import Preparer
from skiagram.deploy.prepared_cases import PreparedCases
from skiagram.deploy.scorers import (
    Combined,
    Scorer,
    load_scorer,
    own,
    record,
    training_mean,
)
from skiagram.errors import DataError, listed, nearest, refusal
from skiagram.fitting.deployment import (
    DEPLOYMENT,
    FINGERPRINT,
    Deployment,
    Fingerprint,
    describe_rule,
    find_threshold,
    repeat_folder,
    verify_checksums,
)
from skiagram.models.combined import COMBINATION, MEMBERS, FittedCombination
from skiagram.preparation import PREPARATION, Preparation
from skiagram.readers.case_images import AS_STORED, CaseReading
from skiagram.restoration.restore import ByModality

_ANY_MODEL = f"*/{DEPLOYMENT}"


@dataclass
class DeployedModel:
    """A model with all between an image and a decision.

    Attributes:
        deployment: What its folder says of it.
        preparer: Makes of a user's file what the model was trained on.
        scorer: The fits of all repeats.
        fingerprint: Of the training cases; early folders hold none.
        task: What is predicted.
        threshold: Mean over repeats; None with more than two classes.
        rule: A sentence on what is called positive; empty with more than two classes.
    """

    deployment: Deployment
    preparer: Preparer
    scorer: Scorer
    fingerprint: Fingerprint | None = None

    def __post_init__(self) -> None:
        """Find the threshold, which early folders have in their decisions alone."""
        self.task = self.deployment.task
        self.threshold = find_threshold(self.deployment, self.fingerprint)
        self.rule = describe_rule(self.deployment, self.fingerprint)

    def probabilities(self, cases: PreparedCases) -> Floats:
        """Compute the mean calibrated probability over repeats: (n, n_classes), rows sum to 1.

        Of an outcome that is no class these are the estimates that it reports.
        """
        classes = self.task.predicted.scores
        scores_by_repeat = self.scorer.scores(cases)
        cases.scores[:] = scores_by_repeat
        if any(scores.shape[1] != classes for scores in scores_by_repeat):
            raise refusal(
                "deploy.scores_of_other_classes",
                number=scores_by_repeat[0].shape[1],
                classes=classes,
            )
        return self.calibrate(scores_by_repeat)[:, list(self.task.predicted.reported.values())]

    def calibrate(self, scores_by_repeat: Sequence[Floats]) -> Floats:
        """Compute (n, n_classes) mean probabilities of (n, n_classes) scores, one per repeat."""
        pairs = zip(self.deployment.decisions, scores_by_repeat, strict=True)
        calibrated = [decision.calibration.probabilities(scores) for decision, scores in pairs]
        mean: Floats = np.mean(calibrated, axis=0)
        return mean


def missing_model(path: Path) -> DataError:
    """Return the error of a model, or a package, that is not there; it names those that are."""
    # where the user stands in a project, or names one
    places = {path.parent, path / "models", Path("models")}
    folders = [file.parent for place in places for file in place.glob(_ANY_MODEL)]
    there = sorted({str(found) for found in (*folders, *path.parent.glob("*.skiagram"))})
    near = nearest(path.name, [Path(name).name for name in there])
    meant = next((name for name in there if near and Path(name).name == near[0]), "")
    return refusal(
        "deploy.no_model",
        str(path),
        found="a folder of models" if (path / "models").is_dir() else "no such model",
        models=listed(there, "`") or "the folder models/NAME of a finished run, or a package",
        remedy=f"did you mean `{meant}`?" if meant else "name one of these",
    )


def load_model(folder: Path, reading: CaseReading = AS_STORED) -> DeployedModel:
    """Load a model's folder; torch is imported for networks alone.

    Raises:
        DataError: The folder is missing, or a file of it; or one is altered, damaged or names code
            that is not the program's own.
        OptionError: Options do not fit this version.
    """
    # Files are checked before any of them is read.
    if not folder.exists() or (folder / "models").is_dir():
        raise missing_model(folder)
    verify_checksums(folder)
    # Records must fit one another.
    deployment = record(Deployment, folder / DEPLOYMENT)
    preparation = record(Preparation, folder / PREPARATION)
    columns = len(deployment.task.predicted.estimates)
    if not deployment.decisions or any(
        decision.calibration.columns != columns for decision in deployment.decisions
    ):
        raise refusal("deploy.damaged_file", str(folder / DEPLOYMENT))
    fingerprint = None
    if (folder / FINGERPRINT).exists():
        fingerprint = record(Fingerprint, folder / FINGERPRINT)
    # The fits of all repeats, or the members of a combination and how each repeat weighs them.
    repeats = [folder / repeat_folder(repeat) for repeat in range(len(deployment.decisions))]
    with Progress("Load", 1):
        if (folder / MEMBERS).exists():
            combination = own(
                deployment.options, ("skiagram.models.combined",), ("weights",), folder / DEPLOYMENT
            )
            members = [load_model(folder / MEMBERS / name).scorer for name in combination.members]
            # Weights of a repeat are as many as its members, in their order.
            fitted = [record(FittedCombination, repeat / COMBINATION) for repeat in repeats]
            if any(len(weighed.weights) != len(members) for weighed in fitted):
                raise refusal("deploy.other_members", str(repeats[0]))
            familiarity = members[0].familiarity
            scorer: Scorer = Combined.of(members, familiarity=familiarity, fitted=fitted)
        else:
            familiarity = None if fingerprint is None else fingerprint.familiarity
            scorer = load_scorer(folder, repeats, deployment, preparation, familiarity)
    # What happens to each image before the model sees it; a table of features has none.
    path, steps, restoration = folder / PREPARATION, preparation.restoration or {}, None
    several = steps.get("_target_") == f"{ByModality.__module__}.{ByModality.__qualname__}"
    if preparation.images is not None:
        restoration = own(steps, ("skiagram.restoration",), ("of" if several else "restore",), path)
    # The mean that fills their gaps.
    needs_mean = restoration is not None and not several and restoration.needs_training_mean
    mean = training_mean(folder) if needs_mean else None
    shape = scorer.requires.shape
    preparer = Preparer(preparation, restoration, mean, shape, reading)
    return DeployedModel(deployment, preparer, scorer, fingerprint)
