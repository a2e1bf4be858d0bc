"""What evaluation is made of: scores, cases, opened labels and what is known of the cases."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from skiagram.arrays import Texts
from skiagram.errors import refusal
from skiagram.evaluation.evaluation_set import OpenedCases
from skiagram.evaluation.finding import FindingTables
from skiagram.records.predictions import Predictions
from skiagram.sealing.ledger import Comparison, Opening
from skiagram.tasks.cases import DataCard, check_fold_column, name_groups


@dataclass(frozen=True)
class LearnedSubset:
    """The development cases that fits of the plan saw or scored.

    Attributes:
        case_id: (n,) their ids.
        learned: Cases that a fit on all of them learned from; mean over outer folds under `cv`.
        available: Cases that it could have learned from.
    """

    case_id: Texts
    learned: float
    available: float


@dataclass(frozen=True, kw_only=True)
class EvaluationInputs(OpenedCases):
    """What evaluation needs.

    Attributes:
        models: Of every model named in params.yaml, in the order of the report.
        opening: Its entry in the seal's ledger; None where nothing is sealed.
        encrypted: Whether sealed labels are kept encrypted; then no output names a case's label.
        finding: Where the lesions are; None where no model leaves marks.
        is_external: Whether the test cases are another cohort, which a finished project scored.
        lacking: What cases of this cohort lack that models read, a sentence each.
    """

    models: tuple[Predictions, ...]
    card: DataCard
    comparison: Comparison
    opening: Opening | None = None
    encrypted: bool = False
    finding: FindingTables | None = None
    is_external: bool = False
    lacking: tuple[str, ...] = ()

    @cached_property
    def subset(self) -> LearnedSubset | None:
        """Which cases models learned from; None where the plan left none out."""
        # Any trained model will do: a reader learned from nothing.
        models = (model for model in self.models if model.outcome.status != "failed")
        model = next((model for model in models if model.outcome.arm != "reader"), None)
        if model is None:
            return None
        # For each fold, cases learned from and cases of other patients that were left out.
        counts, cases, folds = [], self.cases.development(), ["repeat", "fold"]
        held_out = dict(list(model.part("out_of_fold").groupby(folds)["case_id"]))
        for fold, taught in model.part("training").groupby(folds)["case_id"]:
            is_held_out = np.isin(cases.case_id, held_out.get(fold, taught).to_numpy(dtype=str))
            learned_from = np.isin(cases.case_id, taught.to_numpy(dtype=str))
            other = ~np.isin(cases.patient_id, cases.patient_id[is_held_out]) & ~learned_from
            # The final fit of a holdout learns from the held-out cases as well.
            added = 0 if self.task.design == "cv" else int(is_held_out.sum())
            counts.append((int(learned_from.sum()) + added, int(other.sum())))
        if not any(left_out for _, left_out in counts):
            return None
        # The mean over folds; the cases are those that have scores.
        learned, left_out = np.mean(counts, axis=0)
        case_id = model.table.loc[model.table["part"] != "test", "case_id"].to_numpy(dtype=str)
        return LearnedSubset(np.unique(case_id), float(learned), float(learned + left_out))

    @property
    def learned(self) -> Texts | None:
        return self.subset.case_id if self.subset else None

    def find_sites(
        self, covariates: pd.DataFrame | None, case_id: Texts, fold_column: str
    ) -> pd.Series | None:
        """Find the site of each reported case, where no fit that scored it saw another of its.

        Raises:
            DataError: A case without a site, or a site of whose cases such a fit saw some.
        """
        are_tested = self.task.design == "holdout" and self.card.test_sites
        if covariates is None or not (fold_column or are_tested):
            return None
        # The column that folds were made by, or that names the test sites.
        column = fold_column or self.card.site_column
        if not column:  # of an earlier version
            return None
        check_fold_column(column, covariates)
        # A case without a site cannot be placed.
        site = name_groups(covariates[column])
        if site.isna().any():
            number = int(site.isna().sum())
            raise refusal("evaluation.no_sites", number=number, column=column)
        # A site that folds were made by stands in one fold alone.
        case_sites = dict(zip(case_id.tolist(), site.tolist(), strict=True))
        for model in self.models if fold_column else ():
            if model.outcome.status == "failed" or model.outcome.arm == "reader":
                continue
            rows = model.part("out_of_fold")
            folds = rows.groupby([rows["repeat"], rows["case_id"].map(case_sites)])[
                "fold"
            ].nunique()
            if (folds > 1).any():
                scored, seen = f"scores of {model.outcome.model}", folds.index[folds > 1][0][1]
                raise refusal("evaluation.seen_site", scored, site=seen)
        return site
