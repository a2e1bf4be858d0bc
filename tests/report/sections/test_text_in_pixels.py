"""A person is shown marks that look like text, in the images as models see them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skiagram.datasets.burnt_in_text import BurntInText
from skiagram.datasets.contract import SpacedImage
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.records import SEALED, Cases
from skiagram.report.sections.text_in_pixels import look_for_text
from tests.datasets.test_burnt_in_text import film, planted
from tests.report.sections.test_data import opened

PATIENTS = ["p", "p", "q", "r", "s"]
CASES = Cases(
    case_id=np.array(["a", "b", "c", "d", "e"]),
    patient_id=np.array(PATIENTS),
    split=np.array(["train", "train", "train", "validation", "test"]),
    label=np.array([0, 0, 1, 1, SEALED]),
)
WITH_TEXT = {"b", "c", "e"}


def stored(folder: Path, *, masked: bool) -> tuple[ImageStore, dict[str, NDArray[np.uint8]]]:
    images = {}
    with ShardWriter(folder) as writer:
        for seed, case_id in enumerate(CASES.case_id.tolist()):
            image = film(seed)
            if case_id in WITH_TEXT:
                image = planted(image, "MUSTER ANNA 12.03.1956", (8, 8), 20)[0]
            if masked:
                pixels = BurntInText(treatment="mask").acquire(SpacedImage(image)).pixels
                image = pixels.astype(np.uint8)
            images[case_id] = image
            writer.add(case_id, image)
    return ImageStore(folder), images


def test_one_image_of_each_development_patient_is_looked_at(tmp_path: Path) -> None:
    store, images = stored(tmp_path / "images", masked=False)
    text = look_for_text(CASES, store)
    assert (text.looked_at, text.marked) == (3, 1)
    (mark,) = text.examples
    assert mark.case_id == "c"
    picture = opened(mark.picture)
    height, width = picture.shape[:2]
    assert 20 < height < 128
    assert 150 < width < 512
    part = images["c"][:height, :width].astype(float)
    assert (
        np.corrcoef(picture.reshape(height, width, -1)[..., 0].ravel(), part.ravel())[0, 1] > 0.99
    )


def test_what_was_masked_is_shown_no_more(tmp_path: Path) -> None:
    store, _ = stored(tmp_path / "images", masked=True)
    assert look_for_text(CASES, store).marked == 0
