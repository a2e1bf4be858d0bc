"""Images that show nothing."""

import numpy as np
from numpy.typing import NDArray

from skiagram.audit.contract import Evidence, Finding, examples
from skiagram.image_store.shards import Image
from skiagram.image_store.store import ImageStore


def check_images(evidence: Evidence) -> list[Finding]:
    """Look for images of a single intensity."""
    count = int(evidence.constant.sum())
    return [
        Finding(
            name="constant_images",
            severity="warning",
            count=count,
            summary=f"Images in which all pixels are equal: {count}.",
            remedy="remove these images",
            examples=examples(evidence.cases.case_id[evidence.constant]),
        )
    ]


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
