"""Files of a folder by their names."""

import numpy as np
import pytest

from skiagram.errors import DataError
from skiagram.readers.case_images import is_image_file
from skiagram.readers.file_trees import FolderTree
from tests.datasets.own_folders import png


@pytest.mark.parametrize(
    ("named", "stored"),
    [("a.png", "A.PNG"), ("B.JPG", "b.jpg"), ("\u00e4.png", "a\u0308.png"), ("x y.png", "X y.png")],
)
def test_a_name_in_another_case_is_said(tmp_path, named, stored):
    (tmp_path / "ward").mkdir()
    (tmp_path / "ward" / stored).write_bytes(png(1))
    tree = FolderTree(tmp_path, is_image_file)
    assert tree.read(f"ward/{stored}") == png(1)
    with pytest.raises(DataError, match=f"there is `{stored}`"):
        tree.read(f"ward/{named}")


def test_a_file_of_another_type_is_said_so_and_not_by_its_ending(tmp_path):
    """MRNet's `0000.npy` was to be written with its ending, and then was no image."""
    np.save(tmp_path / "0000.npy", np.zeros((4, 5, 6), np.uint8))
    with pytest.raises(DataError, match=r"of a type that is no image: `\.npy`.*\.nii\.gz"):
        FolderTree(tmp_path, is_image_file).read("0000")
    (tmp_path / "0000.png").write_bytes(png(1))
    with pytest.raises(DataError, match=r"there is `0000\.png`"):
        FolderTree(tmp_path, is_image_file).read("0000")


def test_links_to_folders_are_followed_and_those_that_lead_back_are_not(tmp_path):
    images, other = tmp_path / "images", tmp_path / "other"
    for folder in (images / "yes", other):
        folder.mkdir(parents=True)
        (folder / "1.png").write_bytes(png(1))
    (images / "no").symlink_to(other)
    (images / "yes" / "up").symlink_to(images)
    (other / "back").symlink_to(images / "yes")
    names = [*FolderTree(images, is_image_file).files()]
    assert sorted(names) == ["no/1.png", "no/back/1.png", "yes/1.png"]
