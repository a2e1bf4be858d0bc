"""What the report shows besides the evaluation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from skiagram.audit.report import AuditReport
from skiagram.features.definition import Definition
from skiagram.records import DataCard
from skiagram.report.examples import Example
from skiagram.report.gallery import Gallery


@dataclass(frozen=True)
class Provenance:
    """What a reader needs to make the same report again.

    Attributes:
        versions: Package → version.
        sha256: Input or artefact → SHA-256 of its content.
        params: The choices and values of the run.
    """

    versions: Mapping[str, str]
    sha256: Mapping[str, str]
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Material:
    """Everything on the page that is not a result.

    Attributes:
        card: The data set's card.
        audit: What the audit looked for and found.
        treatment: Columns `case_id, missing, outliers, dead_lines, noise`, one row a restored case.
        examples: Images before and after restoration.
        curves: Model name → training curves (`fit, epoch, training_loss, validation_loss, …`).
        provenance: Versions, hashes and options.
        galleries: The worst errors of the best model of each arm.
        definitions: What the features of images mean.
    """

    card: DataCard
    audit: AuditReport
    treatment: pd.DataFrame
    examples: Sequence[Example]
    curves: Mapping[str, pd.DataFrame]
    provenance: Provenance
    galleries: Sequence[Gallery] = ()
    definitions: Sequence[Definition] = ()
