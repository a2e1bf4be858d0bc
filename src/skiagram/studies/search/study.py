"""Study `search`: the options of every model searched with the same budget on the same folds."""

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass as options_class

from skiagram.models.plan import Plan
from skiagram.options import STRICT, build
from skiagram.records import DataCard, Design, read_cases, read_record
from skiagram.studies.contenders import untrained
from skiagram.studies.ground import Ground
from skiagram.studies.passes import ingested, prepared
from skiagram.studies.place import Place
from skiagram.studies.search.judged import best_trial, compared, nested, unknown
from skiagram.studies.search.ledger import opened_storage
from skiagram.studies.search.option_file import rewritten
from skiagram.studies.search.results import Nested, SearchedModel, SearchResult, Trial
from skiagram.studies.search.rounds import Budget, Searched, search
from skiagram.training.options import Trainer


@options_class(**STRICT)
class Search:
    """The same number of trials for every model of both arms, on development cases alone.

    Attributes:
        dataset: Option file of the data set.
        design: Its design; sealed cases are not opened.
        restoration: Option file of the restoration.
        features: Option files of the feature families.
        baselines: Option files of classical models; each has a space in conf/search.
        networks: Option files of networks; each has a space in conf/search.
        budget: Trials and rounds.
        outer_folds: Outer folds of the nested estimate, each with searches of its own; null for
            none.
        storage: Database of the trials, a URL as SQLAlchemy takes it; null for a file of SQLite
            under .work/studies.
        plan: Repeats, folds and seed.
        trainer: Where networks are trained.
    """

    dataset: str
    design: Design
    restoration: str
    features: Annotated[tuple[str, ...], Field(min_length=1)]
    baselines: tuple[str, ...]
    networks: tuple[str, ...]
    budget: Budget
    outer_folds: Annotated[int, Field(ge=2)] | None
    storage: str | None
    plan: Plan
    trainer: Trainer

    def run(self, place: Place) -> SearchResult:
        """Make all trials that are not made yet and judge what they found."""
        arms = dict.fromkeys(self.baselines, "classical") | dict.fromkeys(self.networks, "deep")
        models = [_searched(place, name, arm) for name, arm in arms.items()]
        storage = opened_storage(self.storage, place.work)
        ground, title = self._ground(place)
        ledgers = search(ground, models, self.budget, storage)
        outer: dict[str, Nested] = {}
        if self.outer_folds is not None:
            outer = nested(ground, models, self.budget, storage, self.outer_folds)
        found, seconds = [], {}
        for model in models:
            trials, seconds[model.name] = ledgers[model.name].results(self.budget.trials)
            found.append(self._judged(ground, model, trials, outer.get(model.name)))
        return SearchResult(
            dataset=self.dataset,
            title=title,
            cases=len(ground),
            patients=len(set(ground.patient_id.tolist())),
            folds=self.plan.repeats * self.plan.folds,
            budget=self.budget.trials,
            outer=self.outer_folds,
            models=tuple(found),
            processor_seconds=seconds,
        )

    def _ground(self, place: Place) -> tuple[Ground, str]:
        families = {name: place.option_file("features", name) for name in self.features}
        data = ingested(place, place.option_file("dataset", self.dataset), self.design)
        images = prepared(place, data, place.option_file("restoration", self.restoration), families)
        cases, task = read_cases(data.folder / "cases")
        ground = Ground.of(place, images, self.trainer, self.plan, cases.development(), task)
        return ground, read_record(DataCard, data.folder / "cases/card.json").title

    def _judged(
        self, ground: Ground, model: Searched, trials: tuple[Trial, ...], outer: Nested | None
    ) -> SearchedModel:
        best, first = best_trial(trials), trials[0]
        figures = unknown(first.reason or "no trial finished")
        if best is not None and first.end == "finished":
            figures = compared(first.fold_auc, best.fold_auc, self.plan.folds)
        heading = f"{model.name} with the best of {len(trials)} trials on {self.dataset}"
        return SearchedModel(
            model.name,
            untrained(ground.place, model.arm, model.options, self.trainer).title,
            model.arm,
            trials,
            None if best is None else best.number,
            *figures,
            outer,
            rewritten(
                (ground.place.conf / "model" / f"{model.name}.yaml").read_text(encoding="utf-8"),
                {} if best is None else best.values,
                f"{heading}; the folds that chose them flatter these values.",
            ),
        )


def _searched(place: Place, name: str, arm: str) -> Searched:
    options = place.option_file("model", name)
    space = build(place.option_file("search", name), f"conf/search/{name}.yaml")
    defaults = space.defaults(options, f"conf/search/{name}.yaml")
    return Searched(name, arm, options, space, defaults)
