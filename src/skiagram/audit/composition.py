"""What a data set is made of: its classes, its patients, and images that show nothing."""

import numpy as np

from skiagram.arrays import Flags, Whole
from skiagram.audit.contract import Evidence, find
from skiagram.audit.findings import Finding
from skiagram.image_store.store import ImageStore
from skiagram.images import Image

FEW_PATIENTS = 10
FEW_VOXELS = 64  # of a region, below which texture says little (Hatt et al. 2015, J. Nucl. Med. 56)
ALMOST_ALL = 0.9  # of an image, from which on a region is likelier inside out than drawn
MANY_LEVELS = 9  # of an image, or more: masks of cells and organs have fewer
MANY_PARTS = 5  # of a region, from which on stray voxels are likelier than lesions


def check_classes(evidence: Evidence) -> list[Finding]:
    """Count the classes of the development cases; the sealed labels are not looked at."""
    # Images and patients of each class.
    development_cases, classes = evidence.cases.development(), evidence.task.predicted.label_words
    cases = np.bincount(development_cases.label, minlength=len(classes)).tolist()
    label, patient_id = development_cases.label, development_cases.patient_id
    patients = [*evidence.task.predicted.count_patients(label, patient_id).values()]
    counts = ", ".join(
        f"{name}: {images} images of {people} patients"
        for name, images, people in zip(classes, cases, patients, strict=True)
    )
    # Classes without a patient; some outcomes may lack one.
    absent = [name for name, people in zip(classes, patients, strict=True) if not people]
    if evidence.task.predicted.labels_may_be_absent:
        absent = []
    tiny = [k for k, people in enumerate(patients) if 0 < people < FEW_PATIENTS]
    return [
        find("class_counts", count=len(development_cases), counts=counts),
        find("absent_classes", count=len(absent), classes=", ".join(absent)),
        find(
            "tiny_classes",
            development_cases.case_id[np.isin(development_cases.label, tiny)],
            len(tiny),
            least=FEW_PATIENTS,
            classes=", ".join(classes[k] for k in tiny),
        ),
    ]


def check_patients(evidence: Evidence) -> list[Finding]:
    """Look for patients in two splits, where patients are known."""
    # Patients in training and test cases, then in training and validation cases.
    cases, patients_known = evidence.cases, evidence.card.patients_known
    findings = []
    for name, first, second in (
        ("patients_across_splits", cases.split != "test", cases.split == "test"),
        (
            "patients_across_training_and_validation",
            cases.split == "train",
            cases.split == "validation",
        ),
    ):
        shared = np.intersect1d(cases.patient_id[first], cases.patient_id[second])
        if not patients_known:  # then ids stand for clusters of near duplicates
            shared = shared[:0]
        concerned = cases.case_id[second & np.isin(cases.patient_id, shared)]
        findings.append(find(name, concerned, len(shared)))
    # Without ids of patients this cannot be looked for, and is said instead.
    unknown = 0 if patients_known else len(cases)
    groups = len(np.unique(cases.patient_id))
    return [*findings, find("unknown_patients", count=unknown, groups=groups, cases=len(cases))]


def check_images(evidence: Evidence) -> list[Finding]:
    """Look for images of a single intensity, and of few ones among others: masks."""
    levels, case_id = evidence.images.levels, evidence.cases.case_id
    few = (levels > 1) & (levels < MANY_LEVELS)
    if 2 * few.sum() > len(few):  # images of few intensities are usual here
        few[:] = False
    return [
        find("constant_images", case_id[levels < 2]),
        find("two_valued_images", case_id[few]),
    ]


def check_regions(evidence: Evidence) -> list[Finding]:
    """Look for regions of interest of few voxels, of almost all voxels, or of many parts."""
    # Voxels, parts and voxels outside of each region.
    none = np.zeros((0, 3), dtype=np.int64)
    regions = none if evidence.images.regions is None else evidence.images.regions
    voxels, parts, outside = regions.T
    case_id = evidence.cases.case_id[: len(regions)]
    almost_all = outside <= (1 - ALMOST_ALL) * (voxels + outside)
    return [
        find("tiny_regions", case_id[voxels < FEW_VOXELS], bound=FEW_VOXELS),
        find("large_regions", case_id[almost_all], bound=ALMOST_ALL),
        find("scattered_regions", case_id[parts >= MANY_PARTS], bound=MANY_PARTS),
    ]


def describe_region(inside: Flags) -> tuple[int, int, int]:
    """Count how many voxels a region has, in how many parts, and how many are outside of it."""
    from scipy.ndimage import generate_binary_structure, label

    touching = generate_binary_structure(inside.ndim, inside.ndim)
    voxels = int(inside.sum())
    return voxels, int(label(inside, touching)[1]), inside.size - voxels


def described_regions(store: ImageStore) -> Whole | None:
    """Return (n, 3) as `describe_region`, in the store's order; None where there is no region."""
    regions = (shard.region(row) for shard, row in map(store.at, range(len(store))))
    described = [describe_region(region.inside) for region in regions if region is not None]
    return np.array(described, dtype=np.int64) if len(described) == len(store) > 0 else None


def count_levels(image: Image) -> int:
    """Count how many different intensities an image has, 1 where nothing is shown.

    `MANY_LEVELS` stands for more, and missing pixels count for nothing; of several channels the
    most count.
    """
    pixels = image.reshape(-1, image.shape[-1] if image.ndim > 2 else 1)
    most = 1
    for channel in pixels.T:
        values = channel[np.isfinite(channel)]
        # a thousand pixels tell an image of many apart, which is most of them
        levels = len(np.unique(values[:: max(1, values.size // 1000)]))
        if levels < MANY_LEVELS:
            levels = len(np.unique(values))
        most = max(most, min(levels, MANY_LEVELS))
    return most
