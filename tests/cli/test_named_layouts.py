"""Public data sets as people download them, in stand-ins, by the line that the docs name."""

import gzip
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.cli.test_feature_tables import write_features
from tests.cli.test_folders_as_they_come import write_brains, write_busi
from tests.datasets.own_folders import SIDE, dicom, encoded, film
from tests.pipeline.project import Project
from tests.readers.examples import series_files
from tests.terminal import Terminal

pytestmark = pytest.mark.slow
Files = Mapping[str, bytes]
Cells = Mapping[str, object]


class StandIn(NamedTuple):
    """A few files with the oddities of the real folder, and the documented line.

    Attributes:
        line: As docs/how-to/own-data.md has it; more words may follow there.
        shown: What the check shows.
        case: Returns the files of a case by its number, and its rows of the table.
        table: Name of the table.
        number: Of cases.
        whole: Writes what is no list of cases.
    """

    line: str
    shown: Sequence[str]
    case: Callable[[int], tuple[Files, Sequence[Cells]]] = lambda at: ({}, [])
    table: str = ""
    number: int = 24
    whole: Callable[[Path], object] | None = None

    def write(self, place: Path) -> None:
        """Write the folder and its table."""
        if self.whole is not None:
            self.whole(place)
        rows: list[Cells] = []
        for at in range(self.number):
            files, own_rows = self.case(at)
            rows += own_rows
            for name, content in files.items():
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                (place / name).write_bytes(content)
        if self.table:
            pd.DataFrame(rows).to_csv(place / self.table, index=False)


def random_picture(at: int, *sides: int) -> Image.Image:
    """Return a picture, gray or, of three sides, in colour."""
    pixels = np.random.default_rng(at).integers(0, 256, sides or (SIDE, SIDE), np.uint8)
    return Image.fromarray(pixels)


def png(at: int, *sides: int) -> bytes:
    return encoded(random_picture(at, *sides), "PNG")


def jpeg(at: int, mode: str = "L") -> bytes:
    return encoded(Image.fromarray(film(at)).convert(mode), "JPEG", quality=95)


def box(*sides: int) -> bytes:
    """Return a mask with a drawn rectangle."""
    drawn = np.zeros(sides, np.uint8)
    drawn[8:20, 6:28] = 255
    return encoded(Image.fromarray(drawn), "PNG")


def nifti(seed: int, *labels: int) -> bytes:
    """Return a volume, or a mask with a slab of each label."""
    values = np.random.default_rng(seed).normal(100, 20, (12, 14, 10)).astype(np.float32)
    if labels:
        values = np.zeros((12, 14, 10), np.uint8)
        for at, label in enumerate(labels):
            values[3 + at, 4:9, 3:7] = label
    return bytes(nib.Nifti1Image(values, np.diag([1.0, 1.0, 2.0, 1.0])).to_bytes())


def brains_of_four_classes(at: int) -> tuple[Files, list[Cells]]:
    """Every other test picture lies in training, too."""
    name = f"{('glioma_tumor', 'meningioma_tumor', 'no_tumor', 'pituitary_tumor')[at % 4]}/image"
    part = "Testing" if at < 24 else "Training"
    files = {f"archive/{part}/{name}({at}).jpg": jpeg(at)}
    if at < 24 and at % 2 == 0:
        files[f"archive/Training/{name} ({at}).jpg"] = jpeg(at)
    return files, []


def chest(at: int) -> tuple[Files, list[Cells]]:
    """Kermany's folders: 16 pictures in `val`, RGB files among gray ones, one doubled."""
    part = "train" if at < 40 else "val" if at < 56 else "test"
    name = f"PNEUMONIA/person{at}_{('bacteria', 'virus')[at % 4 // 2]}_{at}"
    name = name if at % 2 else f"NORMAL/IM-{at:04d}-0001"
    picture = jpeg(at, "RGB" if at % 20 == 3 else "L")
    files = {f"chest_xray/{part}/{name}.jpeg": picture}
    if at == 2:
        files["chest_xray/test/NORMAL/NORMAL2-IM-0002-0001.jpeg"] = picture
    return files, []


