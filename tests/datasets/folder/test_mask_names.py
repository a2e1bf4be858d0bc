"""Masks beside images, by the ways in which public data sets name them."""

import pytest

from skiagram.datasets.folder.mask_names import find_masks, settle_masks
from skiagram.errors import DataError

PAIRS = [  # an image, a mask of it
    ("benign/benign (1).png", "benign/benign (1)_mask.png"),  # BUSI
    ("benign/benign (1).png", "benign/benign (1)_mask_1.png"),
    ("ISIC_0000000.jpg", "ISIC_0000000_segmentation.png"),
    ("COVID/images/COVID-1.png", "COVID/masks/COVID-1.png"),
    ("imagesTr/heart_1.nii.gz", "labelsTr/heart_1.nii.gz"),  # the decathlon
    ("benign/1.png", "masks/benign/1.png"),
    ("train/1.jpg", "train_masks/1_mask.gif"),
    ("1/volume.nrrd", "1/volume-label.nrrd"),
    ("1/a.png", "1/a_GT.png"),
    ("1/a.png", "1/a Ground Truth.png"),
    ("1/a.png", "1/a_seg.tif"),
    ("P1/PET_image.nii.gz", "P1/PET_mask.nii.gz"),
    ("P1/image.nii.gz", "P1/mask.nii.gz"),
    ("image_7.png", "mask_7.png"),
    ("7.png", "mask_7.png"),
    ("x_label.png", "x_label_mask.png"),
    ("imagesTr/c_1_0000.nii.gz", "labelsTr/c_1.nii.gz"),  # nnU-Net
    ("Data/ISIC_1.jpg", "Part1_GroundTruth/ISIC_1_segmentation.png"),
    ("CXR_png/M_0.png", "ManualMask/leftMask/M_0.png"),  # Montgomery County
    ("case_0/imaging.nii.gz", "case_0/segmentation.nii.gz"),  # KiTS
    ("volume-0.nii", "segmentation-0.nii"),  # LiTS
    ("1/a.png", "1/a_msk.png"),
    ("1/CT.nrrd", "1/Segmentation.seg.nrrd"),  # 3D Slicer
    ("a.png", "a_tumor_mask.png"),
    ("a.png", "aMask.png"),
    ("1/a.png", "1/a_roi.png"),
    ("benign/b_001.png", "benign/b_001_mask1.png"),
    ("a.png", "aMask01.png"),
    ("b/images/001.jpg", "b/lungmasks/001.jpg"),
    ("Bilder/1.png", "Bilder/Masken/1.png"),
    ("1/a.png", "1/a_masque.png"),
    ("1/a.png", "1/a_contour.png"),
    ("IMD002.bmp", "IMD002_lesion.bmp"),  # PH2
    ("IMD2/IMD2_Dermoscopic_Image/IMD2.bmp", "IMD2/IMD2_lesion/IMD2_lesion.bmp"),
    ("21_training.tif", "21_training_manual1.tif"),  # DRIVE
    ("Image_01L.jpg", "Image_01L_1stHO.png"),  # CHASE DB1
    ("testA_1.bmp", "testA_1_anno.bmp"),  # GlaS
    ("ISIC_1.jpg", "ISIC_1_superpixels.png"),
    ("ISIC_1.jpg", "ISIC_1_attribute_pigment_network.png"),
    ("Input/ISIC_1.jpg", "GroundTruth/ISIC_1_attribute_globules.png"),
    ("training/images/21_training.tif", "training/1st_manual/21_manual1.gif"),  # DRIVE
    ("im0001.ppm", "labels-ah/im0001.ah.ppm"),  # STARE
    ("stare-images/im0001.ppm", "labels-vk/im0001.vk.ppm"),
    ("sub-v4/sub-v4_ct.nii.gz", "sub-v4/sub-v4_seg-vert_msk.nii.gz"),  # VerSe
    ("sub-v4_ct.nii.gz", "sub-v4_seg-vert_msk.nii.gz"),
    (
        "rawdata/sub-v5/sub-v5_dir-ax_ct.nii.gz",
        "derivatives/sub-v5/sub-v5_dir-ax_seg-vert_msk.nii.gz",
    ),
    ("s0001/ct.nii.gz", "s0001/segmentations/liver.nii.gz"),  # TotalSegmentator
    ("sub-01/anat/sub-01_T1w.nii.gz", "sub-01/anat/sub-01_T1w_label-lesion_mask.nii.gz"),  # BIDS
    ("sub-01/anat/sub-01_T1w.nii", "derivatives/x/sub-01/anat/sub-01_T1w_dseg.nii.gz"),
    ("sub-01/anat/sub-01_T1w.nii", "derivatives/x/sub-01/anat/sub-01_space-T1w_desc-x_mask.nii"),
    ("sub-1_space-MNI_T1w.nii.gz", "sub-1_space-MNI_label-L_desc-T1lesion_mask.nii.gz"),  # ATLAS
    ("imagesTr/CHUM-001__CT.nii.gz", "labelsTr/CHUM-001.nii.gz"),  # HECKTOR
    ("p1_ct.nii.gz", "masks/p1.nii.gz"),
    ("p/scan.nii.gz", "p/mask.nii.gz"),
]
NONE = [
    ("mask/1.png", "no_mask/1.png"),  # two classes
    ("a_seg.png", "b_seg.png"),
    ("scan.png", "scan_segment.png"),
    ("a.png", "b_mask.png"),
    ("yes/1.png", "no/1.png"),
    ("masked.png", "masks.png"),
    ("lesion/1.png", "healthy/1.png"),  # two classes
    ("p1_lesion.png", "p2_lesion.png"),
    ("lesion/p1_lesion.png", "healthy/p1.png"),
    ("nomask/1_CT.png", "mask/1.png"),
    ("tumour/2.png", "tumour/masks/1.png"),
    ("scan_1.png", "scan_mask.png"),
    ("a/p1_CT.nii.gz", "b/p1_seg-x_roi.nii.gz"),
    ("p/scan_2.png", "p/label_1.png"),
    ("image.png", "labels/case_1.png"),
]


@pytest.mark.parametrize(("image", "mask"), PAIRS)
def test_a_mask_is_told_by_its_name_and_that_of_its_image(image, mask):
    for names in ([image, mask, "else/other.png"], [mask, image]):
        assert find_masks(names).of_image == {image: [mask]}


@pytest.mark.parametrize("names", NONE)
def test_names_without_their_image_are_images(names):
    assert not find_masks(names).names


def test_several_masks_and_masks_without_an_image():
    found = find_masks(["a.png", "a_mask.png", "a_mask_1.png", "b_mask.png", "x_1.png"])
    assert found.of_image == {"a.png": ["a_mask.png", "a_mask_1.png"]}
    assert found.alone == ["b_mask.png"]
    numbered = ["x_1.png", "x_2.png", "x_mask_1.png", "x_mask_2.png"]
    assert [*find_masks(numbered).of_image.values()] == [["x_mask_1.png"], ["x_mask_2.png"]]


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
