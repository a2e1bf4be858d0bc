"""Co-occurrence features against published values, scikit-image, and what moves them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.feature import graycomatrix, graycoprops

from skiagram.features.batch import FeatureBatch
from skiagram.features.discretisation import Discretisation, GreyLevels
from skiagram.features.glcm import Aggregation, Glcm

FAMILY = Glcm(
    levels=Discretisation(bin_number=8, bin_width=None),
    region="whole",
    distances=(1,),
    aggregation="merged",
)
NAMES = [name.removeprefix("glcm_") for name in FAMILY.names()]


def named(levels: np.ndarray, distance: int, aggregation: Aggregation) -> dict[str, np.ndarray]:
    """Return the features of (n, depth, height, width) levels by name, each (n,)."""
    family = replace(FAMILY, distances=(distance,), aggregation=aggregation)
    found = family.describe(GreyLevels(levels, int(levels.max())))
    return dict(zip(NAMES, found.T, strict=True))


SKIMAGE = {
    "contrast": "contrast",
    "dissimilarity": "dissimilarity",
    "inverse_difference_moment": "homogeneity",
    "angular_second_moment": "ASM",
    "correlation": "correlation",
    "joint_average": "mean",
    "joint_variance": "variance",
    "joint_entropy": "entropy",
}


@pytest.mark.parametrize("distance", [1, 3])
def test_average_over_directions_equals_scikit_image(distance: int) -> None:
    images = np.random.default_rng(0).integers(0, 8, size=(3, 20, 15)).astype(np.uint16)
    found = named(images[:, None] + 1, distance, "averaged")
    for row, image in enumerate(images):
        matrices = [
            graycomatrix(image, [length], [angle], 8, symmetric=True, normed=True)
            for angle, length in (  # scikit-image's distance is Euclidean
                (0, distance),
                (np.pi / 4, distance * np.sqrt(2)),
                (np.pi / 2, distance),
                (3 * np.pi / 4, distance * np.sqrt(2)),
            )
        ]
        for ours, theirs in SKIMAGE.items():
            value = np.mean([graycoprops(matrix, theirs) for matrix in matrices])
            value /= np.log(2) if theirs == "entropy" else 1  # there in nats
            value += 1 if theirs == "mean" else 0  # their levels count from 0
            np.testing.assert_allclose(found[ours][row], value, err_msg=ours)


def by_definition(joint: np.ndarray, highest: int) -> dict[str, float]:
    """Return the features that scikit-image lacks from their formulas in the manual."""
    i, j = np.indices(joint.shape) + 1
    levels = joint.sum(axis=0)
    product = np.outer(levels, levels)
    p, q, own = joint[joint > 0], product[product > 0], levels[levels > 0]
    shared = np.sum(joint[product > 0] * np.log2(q))
    surprise = np.sum(p * np.log2(p))
    deviation, difference = i + j - np.sum((i + j) * joint), np.abs(i - j)
    k = np.arange(2 * len(joint) + 1)
    sums = np.array([joint[i + j == one].sum() for one in k])
    differences = np.array([joint[difference == one].sum() for one in k])
    return {
        "joint_maximum": joint.max(),
        "sum_entropy": -np.sum(sums[sums > 0] * np.log2(sums[sums > 0])),
        "difference_entropy": -np.sum(
            differences[differences > 0] * np.log2(differences[differences > 0])
        ),
        "difference_variance": np.sum(difference**2 * joint) - np.sum(difference * joint) ** 2,
        "normalised_inverse_difference": np.sum(joint / (1 + difference / highest)),
        "normalised_inverse_difference_moment": np.sum(joint / (1 + difference**2 / highest**2)),
        "inverse_difference": np.sum(joint / (1 + difference)),
        "inverse_variance": np.sum(joint[i != j] / difference[i != j] ** 2),
        "autocorrelation": np.sum(i * j * joint),
        "cluster_tendency": np.sum(deviation**2 * joint),
        "cluster_shade": np.sum(deviation**3 * joint),
        "cluster_prominence": np.sum(deviation**4 * joint),
        "information_correlation_1": (surprise - shared) / np.sum(own * np.log2(own)),
        "information_correlation_2": np.sqrt(1 - np.exp(2 * np.sum(q * np.log2(q)) - 2 * surprise)),
    }


def test_merged_matrix_follows_the_formulas() -> None:
    levels = np.random.default_rng(1).integers(1, 6, size=(9, 7)).astype(np.uint16)
    levels[3:, :3] = 2
    counts = np.zeros((5, 5))
    for y, x in ((0, 1), (1, 1), (1, 0), (1, -1)):
        for row in range(9 - y):
            for column in range(max(0, -x), 7 - max(0, x)):
                counts[levels[row, column] - 1, levels[row + y, column + x] - 1] += 1
    joint = (counts + counts.T) / (2 * counts.sum())
    found = named(levels[None, None], 1, "merged")
    for name, value in by_definition(joint, 5).items():
        np.testing.assert_allclose(found[name], value, err_msg=name)


plane_levels = arrays(np.uint16, (2, 1, 6, 7), elements=st.integers(0, 4)).filter(
    lambda levels: bool(levels.any(axis=(1, 2, 3)).all())
)


@pytest.mark.thorough
@given(plane_levels, st.integers(1, 3), st.sampled_from(["averaged", "merged"]))
def test_turned_and_mirrored_images_have_equal_features(
    levels: np.ndarray, distance: int, aggregation: Aggregation
) -> None:
    found = named(levels, distance, aggregation)
    for other in (np.rot90(levels, axes=(2, 3)).copy(), levels[:, :, ::-1].copy()):
        for name, value in named(other, distance, aggregation).items():
            np.testing.assert_allclose(value, found[name], atol=1e-6, err_msg=name)


def test_diagonal_neighbours_at_distance_two_are_two_rows_away() -> None:
    levels = np.ones((1, 1, 3, 3), dtype=np.uint16)
    levels[0, 0, 0, 0] = levels[0, 0, 2, 2] = 2  # equal, at opposite corners
    found = named(levels, 2, "merged")
    # Pairs: 3 rows, 3 columns and 2 diagonals; each corner differs in its row and its column.
    assert found["contrast"] == pytest.approx(4 / 8)


def test_pairs_with_a_pixel_outside_the_region_do_not_count() -> None:
    levels = np.array([[[[1, 0, 2], [1, 0, 2]]]], dtype=np.uint16)
    assert named(levels, 1, "merged")["contrast"] == 0
    assert named(levels, 2, "merged")["contrast"] == 1


def test_directions_without_a_pair_are_left_out() -> None:
    row = np.array([[[[1, 2, 3, 1]]]], dtype=np.uint16)  # nothing above or below
    assert named(row, 1, "averaged")["contrast"] == named(row, 1, "merged")["contrast"] == 2


@pytest.mark.parametrize("aggregation", ["averaged", "merged"])
def test_image_without_any_pair_looks_constant(aggregation: Aggregation) -> None:
    apart = np.zeros((1, 1, 5, 5), dtype=np.uint16)
    apart[0, 0, 0, 0], apart[0, 0, 4, 4] = 1, 3
    found = named(apart, 1, aggregation)
    assert found["contrast"] == 0
    assert found["joint_average"] == 2
    assert found["correlation"] == 1


def family(*distances: int, aggregation: Aggregation = "averaged") -> Glcm:
    levels = Discretisation(bin_number=16, bin_width=None)
    return Glcm(levels=levels, region="whole", distances=distances, aggregation=aggregation)


def test_columns_stand_under_their_names() -> None:
    stripes = np.tile(np.array([0, 1], dtype=np.float32), (1, 16, 8))
    found = dict(
        zip(family(1, 2).names(), family(1, 2).extract(FeatureBatch(stripes))[0], strict=True)
    )
    assert found["glcm_distance_1_contrast"] == 15**2 * 3 / 4  # all but the vertical
    assert found["glcm_distance_2_contrast"] == 0


def test_fixed_bin_number_is_blind_to_unit_and_offset() -> None:
    images = np.random.default_rng(0).integers(0, 256, size=(2, 20, 20)).astype(np.float32)
    moved = family(1, 3).extract(FeatureBatch(images * 4 - 1024))
    np.testing.assert_allclose(moved, family(1, 3).extract(FeatureBatch(images)))