def montgomery(at: int) -> tuple[Files, list[Cells]]:
    """Films whose names end with the class, and a mask for each lung."""
    name = f"MCUCXR_{at + 1:04d}_{at % 2}"
    files = {
        f"MontgomerySet/CXR_png/{name}.png": png(at, 32, 32),
        f"MontgomerySet/ClinicalReadings/{name}.txt": b"Patient's Sex: F",
    }
    rows, columns = np.mgrid[:32, :32]
    for side, centre in (("left", 9), ("right", 23)):
        lung = Image.fromarray(np.hypot(rows - 16, columns - centre) < 6)
        files[f"MontgomerySet/ManualMask/{side}Mask/{name}.png"] = encoded(lung, "PNG")
    return files, []


def shenzhen(at: int) -> tuple[Files, list[Cells]]:
    """Films of which not all have a mask."""
    name = f"CHNCXR_{at + 1:04d}_{at % 2}"
    masks = {f"ChinaSet/mask/{name}_mask.png": box(32, 32)} if at % 7 else {}
    return {f"ChinaSet/CXR_png/{name}.png": png(at, 32, 32), **masks}, []


def covid(at: int) -> tuple[Files, list[Cells]]:
    """PNG with an opaque alpha, JPEG in colour files, one of them in colour, odd names."""
    gray = Image.fromarray(film(at)).convert("RGBA" if at % 2 else "RGB")
    files = {
        f"COVID-CT/CT_COVID/2020.01.{at:02d}.919183-p{at}%{at}.png": encoded(gray, "PNG"),
        f"COVID-CT/CT_NonCOVID/{at}%1.jpg": jpeg(at + 24, "RGB"),
    }
    if at == 5:
        files["COVID-CT/CT_NonCOVID/99.jpg"] = encoded(random_picture(at, 24, 24, 3), "JPEG")
    return files, []


def isic_2017(at: int) -> tuple[Files, list[Cells]]:
    name, folder = f"ISIC_{at:07d}", "ISIC-2017/ISIC-2017_Training_"
    return {
        f"{folder}Data/{name}.jpg": encoded(random_picture(at, 32, 40, 3), "JPEG"),
        f"{folder}Part1_GroundTruth/{name}_segmentation.png": box(32, 40),
    }, [{"image_id": name, "melanoma": float(at % 3 == 0), "keratosis": float(at % 3 == 1)}]


