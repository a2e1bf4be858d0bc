"""What a data set is made of: its classes, its patients, and images that show nothing."""

import numpy as np
from numpy.typing import NDArray

from skiagram.audit.contract import Evidence, Finding, Severity, examples
from skiagram.image_store.shards import Image
from skiagram.image_store.store import ImageStore

FEW_PATIENTS = 10
FEW_VOXELS = 64  # of a region, below which texture says little (Hatt et al. 2015, J. Nucl. Med. 56)
ALMOST_ALL = 0.9  # of an image, from which on a region is likelier inside out than drawn
MANY_PARTS = 5  # of a region, from which on stray voxels are likelier than lesions


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


def check_patients(evidence: Evidence) -> list[Finding]:
    """Look for patients in two splits, where patients are known."""
    cases, known = evidence.cases, evidence.card.patients_known
    split, groups = cases.split, len(np.unique(cases.patient_id))
    return [
        _shared("patients_across_splits", "stop", evidence, split != "test", split == "test"),
        _shared(
            "patients_across_training_and_validation",
            "warning",
            evidence,
            split == "train",
            split == "validation",
        ),
        Finding(
            name="unknown_patients",
            severity="note",
            count=0 if known else len(cases),
            summary=f"Patients are unknown; {groups} clusters of near duplicates are used as "
            f"patients of the {len(cases)} images.",
            remedy="confidence intervals may be too narrow where a patient has several images",
        ),
    ]


def _shared(
    name: str,
    severity: Severity,
    evidence: Evidence,
    first: NDArray[np.bool_],
    second: NDArray[np.bool_],
) -> Finding:
    cases = evidence.cases
    shared = np.intersect1d(cases.patient_id[first], cases.patient_id[second])
    if not evidence.card.patients_known:  # then ids stand for clusters of near duplicates
        shared = shared[:0]
    sides = "development and test" if severity == "stop" else "training and validation"
    return Finding(
        name=name,
        severity=severity,
        count=len(shared),
        summary=f"Patients with images in both {sides} splits: {len(shared)}.",
        remedy="put all images of a patient into the same split, or choose `design=cv`",
        examples=examples(cases.case_id[second & np.isin(cases.patient_id, shared)]),
    )


def check_images(evidence: Evidence) -> list[Finding]:
    """Look for images of a single intensity."""
    constant = evidence.images.constant
    return [
        Finding.of_cases(
            "constant_images",
            "warning",
            evidence.cases.case_id[constant],
            f"Images in which all pixels are equal: {int(constant.sum())}.",
            "remove these images",
        )
    ]


def check_regions(evidence: Evidence) -> list[Finding]:
    """Look for regions of interest of few voxels, of almost all voxels, or of many parts."""
    none = np.zeros((0, 3), dtype=np.int64)
    regions = none if evidence.images.regions is None else evidence.images.regions
    voxels, parts, outside = regions.T
    case_id = evidence.cases.case_id[: len(regions)]
    rules = (
        (
            "tiny_regions",
            voxels < FEW_VOXELS,
            f"of fewer than {FEW_VOXELS} voxels",
            "check these masks; texture of so few voxels says little",
        ),
        (
            "large_regions",
            outside <= (1 - ALMOST_ALL) * (voxels + outside),
            f"of more than {ALMOST_ALL:.0%} of their image",
            "check these masks: they may be inside out, or of everything",
        ),
        (
            "scattered_regions",
            parts >= MANY_PARTS,
            f"of {MANY_PARTS} or more parts that do not touch",
            "check these masks for stray voxels and for several lesions in one",
        ),
    )
    return [
        Finding.of_cases(
            name, "warning", case_id[met], f"Regions {which}: {int(met.sum())}.", remedy
        )
        for name, met, which, remedy in rules
    ]


def describe_region(inside: NDArray[np.bool_]) -> tuple[int, int, int]:
    """Return how many voxels a region has, in how many parts, and how many are outside of it."""
    from scipy.ndimage import generate_binary_structure, label

    touching = generate_binary_structure(inside.ndim, inside.ndim)
    voxels = int(inside.sum())
    return voxels, int(label(inside, touching)[1]), inside.size - voxels


def described_regions(store: ImageStore) -> NDArray[np.int64] | None:
    """Return (n, 3) as `describe_region`, in the store's order; None where there is no region."""
    regions = [store.region(case_id) for case_id in store.case_ids]
    described = [describe_region(region.inside) for region in regions if region is not None]
    return np.array(described, dtype=np.int64) if len(described) == len(regions) > 0 else None


def constant_images(store: ImageStore) -> NDArray[np.bool_]:
    """Return (n,) bool in the store's order: every channel is constant or missing."""
    return np.array([is_constant(image) for _, image in store], dtype=np.bool_)


def is_constant(image: Image) -> bool:
    """Return whether every channel of one image is constant or missing."""
    pixels = image.reshape(-1, image.shape[-1] if image.ndim > 2 else 1)
    finite = np.isfinite(pixels)
    return all(
        not present.any() or bool(np.ptp(channel[present]) == 0)
        for channel, present in zip(pixels.T, finite.T, strict=True)
    )
