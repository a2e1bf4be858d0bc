"""Masks beside images, by the ways in which public data sets name them."""

import pytest

from skiagram.datasets.folder.mask_names import find_masks, settle_masks
from skiagram.errors import DataError
from tests.yaml_rows import read_yaml

NAMES = read_yaml(__file__)


@pytest.mark.parametrize(("image", "mask"), NAMES["pairs"])
def test_a_mask_is_told_by_its_name_and_that_of_its_image(image, mask):
    for names in ([image, mask, "else/other.png"], [mask, image]):
        assert find_masks(names).of_image == {image: [mask]}


@pytest.mark.parametrize("names", NAMES["none"])
def test_names_without_their_image_are_images(names):
    assert not find_masks(names).names


@pytest.mark.parametrize(("names", "masks"), NAMES["folders"])
def test_a_folder_of_images_makes_none_of_them_a_mask(names, masks):
    assert sorted(find_masks(names).names) == masks


def test_several_masks_and_masks_without_an_image():
    found = find_masks(["a.png", "a_mask.png", "a_mask_1.png", "b_mask.png", "x_1.png"])
    assert found.of_image == {"a.png": ["a_mask.png", "a_mask_1.png"]}
    assert found.alone == ["b_mask.png"]
    numbered = ["x_1.png", "x_2.png", "x_mask_1.png", "x_mask_2.png"]
    assert [*find_masks(numbered).of_image.values()] == [["x_mask_1.png"], ["x_mask_2.png"]]


def test_masks_of_another_kind_that_no_layout_places_are_no_regions():
    names = ["img/A1.jpg", "Disc_Masks/A1.bmp", "Lesion_Masks/drusen/A1.bmp"]  # ADAM
    with pytest.raises(DataError, match=r"`img/A1.jpg` has masks of 2 kinds"):
        settle_masks(names, "regions", "films")
    twice = [f"{kind}/{name}" for kind in ("a", "b") for name in ("1.png", "disc_masks/1.png")]
    with pytest.raises(DataError, match=r"`b/1.png` has masks of 2 kinds"):
        settle_masks([*twice, "b/lesion_masks/drusen/1.png"], "regions", "films")
    of_train = ["train/images/a/1.png", "train/masks/a/1.png", "test/masks/a/1.png"]
    assert settle_masks(of_train, "regions", "films").alone == ["test/masks/a/1.png"]
    again = ["a/7.png", "a/7_mask.png", "b/7_mask.png", "b/8.png", "b/8_mask.png", "c/8.png"]
    again += ["c/8_mask.png"]  # b/7.png is not there
    assert settle_masks(again, "regions", "films").alone == ["b/7_mask.png"]
    numbered = ["p1.png", "p1_mask.png", "p1_2_mask.png"]  # the image of the last is not there
    assert settle_masks(numbered, "regions", "films").of_image == {"p1.png": ["p1_mask.png"]}


def test_a_mask_of_a_patient_is_one_of_all_images_in_the_folder():
    modalities = ["p/p_t1.nii.gz", "p/p_t2.nii.gz"]
    found = find_masks([*modalities, "p/p_seg.nii.gz"])  # BraTS
    assert found.of_image == {name: ["p/p_seg.nii.gz"] for name in modalities}
    found = find_masks(["p/a.nii.gz", "p/p_t2.nii.gz", "p/p_seg.nii.gz"])
    assert found.of_image == {"p/p_t2.nii.gz": ["p/p_seg.nii.gz"]}


def test_a_mask_of_two_modalities_is_one_of_both():
    images = ["imagesTr/CHUM-001__CT.nii.gz", "imagesTr/CHUM-001__PT.nii.gz"]
    others = ["imagesTr/CHUM-002__CT.nii.gz", "imagesTr/CHUM-002__PT.nii.gz"]
    found = find_masks([*images, *others, "labelsTr/CHUM-001.nii.gz"])
    assert found.of_image == {name: ["labelsTr/CHUM-001.nii.gz"] for name in images}


def test_a_mask_in_the_space_of_one_modality_is_one_of_that():
    mask = "derivatives/x/sub-01/sub-01_space-T1w_label-lesion_mask.nii.gz"
    found = find_masks(["sub-01/sub-01_FLAIR.nii.gz", "sub-01/sub-01_T1w.nii.gz", mask])
    assert found.of_image == {"sub-01/sub-01_T1w.nii.gz": [mask]}


KINDS = [  # an image, masks of several organs, readers, attributes, or of a field of view
    ("1/ct.nii.gz", "1/segmentations/liver.nii.gz", "1/segmentations/spleen.nii.gz"),
    ("images/21_training.tif", "1st_manual/21_manual1.gif", "mask/21_training_mask.gif"),
    ("im1.ppm", "labels-ah/im1.ah.ppm", "labels-vk/im1.vk.ppm"),
    ("I_1.jpg", "I_1_attribute_globules.png", "I_1_attribute_streaks.png"),
    ("s_T1w.nii", "s_T1w_brain_mask.nii", "s_T1w_label-lesion_mask.nii"),
]


@pytest.mark.parametrize("names", KINDS)
def test_masks_of_several_kinds_are_not_united_in_silence(names):
    with pytest.raises(DataError, match="masks of 2 kinds") as refused:
        settle_masks(names, "regions", "here")
    assert "--mask-pattern" in str(refused.value)
    assert settle_masks(names, "leave-out", "here").of_image == {names[0]: [*names[1:]]}


@pytest.mark.parametrize(
    "names",
    [
        ("b (1).png", "b (1)_mask.png", "b (1)_mask_1.png"),
        ("b.png", "b_mask1.png", "b_mask2.png"),
        ("CXR/M_0.png", "ManualMask/leftMask/M_0.png", "ManualMask/rightMask/M_0.png"),
    ],
)
def test_numbered_masks_and_those_of_two_sides_are_united(names):
    assert settle_masks(names, "regions", "here").of_image == {names[0]: [*names[1:]]}
