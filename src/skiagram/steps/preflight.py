"""What is chosen, checked against the data set before anything runs.

`skiagram run`, `skiagram check` and every row of a sweep ask here, so that a choice that no run can
follow is not found out hours later. Stage digest asks of the choices alone; it runs each time, so
libraries that take long to import are imported only where they are needed.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skiagram.composition import GROUPS, Composition
from skiagram.errors import DataError, OptionError, listed, nearest, refusal, suggest
from skiagram.models.arm_of_file import CLASSES, encoding_of, require_arm, target_of
from skiagram.options import (
    CLASS_OF_GROUP,
    PARAMS,
    build,
    check,
    find_value,
    resolve,
    split_names,
)

if TYPE_CHECKING:
    from skiagram.steps.check import AnyChecked
    from skiagram.steps.choices import RunChoices
    from skiagram.tasks.cases import Cases
    from skiagram.tasks.kinds import AnyPredicted

Models = Mapping[str, Mapping[str, Any]]  # name → its options

_OWN = "skiagram."  # before the class of a model that comes along
_OF_OTHER_OUTCOMES = (  # of these models, those that do not learn classes
    "skiagram.models.classical.cox.",
    "skiagram.models.classical.null_model.",
)
_BY_PIPELINE = "explained"  # the choice of dvc.yaml alone
_REFERENCE = re.compile(r"\$\{params\.(\w+)")
_EVEN = 10  # patients of each class for each fold, with which no fold can lack a class


@dataclass(frozen=True)
class DataSetFacts:
    """What is known of a data set before a model is trained on it.

    Attributes:
        predicted: What is predicted.
        cases: The development cases, in the order in which training draws folds.
        covariates: Columns that are known besides.
        has_images: Whether there are images; a table of features has none.
        has_lesions: Whether places of lesions are marked.
        shape: Of the first image, [depth,] height, width and channels; empty where none was read.
        has_regions: Whether the images have regions of interest.
        spacing: Of the first image; None where it is unknown.
    """

    predicted: "AnyPredicted"
    cases: "Cases"
    covariates: tuple[str, ...]
    has_images: bool = True
    has_lesions: bool = True
    shape: tuple[int, ...] = ()
    has_regions: bool = False
    spacing: tuple[float, ...] | None = None

    @classmethod
    def of_checked(cls, data: "AnyChecked") -> "DataSetFacts":
        """Return what is known of images, or rows of a table, some of which could be read."""
        from skiagram.datasets.ingest import predicted_of

        if data.cases is None:
            raise ValueError("no case was read")
        facts = cls(
            predicted_of(data.source),
            data.cases.development(),
            tuple(map(str, data.opened.known.get("covariates", data.entries[[]]))),
            data.source.card().has_images,
            len(data.radii) > 0,
        )
        if not facts.has_images:
            return facts
        first = data.first[0]
        return replace(
            facts,
            shape=first.shape,
            has_regions=first.region is not None,
            spacing=first.spacing,
        )

    @classmethod
    def of_ingested(cls, folder: Path) -> "DataSetFacts":
        """Return what a folder of cases says that ingest wrote."""
        from skiagram.records.files import read_record, read_table
        from skiagram.records.places import MARKS
        from skiagram.tasks.cases import DataCard, read_cases

        cases, task = read_cases(folder)
        return cls(
            task.predicted,
            cases.development(),
            tuple(read_table(folder / "covariates.parquet").columns.drop("case_id")),
            read_record(DataCard, folder / "card.json").has_images,
            len(read_table(folder / MARKS)) > 0,
        )


def check_run(
    options: Composition, data: DataSetFacts | None = None, *, has_features: bool = True
) -> None:
    """Refuse choices that no run can follow.

    Args:
        options: Choices and configs of the project, as a line or a row changes them.
        data: The chosen data set; None where it is not known, and choices are checked alone.
        has_features: Whether features are chosen; else the data will choose them.

    Raises:
        OptionError: There is such a choice. The message names it, what is allowed and what to do.
    """
    # Names first: all later checks read the files of these.
    _check_names(options)
    models: dict[str, Models] = {}
    for arm in CLASSES:
        names = split_names(find_value(options.choices, arm, PARAMS) or [])
        models[arm] = {name: options.read_file("model", name) for name in names}
    # a network among the classical models, the other way round, or no model at all
    for arm, named in models.items():
        for name, values in named.items():
            require_arm(name, values, arm)
    if not any(models.values()):
        raise refusal("steps.no_model")
    # a changed option that its file's class does not know, or a value that it refuses
    for change in options.changes:
        _, group, *rest = change.split(".") if change.startswith("conf.") else ("", "")
        if len(rest) > 1 and rest[0] in options.list_files(group):
            values = options.read_file(group, rest[0])
            by_group = CLASS_OF_GROUP.get(group)
            target = values.get("_target_", by_group)
            if target is not None:
                where = group if by_group else f"{group}.{rest[0]}"
                build({**values, "_target_": target}, where)
    trained = {**models["baselines"], **models["networks"]}
    # a number out of its range, a word that is not allowed, or folds of sites without folds
    from skiagram.steps.choices import RunChoices

    given = find_value(options.read_shared("choices"), "choices", "conf/choices.yaml")
    try:
        choices = check(RunChoices, given, "")
    except OptionError as error:
        remedy = error.remedy or f"give `{error.where}` such a value"
        raise error.restated(OptionError, remedy=remedy) from None
    if choices.fold_column and choices.design != "cv":
        column, design = choices.fold_column, choices.design
        raise refusal("steps.folds_of_holdout", column=column, design=design)
    _check_references(options, trained)
    # choices that do not go with the data set
    if data is not None:
        _check_models(trained, models["networks"], data, choices)
        _check_folds(choices, data, options)
        if data.shape:
            _check_features(options, data)
    unread = find_unread(options, list(models["baselines"])) if has_features else {}
    for name, family in unread.items():
        chosen = listed(split_names(options.choices.get("features") or []))
        raise refusal("steps.family_not_chosen", name=name, family=family, families=chosen)


def _check_features(options: Composition, data: DataSetFacts) -> None:
    """Refuse feature families that are not defined for such images: each is asked for a small one.

    What it looks at is noise with the axes, channels, region and spacing of the first image.
    """
    from skiagram.case_features.extraction import build_families
    from skiagram.features.batch import FeatureBatch
    from skiagram.features.family import families_of_images

    families = build_families(_read_families(options))
    # rows and columns are cut short, for speed
    planes = len(data.shape) - 3 if len(data.shape) == 4 else 0
    shape = (*data.shape[:planes], 32, 32, *data.shape[planes + 2 :])
    images = np.random.default_rng(0).normal(100, 20, (1, *shape)).astype(np.float32)
    inside = np.ones(images.shape[: planes + 3], np.bool_) if data.has_regions else None
    spacing = None if data.spacing is None else np.array([data.spacing])
    try:
        for family in families_of_images(families):
            family.extract(FeatureBatch(images, inside, spacing, inside))
    except DataError as error:
        raise error.restated(OptionError, where="features") from error


def _read_families(options: Composition) -> dict[str, Mapping[str, Any]]:
    """Return the families of features that are chosen: name → options."""
    chosen: dict[str, Mapping[str, Any]] = {}
    for name in split_names(options.choices.get("features") or []):
        read = options.read_file("features", name)
        # a config is one family, or names several, as that of a kind of image
        chosen |= {name: read} if "_target_" in read else read
    return chosen


def _check_names(options: Composition) -> None:
    """Refuse names that no config has, and names that are there twice."""
    choices = options.choices
    # A name of params.yaml that nothing reads: a run would go on as if it were not there. A choice
    # names members of a group, or a config of `conf` refers to it as `${params.NAME}`.
    read = {*GROUPS, _BY_PIPELINE}
    for file in (options.root / "conf").rglob("*.yaml"):
        read.update(_REFERENCE.findall(file.read_text(encoding="utf-8", errors="replace")))
    for name in sorted(choices.keys() - read):
        near = suggest(name, read)
        raise refusal("steps.no_choice", name=name, near=near and f"{near} ")
    for choice, group in GROUPS.items():
        for name, number in Counter(split_names(choices.get(choice) or [])).items():
            options.read_file(group, name, choice)
            if number > 1:
                raise refusal("steps.named_twice", choice, name=name, number=number)


def find_unread(options: Composition, baselines: Sequence[str]) -> dict[str, str]:
    """Find classical models that read a family of features which `features` lacks.

    Args:
        baselines: Names of configs in conf/model.

    Returns:
        Name of such a model → the first family that it lacks. Of a table of features, whose
        columns are called as somebody liked, none.
    """
    known, chosen = options.list_files("features"), _read_families(options)
    if "measured" in chosen:
        return {}
    # A column is a family, or a whole name that begins with it, maybe after its kind of image.
    unread = {}
    for name in baselines:
        values = options.read_file("model", name)
        columns = [column.rpartition(".")[2] for column in values.get("columns") or ()]
        read = [
            family
            for family in known
            for column in columns
            if f"{column}_".startswith(f"{family}_")
        ]
        lacking = [family for family in read if family not in chosen]
        if lacking:
            unread[name] = lacking[0]
    return unread


def fetch_weights(options: Composition) -> None:
    """Find the weights that networks start from, and fetch those that only the hub has.

    Else a run would stop where it needs them, when all images were read.

    Raises:
        DataError: A file is not there, is another one, or cannot be fetched.
    """
    for choice, group in (("encoders", "encoder"), ("networks", "model")):
        for name in split_names(options.choices.get(choice) or []):
            values = options.read_file(group, name)
            if isinstance(values.get("weights"), Mapping):  # else torchvision's name, or none
                where = f"{group}.{name}"
                build(values, where).weights.locate(f"{where}.weights")


def _check_references(options: Composition, trained: Models) -> None:
    """Refuse a choice or a config that names what the run lacks."""
    choices = options.choices
    # models that read an encoder, or places
    encoders = split_names(choices.get("encoders") or [])
    for name, values in trained.items():
        encoder = encoding_of(values)
        if encoder and encoder not in encoders:
            raise refusal(
                "steps.encoder_not_chosen",
                name=name,
                encoder=encoder,
                encoders=", ".join(encoders) or "none is chosen",
            )
        looks_at_places = choices.get("proposal") == "none" and _find_in(name, values)
        if looks_at_places and looks_at_places != "images":
            files = options.list_files("proposal")
            proposals = ", ".join(each for each in files if each != "none")
            raise refusal("steps.finder_without_places", name=name, proposals=proposals)
    # names of other models of the run
    combined = {
        name: options.read_file("combination", name)
        for name in split_names(choices.get("combinations") or [])
    }
    named = {f"{name}.members": values.get("members") or () for name, values in combined.items()}
    named["explained"] = choices.get("explained") or ()
    for where, names in named.items():
        for name in names:
            if name not in trained:
                near = nearest(name, trained)
                question = f"did you mean `{near[0]}`? Else " if near else ""
                raise refusal(
                    "steps.no_model_of_run",
                    where,
                    name=name,
                    models=trained,
                    question=question,
                )
    # what explains classical models, which is not installed by itself
    classical = {*split_names(choices.get("baselines") or [])} & {*named["explained"]}
    if classical and find_spec("shap") is None:
        written = options.read_shared("explain")["explanation"]["importance"]["shap_cases"]
        if options.changes.get("conf.explain.explanation.importance.shap_cases", written):
            from skiagram.explanation.importance import import_shap

            import_shap()


def _check_models(
    trained: Models, networks: Models, data: DataSetFacts, choices: "RunChoices"
) -> None:
    """Refuse models that learn nothing from such a data set."""
    # Networks need images, finders need lesions.
    if networks and not data.has_images:
        first = next(iter(networks))
        raise refusal("steps.network_without_images", name=first)
    for name, values in trained.items():
        if not data.has_lesions and _find_in(name, values):
            arm = "networks" if name in networks else "baselines"
            raise refusal("steps.finder_without_lesions", arm, name=name)
    # Combinations are of classes alone.
    kind = data.predicted.kind
    if choices.combinations and "combinations" in data.predicted.undefined:
        raise refusal("steps.combinations_of_other_outcome", outcome=kind)
    # A model that cannot learn the outcome is a line of the report, a run of such models none.
    classical = {name: values for name, values in trained.items() if name not in networks}
    learns = []
    for values in classical.values():
        target = target_of(values)
        # Nearly all that come along learn classes; none of them is built, which takes a second.
        if target.startswith(_OWN) and not data.predicted.has_value:
            learns.append(not target.startswith(_OF_OTHER_OUTCOMES))
        else:
            learns.append(kind in getattr(build(values, "model"), "tasks", ("class",)))
    if learns and not any(learns):
        models = listed(classical, "`")
        raise refusal("steps.learns_other_outcome", models=models, outcome=kind)


def _find_in(name: str, values: Mapping[str, Any]) -> str:
    """Return what a finder looks at, as its class says; empty for a model of whole images.

    Of the models that come along only those in modules of finders are imported: it takes seconds.
    """
    target = target_of(values)
    if target.startswith(_OWN) and "finder." not in target:
        return ""
    looks_at = getattr(resolve(target, f"model.{name}"), "finds_in", None)
    return looks_at if isinstance(looks_at, str) else ""


def _check_folds(choices: "RunChoices", data: DataSetFacts, options: Composition) -> None:
    """Refuse folds for which patients of a class are too few, or a column of folds that is none."""
    # Folds by a column need that column.
    if choices.fold_column:
        if choices.fold_column not in data.covariates:
            raise refusal(
                "steps.no_fold_column",
                name=choices.fold_column,
                covariates=listed(data.covariates) or "none: the data set has no covariates",
                remedy=suggest(choices.fold_column, data.covariates, "name a covariate"),
            )
        return
    # Every class must have a patient for each fold.
    cases, patients_of = data.cases, defaultdict[int, set[str]](set)
    for label, patient in zip(cases.label.tolist(), cases.patient_id.tolist(), strict=True):
        patients_of[label].add(patient)
    if len(patients_of) < 2:
        return  # ingest says that there is one class alone
    # of equally rare classes the first
    label = min(sorted(patients_of), key=lambda label: len(patients_of[label]))
    rarest, patients = data.predicted.classes[label], len(patients_of[label])
    count = f"{len(cases)} {'images' if data.has_images else 'rows'}"
    fold_counts = {"folds": choices.folds}
    fold_counts |= {"inner_folds": choices.inner_folds} if choices.design == "cv" else {}
    for where, folds in fold_counts.items():
        # a fold of a nested design sets patients aside before the inner folds are made
        most = patients if where == "folds" else patients - -(-patients // choices.folds)
        if folds > most:
            counted = "1 patient" if patients == 1 else f"{patients} patients"
            remedy = f"lower `{where}`, or add" if most >= 2 else "add"
            allowed = "2" if most == 2 else f"2 to {most}"
            leave_out = "" if data.predicted.has_value else ", or leave the class out (`--classes`)"
            raise refusal(
                "steps.patients_for_folds",
                where,
                folds=folds,
                patients=counted,
                rarest=rarest,
                cases=count,
                allowed=allowed if most >= 2 else "more patients in each class",
                remedy=f"{remedy} patients of this class{'' if most >= 2 else leave_out}",
            )
    if patients >= _EVEN * max(fold_counts.values()):
        return
    values = find_value(options.read_shared("plan"), "plan", "conf/plan.yaml")
    if len({*cases.patient_id}) == len(cases) and values.get("subset") is None:
        return  # of patients with one case each every fold gets its share
    # patients are few: the folds are made as training makes them
    from skiagram.fitting.cross_validation import Plan

    plan = check(Plan, values, "plan")
    try:
        plan.check_folds(choices.design, cases.label, cases.patient_id)
    except DataError as error:
        raise refusal(
            "steps.fold_without_class",
            rarest=rarest,
            patients=patients,
            choices=" or ".join(f"`{where}`" for where in fold_counts),
        ) from error