def ham(at: int) -> tuple[Files, list[Cells]]:
    name = f"ISIC_{at + 24306:07d}"
    row: Cells = {"lesion_id": f"HAM_{at // 2}", "image_id": name, "dx": ("mel", "nv")[at // 2 % 2]}
    place = f"HAM10000/HAM10000_images_part_{1 + at % 2}/{name}.png"
    return {place: png(at, 24, 24, 3)}, [{**row, "dx_type": "histo", "age": 50.0, "sex": "male"}]


def isic_2018(at: int) -> tuple[Files, list[Cells]]:
    classes = {name: float(at % 3 == number) for number, name in enumerate(("MEL", "NV", "BCC"))}
    return ham(at)[0], [{"image": f"ISIC_{at + 24306:07d}", **classes}]


def chexpert(at: int) -> tuple[Files, list[Cells]]:
    name = f"CheXpert-v1.0-small/train/patient{at:05d}/study1/view1_frontal.png"
    return {name: png(at)}, [
        {"Path": name, "Sex": "Female", "Edema": ("1.0", "0.0", "", "-1.0")[at % 4]}
    ]


def cbis(at: int) -> tuple[Files, list[Cells]]:
    """Cells of names end with a line's end."""
    patient = f"P_{at // 2:05d}"
    name = f"Mass-Training_{patient}_LEFT_CC_{at % 2 + 1}/1.3.6.{at}/1.3.7.{at}/000000.dcm"
    kind = ("BENIGN", "MALIGNANT", "BENIGN_WITHOUT_CALLBACK")[at % 3]
    row = {"patient_id": patient, "abnormality id": at % 2 + 1, "pathology": kind}
    return {f"CBIS-DDSM/{name}": dicom(at)}, [row | {"cropped image file path": f"{name}\n"}]


def vindr(at: int) -> tuple[Files, list[Cells]]:
    study, image = f"study{at // 4}", f"{at:032x}"
    row = {"study_id": study, "image_id": image, "laterality": "LR"[at % 2]}
    row |= {"breast_birads": f"BI-RADS {at // 4 % 2 + 1}"}
    row |= {"split": "training" if at // 8 % 3 else "test"}
    return {f"vindr-mammo/images/{study}/{image}.dicom": dicom(at)}, [row]


def rsna(at: int) -> tuple[Files, list[Cells]]:
    """A row for each box, one without a box of the healthy."""
    name = f"{at:08x}"
    sick = {"patientId": name, "x": 3.0, "y": 4.0, "width": 6.0, "height": 5.0, "Target": 1}
    rows: list[Cells] = [sick, sick | {"x": 12.0}] if at % 2 else [{"patientId": name, "Target": 0}]
    return {f"stage_2_train_images/{name}.dcm": dicom(at)}, rows


def brats(at: int) -> tuple[Files, list[Cells]]:
    name = f"BraTS20_Training_{at:03d}"
    files = {
        f"BraTS/{name}/{name}_{kind}.nii": nifti(10 * at + number)
        for number, kind in enumerate(("flair", "t1", "t1ce", "t2"))
    }
    files[f"BraTS/{name}/{name}_seg.nii"] = nifti(at, 1, 2, 4)
    return files, [{"Grade": ("HGG", "LGG")[at % 2], "BraTS_2020_subject_ID": name}]


def totalsegmentator(at: int) -> tuple[Files, list[Cells]]:
    name = f"s{at:04d}"
    folder = f"Totalsegmentator_dataset/{name}"
    return {
        f"{folder}/ct.nii.gz": gzip.compress(nifti(at)),
        f"{folder}/segmentations/liver.nii.gz": gzip.compress(nifti(at, 1)),
        f"{folder}/segmentations/spleen.nii.gz": gzip.compress(nifti(at, 0, 0, 1)),
    }, [{"image_id": name, "gender": "mf"[at % 2]}]


def hecktor(at: int) -> tuple[Files, list[Cells]]:
    patient = f"CHUM-{at:03d}"
    files = {
        f"hecktor/imagesTr/{patient}__{modality}.nii.gz": gzip.compress(nifti(10 * at + number))
        for number, modality in enumerate(("CT", "PT"))
    }
    files[f"hecktor/labelsTr/{patient}.nii.gz"] = gzip.compress(nifti(at, 1, 2))
    return files, [{"PatientID": patient, "Relapse": at % 2}]


def bids(at: int) -> tuple[Files, list[Cells]]:
    patient = f"sub-{at:02d}"
    drawn = f"{patient}/anat/{patient}_space-T1w_label-lesion_mask.nii.gz"
    return {
        f"bids/{patient}/anat/{patient}_T1w.nii.gz": gzip.compress(nifti(at)),
        f"bids/derivatives/lesions/{drawn}": gzip.compress(nifti(at, 1)),
    }, [{"participant_id": patient, "group": ("patient", "control")[at % 2]}]


def luna(at: int) -> tuple[Files, list[Cells]]:
    """Scans as header and voxels; every other one has a nodule, in mm."""
    name = f"1.3.6.1.4.1.14519.{at}"
    voxels = np.random.default_rng(at).normal(-600, 50, (10, 16, 18)).astype("<i2")
    header = (
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
        "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = -10 -20 5\nElementSpacing = .7 .7 2.5\n"
        f"DimSize = 18 16 10\nElementType = MET_SHORT\nElementDataFile = {name}.raw\n"
    )
    folder = f"luna16/subset{at % 3}/{name}"
    nodule = {"seriesuid": name, "coordX": -4.4, "coordY": -15.1, "coordZ": 15, "diameter_mm": 4.2}
    files = {f"{folder}.mhd": header.encode(), f"{folder}.raw": voxels.tobytes()}
    return files, [nodule] if at % 2 else []


def lidc(at: int) -> tuple[Files, list[Cells]]:
    patient = f"LIDC-IDRI-{at:04d}"
    values = np.random.default_rng(at).normal(-600, 50, (6, 16, 18))
    folder = f"LIDC-IDRI/{patient}/01-01-2000-{at}/3000-{at}"
    slices = dict(series_files(values, series=f"1.2.{at}"))
    slices["069.xml"] = b"<?xml version='1.0'?><LidcReadMessage/>"
    row = {"TCIA Patient ID": patient, "Diagnosis": ("1", "2")[at % 2]}
    return {f"{folder}/{name}": content for name, content in slices.items()}, [row]


def medmnist(place: Path) -> None:
    generator = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for part, number in (("train", 24), ("val", 8), ("test", 8)):
        arrays[f"{part}_images"] = generator.integers(0, 256, (number, 28, 28), np.uint8)
        arrays[f"{part}_labels"] = (np.arange(number) % 2)[:, None].astype(np.uint8)
    np.savez(place / "breastmnist.npz", **arrays)


STAND_INS = {
    "BUSI": StandIn(
        "check Dataset_BUSI_with_GT --classes benign malignant --positive malignant --masks "
        "regions --mask-grid resample",
        (
            "all 25 unknown",
            "region, pixels",
            "Left out, of classes that --classes does not name: 5 of `normal`",
            "1 of 25 images are in colour or have transparent pixels",
        ),
        whole=lambda place: write_busi(place / "Dataset_BUSI_with_GT"),
    ),
    "BUSI, three classes": StandIn(
        "check Dataset_BUSI_with_GT --masks leave-out",
        (
            "all 30 unknown",
            "normal 5",
        ),
        whole=lambda place: write_busi(place / "Dataset_BUSI_with_GT"),
    ),
    "brain MR": StandIn(
        "check brain_tumor_dataset --positive yes --copies drop",
        (
            "all 64 unknown",
            "7 of 64 images are in colour or have transparent pixels",
            "4 of 64 cases are left out as copies",
            "2 of them have copies with another label",
        ),
        whole=lambda place: write_brains(place / "brain_tumor_dataset"),
    ),
    "brain MR, four classes": StandIn(
        "check archive --copies drop",
        (
            "12 of 108 cases are left out as copies",
            "12 of them are copies of test cases",
        ),
        case=brains_of_four_classes,
        number=96,
    ),
    "chest X-ray": StandIn(
        "check chest_xray --positive PNEUMONIA --copies drop",
        (
            "all 69 unknown 40 16 13",
            "1 of them are copies of test cases",
        ),
        case=chest,
        number=68,
    ),
    "Montgomery": StandIn(
        "check MontgomerySet --pattern 'CXR_png/{any}_{patient}_{label}.png' --mask-pattern "
        "'ManualMask/{any}Mask/{any}_{patient}_{any}.png' --positive 1",
        (
            "all 24 24",
            "region, pixels",
        ),
        case=montgomery,
    ),
    "Shenzhen": StandIn(
        "check ChinaSet --pattern 'CXR_png/{any}_{patient}_{label}.png' --positive 1 "
        "--mask-pattern 'mask/{any}_{patient}_{any}_mask.png' --ignore-unlisted",
        (
            "all 20 20",
            "Left out, no mask: CXR_png/CHNCXR_0001_0.png",
        ),
        case=shenzhen,
    ),
    "COVID-CT": StandIn(
        "check COVID-CT --positive CT_COVID",
        (
            "all 49 unknown",
            "CT_NonCOVID 25",
        ),
        case=covid,
    ),
    "ISIC 2017": StandIn(
        "check ISIC-2017 ISIC-2017_Training_Part3_GroundTruth.csv --label melanoma --positive "
        "1 --masks regions",
        (
            "all 24 unknown",
            "region, pixels",
        ),
        case=isic_2017,
        table="ISIC-2017_Training_Part3_GroundTruth.csv",
    ),
    "HAM10000": StandIn(
        "check HAM10000 HAM10000_metadata.csv --label dx --patient lesion_id --positive mel",
        (
            "all 24 12",
            "`ISIC_0024306` as `HAM10000_images_part_1/ISIC_0024306.png`",
        ),
        case=ham,
        table="HAM10000_metadata.csv",
    ),
    "ISIC 2018": StandIn(
        "check HAM10000 GroundTruth.csv --label MEL,NV,BCC",
        (
            "MEL 8",
            "BCC 8",
        ),
        case=isic_2018,
        table="GroundTruth.csv",
    ),
    "CheXpert": StandIn(
        "check CheXpert-v1.0-small train.csv --label Edema --positive 1 --missing -1.0 "
        "--empty-label leave-out",
        (
            "12 of 24 rows have no label; they are left out",
            "all 12 unknown",
        ),
        case=chexpert,
        table="train.csv",
    ),
    "CBIS-DDSM": StandIn(
        "check CBIS-DDSM mass_case_description_train_set.csv --label pathology --file "
        "'cropped image file path'",
        ("all 24 12",),
        case=cbis,
        table="mass_case_description_train_set.csv",
    ),
    "VinDr-Mammo": StandIn(
        "check vindr-mammo breast-level_annotations.csv --label breast_birads --patient "
        "study_id --positive 'BI-RADS 2'",
        ("all 48 12 32 16",),
        case=vindr,
        table="breast-level_annotations.csv",
        number=48,
    ),
    "RSNA pneumonia": StandIn(
        "check stage_2_train_images stage_2_train_labels.csv --file patientId --patient "
        "patientId --label Target --positive 1",
        (
            "all 24 24",
            "12 rows repeat another one",
        ),
        case=rsna,
        table="stage_2_train_labels.csv",
    ),
    "RSNA pneumonia, places": StandIn(
        "check stage_2_train_images --pattern '{patient}.dcm' --marks "
        "stage_2_train_labels.csv --label lesion --positive present",
        (
            "24 lesions in 12 of 24 images",
            "all 24 24",
        ),
        case=rsna,
        table="stage_2_train_labels.csv",
    ),
    "BraTS": StandIn(
        "check BraTS name_mapping.csv --patient BraTS_2020_subject_ID --label-value all "
        "--pattern '{patient}/{patient}_{modality}.nii' --mask-pattern "
        "'{patient}/{patient}_seg.nii' --label Grade --positive HGG --images flair t1ce",
        (
            "all 12 12",
            "60",
        ),
        case=brats,
        table="name_mapping.csv",
        number=12,
    ),
    "TotalSegmentator": StandIn(
        "check Totalsegmentator_dataset meta.csv --patient image_id --label gender --positive "
        "f --pattern '{patient}/ct.nii.gz' --mask-pattern "
        "'{patient}/segmentations/liver.nii.gz' --ignore-unlisted",
        (
            "all 12 12",
            "region, mm³",
        ),
        case=totalsegmentator,
        table="meta.csv",
        number=12,
    ),
    "HECKTOR": StandIn(
        "check hecktor outcomes.csv --patient PatientID --label Relapse --positive 1 "
        "--pattern 'imagesTr/{patient}__{modality}.nii.gz' --mask-pattern "
        "'labelsTr/{patient}.nii.gz' --label-value 1 --images CT PT",
        ("all 12 12",),
        case=hecktor,
        table="outcomes.csv",
        number=12,
    ),
    "BIDS": StandIn(
        "check bids participants.csv --patient participant_id --label group --positive "
        "patient --pattern '{patient}/anat/{patient}_T1w.nii.gz' --mask-pattern "
        "'derivatives/lesions/{patient}/anat/{any}_mask.nii.gz'",
        ("all 12 12",),
        case=bids,
        table="participants.csv",
        number=12,
    ),
    "LUNA16": StandIn(
        "check luna16 --pattern 'subset{any}/{patient}.mhd' --marks annotations.csv --label "
        "lesion --positive present",
        (
            "6 lesions in 6 of 12 images",
            "all 12 12",
        ),
        case=luna,
        table="annotations.csv",
        number=12,
    ),
    "LIDC-IDRI": StandIn(
        "check LIDC-IDRI diagnosis.csv --patient 'TCIA Patient ID' --pattern "
        "'{patient}/{any}/{any}' --label Diagnosis --positive 2",
        ("all 12 12",),
        case=lidc,
        table="diagnosis.csv",
        number=12,
    ),
    "MedMNIST": StandIn(
        "check breastmnist.npz --positive 0",
        ("0 12 4 4",),
        whole=medmnist,
    ),
    "PyRadiomics": StandIn(
        "check features.csv outcome.csv --label death --positive 1 --similar-patients same",
        (
            "all 40 40",
            "Features (3): age",
        ),
        whole=write_features,
    ),
}


@pytest.mark.parametrize("name", STAND_INS)
def test_a_public_layout_passes_the_check_by_the_documented_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: Terminal
) -> None:
    stand_in = STAND_INS[name]
    stand_in.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    shown = [" ".join(text.split()) for text in terminal(shlex.split(stand_in.line)).splitlines()]
    for words in stand_in.shown:
        assert any(words in text for text in shown), (words, shown)


def test_matlabs_files_are_refused_by_name(tmp_path: Path, terminal: Terminal) -> None:
    for name in ("1", "2"):
        (tmp_path / "figshare" / name).mkdir(parents=True)
        (tmp_path / f"figshare/{name}/{name}.mat").write_bytes(b"MATLAB 7.3 MAT-file")
    assert "no image that can be read among 2 files, such as `1/1.mat`" in terminal(
        ["check", str(tmp_path / "figshare"), "--positive", "1"], 4
    )


def test_each_documented_line_is_one_of_these() -> None:
    page = Path(__file__).parents[2] / "docs/how-to/own-data.md"
    section = page.read_text(encoding="utf-8").split("### Public data sets")[1].split("###")[0]
    documented = re.findall(r"`(check [^`]+)`", section)
    assert len(documented) > 20
    lines = [stand_in.line for stand_in in STAND_INS.values()]
    for line in documented:
        words = shlex.split(line)
        assert any(set(words) <= {*shlex.split(known)} for known in lines), line


# A way in each: masks beside images, lesions, modalities with masks, an array file.
TO_A_REPORT = ("BUSI", "RSNA pneumonia, places", "BraTS", "MedMNIST")


@pytest.mark.parametrize("layout", TO_A_REPORT)
def test_a_public_layout_comes_to_a_report_by_the_same_line(layout: str, tmp_path: Path) -> None:
    stand_in = STAND_INS[layout]
    stand_in.write(tmp_path)
    words = [
        *shlex.split(stand_in.line)[1:],
        "--quick",
        "--networks",
        "none",
        "--project",
        "project",
    ]
    words += ["--features", "first_order"]
    if layout == "MedMNIST":  # the published file's own config is for that file alone
        words += ["--name", "own"]
    if "--marks" not in words:  # else finders, which the line chooses
        words += ["--baselines", "logistic_regression"]
    done = Project(tmp_path).run_line(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    report = (tmp_path / "project/reports/report.html").read_text()
    assert "<h1" in report
    assert "project/reports/report.html" in done.stdout
