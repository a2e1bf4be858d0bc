"""What evaluation is made of: scores, cases, opened labels and what is known of the cases."""

from dataclasses import dataclass, field

import pandas as pd

from skiagram.evaluation.evaluation_set import CaseTraits
from skiagram.evaluation.finding import FindingTables
from skiagram.records.predictions import Predictions
from skiagram.sealing.ledger import Comparison, Opening
from skiagram.tasks.cases import Cases, DataCard
from skiagram.tasks.task import Task


@dataclass(frozen=True)
class EvaluationInputs:
    """What evaluation needs.

    Attributes:
        models: Of every model named in params.yaml, in the order of the report.
        sealed: Columns `case_id`, `label` of the test cases; empty under `cv`.
        opening: Its entry in the seal's ledger; None where nothing is sealed.
        encrypted: Whether sealed labels are kept encrypted; then no output names a case's label.
        truth: Columns `case_id`, `ideal_score` of generated data, else None.
        duplicates: Columns `first`, `second`: case ids of near duplicates and transformed copies.
        covariates: `case_id` and columns whose values define subgroups; None asks for none.
        traits: What may tell the test set from the development set; None does not ask.
        finding: Where the lesions are; None where no model leaves marks.
        is_external: Whether the test cases are another cohort, which a finished project scored.
        lacking: What cases of this cohort lack that models read, a sentence each.
    """

    models: tuple[Predictions, ...]
    cases: Cases
    task: Task
    sealed: pd.DataFrame
    card: DataCard
    comparison: Comparison
    opening: Opening | None = None
    encrypted: bool = False
    truth: pd.DataFrame | None = None
    duplicates: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame({"first": [], "second": []})
    )
    covariates: pd.DataFrame | None = None
    traits: CaseTraits | None = None
    finding: FindingTables | None = None
    is_external: bool = False
    lacking: tuple[str, ...] = ()
