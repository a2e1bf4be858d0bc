"""How many development cases and patients each class has."""

import numpy as np

from skiagram.audit.contract import Evidence, Finding, examples

FEW_PATIENTS = 10


def check_classes(evidence: Evidence) -> list[Finding]:
    """Count the classes of the development cases; the sealed labels are not looked at."""
    known, classes = evidence.cases.development(), evidence.task.classes
    cases = [int((known.label == k).sum()) for k in range(len(classes))]
    patients = [len(np.unique(known.patient_id[known.label == k])) for k in range(len(classes))]
    counts = ", ".join(
        f"{name} {images} images of {people} patients"
        for name, images, people in zip(classes, cases, patients, strict=True)
    )
    absent = [name for name, people in zip(classes, patients, strict=True) if not people]
    tiny = [k for k, people in enumerate(patients) if 0 < people < FEW_PATIENTS]
    return [
        Finding("class_counts", "note", len(known), f"Development cases: {counts}."),
        Finding(
            name="absent_classes",
            severity="stop",
            count=len(absent),
            summary=f"Classes without a development case: {', '.join(absent)}.",
            remedy="add cases of that class, correct the labels, or remove it from `classes`",
        ),
        Finding(
            name="tiny_classes",
            severity="warning",
            count=len(tiny),
            summary=f"Classes with fewer than {FEW_PATIENTS} development patients: "
            f"{', '.join(classes[k] for k in tiny)}.",
            remedy="add patients; results on so few are very uncertain",
            examples=examples(known.case_id[np.isin(known.label, tiny)]),
        ),
    ]
