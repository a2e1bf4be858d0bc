"""Co-occurrence against published values and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.feature import graycomatrix, graycoprops

from skiagram.features.cooccurrence import Cooccurrence, cooccurrence, offsets
from tests.features.ibsi_phantom import PHANTOM

# Reference values of the digital phantom, IBSI reference manual, section 3.6: 2D, averaged.
PUBLISHED = {
    "joint_maximum": 0.519,
    "joint_average": 2.14,
    "joint_variance": 2.69,
    "joint_entropy": 2.05,
    "angular_second_moment": 0.368,
    "contrast": 5.28,
    "dissimilarity": 1.42,
    "inverse_difference": 0.678,
    "inverse_difference_moment": 0.619,
    "correlation": -0.0121,
    "autocorrelation": 5.09,
    "cluster_tendency": 5.47,
    "cluster_shade": 7,
    "cluster_prominence": 79.1,
}


def phantom_features() -> dict[str, float]:
    found = []
    for offset in offsets(1, (4, 5)):
        inside = cooccurrence(PHANTOM, offset, 7)[:, 1:, 1:]  # no pairs with the outside
        joint = inside / inside.sum(axis=(1, 2), keepdims=True)
        found.append(Cooccurrence(joint).columns())
    return dict(zip(PUBLISHED, np.mean(found, axis=(0, 1)), strict=True))


@pytest.mark.parametrize("name", PUBLISHED)
def test_digital_phantom_gives_the_published_value(name: str) -> None:
    assert f"{phantom_features()[name]:.3g}" == f"{PUBLISHED[name]:.3g}"


def test_published_names_are_all_names() -> None:
    assert Cooccurrence.names("x") == tuple(f"x_{name}" for name in PUBLISHED)


@pytest.mark.parametrize(
    ("offset", "angle"),
    [((0, 1), 0), ((1, 1), np.pi / 4), ((1, 0), np.pi / 2), ((1, -1), -np.pi / 4)],
)
def test_matrices_and_features_equal_scikit_image(offset: tuple[int, int], angle: float) -> None:
    levels = np.random.default_rng(0).integers(0, 8, size=(3, 20, 15))
    joint = cooccurrence(levels, offset, 8)
    found = Cooccurrence(joint)
    for row, image in enumerate(levels):
        matrix = graycomatrix(image.astype(np.uint8), [1], [angle], 8, symmetric=True, normed=True)
        np.testing.assert_allclose(joint[row], matrix[:, :, 0, 0])
        for name, theirs in {
            "contrast": "contrast",
            "dissimilarity": "dissimilarity",
            "inverse_difference_moment": "homogeneity",
            "angular_second_moment": "ASM",
            "correlation": "correlation",
            "joint_variance": "variance",
            "joint_entropy": "entropy",
        }.items():
            value = graycoprops(matrix, theirs)[0, 0]
            if theirs == "entropy":  # there in nats
                value /= np.log(2)
            np.testing.assert_allclose(getattr(found, name)[row], value, err_msg=name)


def test_diagonal_neighbours_at_distance_two_are_two_rows_away() -> None:
    assert (2, 2) in offsets(2, (9, 9))
    levels = np.zeros((1, 3, 3), dtype=np.int64)
    levels[0, 0, 0] = levels[0, 2, 2] = 1
    assert cooccurrence(levels, (2, 2), 2)[0].tolist() == [[0, 0], [0, 1]]


def test_directions_that_do_not_fit_are_left_out() -> None:
    assert offsets(2, (1, 5)) == [(0, 2)]
    assert offsets(2, (2, 2)) == [(0, 0)]


images = arrays(np.int64, (2, 6, 7), elements=st.integers(0, 4))


@given(images)
def test_average_over_directions_ignores_a_quarter_turn(levels: np.ndarray) -> None:
    def averaged(turned: np.ndarray) -> np.ndarray:
        shape = (turned.shape[1], turned.shape[2])
        parts = [cooccurrence(turned, at, 5) for at in offsets(1, shape)]
        return np.asarray(sum(Cooccurrence(part).columns() for part in parts)) / len(parts)

    turned = np.rot90(levels, axes=(1, 2)).copy()
    np.testing.assert_allclose(averaged(turned), averaged(levels), atol=1e-9)
