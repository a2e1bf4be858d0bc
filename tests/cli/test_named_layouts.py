"""Public data sets as people download them, in stand-ins, by the line that the docs name."""

import csv
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK
from PIL import Image

from skiagram.cli.main import main
from tests.cli.test_feature_tables import write_features
from tests.cli.test_folders_as_they_come import write_brains, write_busi
from tests.datasets.own_folders import SIDE, dicom, encoded, film
from tests.pipeline.project import Project
from tests.readers.examples import series_files
from tests.terminal import Terminal

pytestmark = pytest.mark.slow
NUMBER = 24


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def table(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def png(at: int, side: int = SIDE) -> bytes:
    pixels = np.random.default_rng(at).integers(0, 256, (side, side), np.uint8)
    return encoded(Image.fromarray(pixels), "PNG")


def jpeg(at: int, mode: str = "L") -> bytes:
    return encoded(Image.fromarray(film(at)).convert(mode), "JPEG", quality=95)


def volume(path: Path, seed: int, labels: tuple[int, ...] = ()) -> None:
    generator = np.random.default_rng(seed)
    values = generator.normal(100, 20, (12, 14, 10)).astype(np.float32)
    if labels:
        values = np.zeros((12, 14, 10), np.uint8)
        for at, label in enumerate(labels):
            values[3 + at, 4:9, 3:7] = label
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(values, np.diag([1.0, 1.0, 2.0, 1.0])), path)


def busi(place: Path) -> None:
    write_busi(place / "Dataset_BUSI_with_GT")


def brain(place: Path) -> None:
    write_brains(place / "brain_tumor_dataset")


def brains_of_four_classes(place: Path) -> None:
    """Write `Training` and `Testing`; every other test picture lies in training too."""
    classes = ("glioma_tumor", "meningioma_tumor", "no_tumor", "pituitary_tumor")
    for at in range(4 * NUMBER):
        part = "Testing" if at < NUMBER else "Training"
        name = f"archive/{part}/{classes[at % 4]}/image({at}).jpg"
        write(place / name, jpeg(at))
    for at in range(0, NUMBER, 2):
        source = place / f"archive/Testing/{classes[at % 4]}/image({at}).jpg"
        shutil.copy(source, place / f"archive/Training/{classes[at % 4]}/image ({at}).jpg")


def chest(place: Path) -> None:
    """Write Kermany's folders: 16 pictures in `val`, RGB files among gray ones, a few doubled."""
    parts = ["train"] * 40 + ["val"] * 16 + ["test"] * 12
    for at, part in enumerate(parts):
        names = (
            f"IM-{at:04d}-0001.jpeg",
            f"person{at}_{('bacteria', 'virus')[at % 4 // 2]}_{at}.jpeg",
        )
        label = ("NORMAL", "PNEUMONIA")[at % 2]
        mode = "RGB" if at % 20 == 3 else "L"
        write(place / f"chest_xray/{part}/{label}/{names[at % 2]}", jpeg(at, mode))
    chest_xray = place / "chest_xray"
    copy = chest_xray / "test/NORMAL/NORMAL2-IM-0002-0001.jpeg"
    shutil.copy(chest_xray / "train/NORMAL/IM-0002-0001.jpeg", copy)


def montgomery(place: Path) -> None:
    """Write films whose names end with the class, and a mask for each lung."""
    rows, columns = np.mgrid[:32, :32]
    for at in range(NUMBER):
        name = f"MCUCXR_{at + 1:04d}_{at % 2}.png"
        write(place / f"MontgomerySet/CXR_png/{name}", png(at, 32))
        for side, centre in (("left", 9), ("right", 23)):
            lung = Image.fromarray(np.hypot(rows - 16, columns - centre) < 6)
            write(place / f"MontgomerySet/ManualMask/{side}Mask/{name}", encoded(lung, "PNG"))
        write(place / f"MontgomerySet/ClinicalReadings/{name[:-4]}.txt", b"Patient's Sex: F")


def shenzhen(place: Path) -> None:
    """Write films of which not all have a mask."""
    for at in range(NUMBER):
        name = f"CHNCXR_{at + 1:04d}_{at % 2}"
        write(place / f"ChinaSet/CXR_png/{name}.png", png(at, 32))
        if at % 7:
            lung = np.zeros((32, 32), np.uint8)
            lung[8:20, 4:28] = 255
            write(place / f"ChinaSet/mask/{name}_mask.png", encoded(Image.fromarray(lung), "PNG"))


def covid(place: Path) -> None:
    """Write COVID-CT's folders: PNG with an opaque alpha, JPEG in colour files, odd names."""
    for at in range(NUMBER):
        gray = Image.fromarray(film(at))
        sick = f"COVID-CT/CT_COVID/2020.01.{at:02d}.919183-p{at}%{at}.png"
        write(place / sick, encoded(gray.convert("RGBA" if at % 2 else "RGB"), "PNG"))
        write(place / f"COVID-CT/CT_NonCOVID/{at}%1.jpg", jpeg(at + NUMBER, "RGB"))
    colour = np.random.default_rng(5).integers(0, 256, (24, 24, 3), np.uint8)
    write(place / "COVID-CT/CT_NonCOVID/99.jpg", encoded(Image.fromarray(colour), "JPEG"))


def isic_2017(place: Path) -> None:
    """Write photographs, the super pixels and segmentations beside them, and a table."""
    rows: list[dict[str, object]] = []
    for at in range(NUMBER):
        name = f"ISIC_{at:07d}"
        colour = np.random.default_rng(at).integers(0, 256, (32, 40, 3), np.uint8)
        data = place / "ISIC-2017/ISIC-2017_Training_Data"
        write(data / f"{name}.jpg", encoded(Image.fromarray(colour), "JPEG"))
        drawn = np.zeros((32, 40), np.uint8)
        drawn[8:20, 9:30] = 255
        truth = place / "ISIC-2017/ISIC-2017_Training_Part1_GroundTruth"
        write(truth / f"{name}_segmentation.png", encoded(Image.fromarray(drawn), "PNG"))
        rows.append(
            {"image_id": name, "melanoma": float(at % 3 == 0),
             "seborrheic_keratosis": float(at % 3 == 1)}
        )  # fmt: skip
    table(place / "ISIC-2017_Training_Part3_GroundTruth.csv", rows)


def ham(place: Path) -> None:
    rows: list[dict[str, object]] = []
    for at in range(NUMBER):
        name, part = f"ISIC_{at + 24306:07d}", 1 + at % 2
        colour = np.random.default_rng(at).integers(0, 256, (24, 24, 3), np.uint8)
        path = place / f"HAM10000/HAM10000_images_part_{part}/{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(colour).save(path)
        rows.append(
            {"lesion_id": f"HAM_{at // 2:07d}", "image_id": name, "dx": ("mel", "nv")[at // 2 % 2],
             "dx_type": "histo", "age": 50.0, "sex": "male", "localization": "back"}
        )  # fmt: skip
    table(place / "HAM10000_metadata.csv", rows)


def isic(place: Path) -> None:
    ham(place)
    rows: list[dict[str, object]] = [
        {"image": f"ISIC_{at + 24306:07d}", "MEL": float(at % 3 == 0), "NV": float(at % 3 == 1),
         "BCC": float(at % 3 == 2)}
        for at in range(NUMBER)
    ]  # fmt: skip
    table(place / "GroundTruth.csv", rows)


def chexpert(place: Path) -> None:
    rows: list[dict[str, object]] = []
    for at in range(NUMBER):
        name = f"train/patient{at:05d}/study1/view1_frontal.png"
        write(place / "CheXpert-v1.0-small" / name, png(at))
        cell = ("1.0", "0.0", "", "-1.0")[at % 4]
        rows.append({"Path": f"CheXpert-v1.0-small/{name}", "Sex": "Female", "Edema": cell})
    table(place / "train.csv", rows)


def cbis(place: Path) -> None:
    rows: list[dict[str, object]] = []
    for at in range(NUMBER):
        folder = f"Mass-Training_P_{at // 2:05d}_LEFT_CC_{at % 2 + 1}/1.3.6.{at}/1.3.7.{at}"
        write(place / f"CBIS-DDSM/{folder}/000000.dcm", dicom(at))
        kind = ("BENIGN", "MALIGNANT", "BENIGN_WITHOUT_CALLBACK")[at % 3]
        rows.append(
            {"patient_id": f"P_{at // 2:05d}", "abnormality id": at % 2 + 1, "pathology": kind,
             "cropped image file path": f"{folder}/000000.dcm\n"}
        )  # fmt: skip
    table(place / "mass_case_description_train_set.csv", rows)


def vindr(place: Path) -> None:
    rows: list[dict[str, object]] = []
    for at in range(2 * NUMBER):
        study, image = f"study{at // 4}", f"{at:032x}"
        write(place / f"vindr-mammo/images/{study}/{image}.dicom", dicom(at))
        rows.append(
            {"study_id": study, "image_id": image, "laterality": "LR"[at % 2],
             "breast_birads": f"BI-RADS {at // 4 % 2 + 1}",
             "split": "training" if at // 8 % 3 else "test"}
        )  # fmt: skip
    table(place / "breast-level_annotations.csv", rows)


def rsna(place: Path) -> None:
    rows: list[dict[str, object]] = []
    for at in range(NUMBER):
        write(place / f"stage_2_train_images/{at:08x}.dcm", dicom(at))
        row = {"patientId": f"{at:08x}", "x": "", "y": "", "width": "", "height": "", "Target": 0}
        if at % 2:
            box = {"x": 3.0, "y": 4.0, "width": 6.0, "height": 5.0, "Target": 1}
            rows += [row | box, row | box | {"x": 12.0}]
        else:
            rows.append(row)
    table(place / "stage_2_train_labels.csv", rows)


def brats(place: Path) -> None:
    rows: list[dict[str, object]] = []
    for at in range(NUMBER // 2):
        name = f"BraTS20_Training_{at:03d}"
        for number, kind in enumerate(("flair", "t1", "t1ce", "t2")):
            volume(place / f"BraTS/{name}/{name}_{kind}.nii", 10 * at + number)
        volume(place / f"BraTS/{name}/{name}_seg.nii", at, (1, 2, 4))
        rows.append({"Grade": ("HGG", "LGG")[at % 2], "BraTS_2020_subject_ID": name})
    table(place / "name_mapping.csv", rows)


def totalsegmentator(place: Path) -> None:
    rows: list[dict[str, object]] = []
    for at in range(NUMBER // 2):
        folder = place / f"Totalsegmentator_dataset/s{at:04d}"
        volume(folder / "ct.nii.gz", at)
        volume(folder / "segmentations/liver.nii.gz", at, (1,))
        volume(folder / "segmentations/spleen.nii.gz", at, (0, 0, 1))
        rows.append({"image_id": folder.name, "gender": "mf"[at % 2]})
    table(place / "meta.csv", rows)


def hecktor(place: Path) -> None:
    rows: list[dict[str, object]] = []
    for at in range(NUMBER // 2):
        patient = f"CHUM-{at:03d}"
        for number, modality in enumerate(("CT", "PT")):
            name = place / f"hecktor/imagesTr/{patient}__{modality}.nii.gz"
            volume(name, 10 * at + number)
        volume(place / f"hecktor/labelsTr/{patient}.nii.gz", at, (1, 2))
        rows.append({"PatientID": patient, "Relapse": at % 2})
    table(place / "outcomes.csv", rows)


def bids(place: Path) -> None:
    rows: list[dict[str, object]] = []
    for at in range(NUMBER // 2):
        patient = f"sub-{at:02d}"
        volume(place / f"bids/{patient}/anat/{patient}_T1w.nii.gz", at)
        drawn = f"{patient}_space-T1w_label-lesion_mask.nii.gz"
        volume(place / f"bids/derivatives/lesions/{patient}/anat/{drawn}", at, (1,))
        rows.append({"participant_id": patient, "group": ("patient", "control")[at % 2]})
    table(place / "participants.csv", rows)


def medmnist(place: Path) -> None:
    generator = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for part, number in (("train", 24), ("val", 8), ("test", 8)):
        arrays[f"{part}_images"] = generator.integers(0, 256, (number, 28, 28), np.uint8)
        arrays[f"{part}_labels"] = (np.arange(number) % 2)[:, None].astype(np.uint8)
    np.savez(place / "breastmnist.npz", **arrays)


def features(place: Path) -> None:
    write_features(place)


def luna(place: Path) -> None:
    rows: list[dict[str, object]] = []
    for at in range(NUMBER // 2):
        name = f"1.3.6.1.4.1.14519.{at}"
        values = np.random.default_rng(at).normal(-600, 50, (10, 16, 18)).astype(np.int16)
        image = SimpleITK.GetImageFromArray(values)
        image.SetSpacing((0.7, 0.7, 2.5))
        image.SetOrigin((-10.0, -20.0, 5.0))
        (place / f"luna16/subset{at % 3}").mkdir(parents=True, exist_ok=True)
        SimpleITK.WriteImage(image, str(place / f"luna16/subset{at % 3}/{name}.mhd"))
        if at % 2:
            x, y, z = image.TransformContinuousIndexToPhysicalPoint((8.0, 7.0, 4.0))
            rows.append(
                {"seriesuid": name, "coordX": x, "coordY": y, "coordZ": z, "diameter_mm": 4.2}
            )
    table(place / "annotations.csv", rows)


def lidc(place: Path) -> None:
    rows: list[dict[str, object]] = []
    for at in range(NUMBER // 2):
        patient = f"LIDC-IDRI-{at:04d}"
        values = np.random.default_rng(at).normal(-600, 50, (6, 16, 18))
        folder = place / f"LIDC-IDRI/{patient}/01-01-2000-{at}/3000-{at}"
        for name, content in series_files(values, series=f"1.2.{at}"):
            write(folder / name, content)
        write(folder / "069.xml", b"<?xml version='1.0'?><LidcReadMessage/>")
        rows.append({"TCIA Patient ID": patient, "Diagnosis": ("1", "2")[at % 2]})
    table(place / "diagnosis.csv", rows)


CHECKED: dict[str, tuple[Callable[[Path], None], str, list[str]]] = {
    "BUSI": (
        busi,
        "check Dataset_BUSI_with_GT --classes benign malignant --positive malignant "
        "--masks regions --mask-grid resample",
        [
            "all 25 unknown",
            "region, pixels",
            "Left out, of classes that --classes does not name: 5 of `normal`",
            "1 of 25 images are in colour or have transparent pixels",
        ],
    ),
    "BUSI, three classes": (
        busi,
        "check Dataset_BUSI_with_GT --masks leave-out",
        ["all 30 unknown", "normal 5"],
    ),
    "brain MR": (
        brain,
        "check brain_tumor_dataset --positive yes --copies drop",
        [
            "all 64 unknown",
            "7 of 64 images are in colour or have transparent pixels",
            "4 of 64 cases are left out as copies",
            "2 of them have copies with another label",
        ],
    ),
    "brain MR, four classes": (
        brains_of_four_classes,
        "check archive --copies drop",
        ["12 of 108 cases are left out as copies", "12 of them are copies of test cases"],
    ),
    "chest X-ray": (
        chest,
        "check chest_xray --positive PNEUMONIA --copies drop",
        ["all 69 unknown 40 16 13", "1 of them are copies of test cases"],
    ),
    "Montgomery": (
        montgomery,
        "check MontgomerySet --pattern 'CXR_png/{any}_{patient}_{label}.png' "
        "--mask-pattern 'ManualMask/{any}Mask/{any}_{patient}_{any}.png' --positive 1",
        ["all 24 24", "region, pixels"],
    ),
    "Shenzhen": (
        shenzhen,
        "check ChinaSet --pattern 'CXR_png/{any}_{patient}_{label}.png' --positive 1 "
        "--mask-pattern 'mask/{any}_{patient}_{any}_mask.png' --ignore-unlisted",
        ["all 20 20", "Left out, no mask: CXR_png/CHNCXR_0001_0.png"],
    ),
    "COVID-CT": (covid, "check COVID-CT --positive CT_COVID", ["all 49 unknown", "CT_NonCOVID 25"]),
    "ISIC 2017": (
        isic_2017,
        "check ISIC-2017 ISIC-2017_Training_Part3_GroundTruth.csv --label melanoma --positive 1 "
        "--masks regions",
        ["all 24 unknown", "region, pixels"],
    ),
    "HAM10000": (
        ham,
        "check HAM10000 HAM10000_metadata.csv --label dx --patient lesion_id --positive mel",
        ["all 24 12", "`ISIC_0024306` as `HAM10000_images_part_1/ISIC_0024306.png`"],
    ),
    "ISIC 2018": (isic, "check HAM10000 GroundTruth.csv --label MEL,NV,BCC", ["MEL 8", "BCC 8"]),
    "CheXpert": (
        chexpert,
        "check CheXpert-v1.0-small train.csv --label Edema --positive 1 --missing -1.0 "
        "--empty-label leave-out",
        ["12 of 24 rows have no label; they are left out", "all 12 unknown"],
    ),
    "CBIS-DDSM": (
        cbis,
        "check CBIS-DDSM mass_case_description_train_set.csv --label pathology "
        "--file 'cropped image file path'",
        ["all 24 12"],
    ),
    "VinDr-Mammo": (
        vindr,
        "check vindr-mammo breast-level_annotations.csv --label breast_birads "
        "--patient study_id --positive 'BI-RADS 2'",
        ["all 48 12 32 16"],
    ),
    "RSNA pneumonia": (
        rsna,
        "check stage_2_train_images stage_2_train_labels.csv --file patientId "
        "--patient patientId --label Target --positive 1",
        ["all 24 24", "12 rows repeat another one"],
    ),
    "RSNA pneumonia, places": (
        rsna,
        "check stage_2_train_images --pattern '{patient}.dcm' --marks stage_2_train_labels.csv "
        "--label lesion --positive present",
        ["24 lesions in 12 of 24 images", "all 24 24"],
    ),
    "BraTS": (
        brats,
        "check BraTS name_mapping.csv --patient BraTS_2020_subject_ID --label-value all "
        "--pattern '{patient}/{patient}_{modality}.nii' "
        "--mask-pattern '{patient}/{patient}_seg.nii' "
        "--label Grade --positive HGG --images flair t1ce",
        ["all 12 12", "60"],
    ),
    "TotalSegmentator": (
        totalsegmentator,
        "check Totalsegmentator_dataset meta.csv --patient image_id --label gender --positive f "
        "--pattern '{patient}/ct.nii.gz' --mask-pattern '{patient}/segmentations/liver.nii.gz' "
        "--ignore-unlisted",
        ["all 12 12", "region, mm³"],
    ),
    "HECKTOR": (
        hecktor,
        "check hecktor outcomes.csv --patient PatientID --label Relapse --positive 1 "
        "--pattern 'imagesTr/{patient}__{modality}.nii.gz' "
        "--mask-pattern 'labelsTr/{patient}.nii.gz' --label-value 1 --images CT PT",
        ["all 12 12"],
    ),
    "BIDS": (
        bids,
        "check bids participants.csv --patient participant_id --label group --positive patient "
        "--pattern '{patient}/anat/{patient}_T1w.nii.gz' "
        "--mask-pattern 'derivatives/lesions/{patient}/anat/{any}_mask.nii.gz'",
        ["all 12 12"],
    ),
    "LUNA16": (
        luna,
        "check luna16 --pattern 'subset{any}/{patient}.mhd' --marks annotations.csv "
        "--label lesion --positive present",
        ["6 lesions in 6 of 12 images", "all 12 12"],
    ),
    "LIDC-IDRI": (
        lidc,
        "check LIDC-IDRI diagnosis.csv --patient 'TCIA Patient ID' "
        "--pattern '{patient}/{any}/{any}' --label Diagnosis --positive 2",
        ["all 12 12"],
    ),
    "MedMNIST": (medmnist, "check breastmnist.npz --positive 0", ["0 12 4 4"]),
    "PyRadiomics": (
        features,
        "check features.csv outcome.csv --label death --positive 1 --similar-patients same",
        ["all 40 40", "Features (3): age"],
    ),
}


@pytest.mark.parametrize("layout", CHECKED)
def test_a_public_layout_passes_the_check_by_the_documented_line(
    layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_layout, line, expected = CHECKED[layout]
    write_layout(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(line)) == 0, capsys.readouterr()
    shown = [" ".join(text.split()) for text in capsys.readouterr().out.splitlines()]
    for words_of_line in expected:
        assert any(words_of_line in text for text in shown), (words_of_line, shown)


def test_matlabs_files_are_refused_by_name(tmp_path: Path, terminal: Terminal) -> None:
    write(tmp_path / "figshare/1/1.mat", b"MATLAB 7.3 MAT-file, Platform: GLNXA64")
    write(tmp_path / "figshare/2/2.mat", b"MATLAB 7.3 MAT-file, Platform: GLNXA64")
    assert "no image that can be read among 2 files, such as `1/1.mat`" in terminal(
        ["check", str(tmp_path / "figshare"), "--positive", "1"], 4
    )


def test_each_documented_line_is_one_of_these() -> None:
    page = Path(__file__).parents[2] / "docs/how-to/own-data.md"
    section = page.read_text(encoding="utf-8").split("### Public data sets")[1].split("###")[0]
    documented = re.findall(r"`(check [^`]+)`", section)
    assert len(documented) > 20
    lines = [line for _, line, _ in CHECKED.values()]
    for line in documented:
        words = shlex.split(line)
        assert any(set(words) <= {*shlex.split(known)} for known in lines), line


# A way in each: masks beside images, lesions, modalities with masks, an array file.
TO_A_REPORT = ("BUSI", "RSNA pneumonia, places", "BraTS", "MedMNIST")


@pytest.mark.parametrize("layout", TO_A_REPORT)
def test_a_public_layout_comes_to_a_report_by_the_same_line(layout: str, tmp_path: Path) -> None:
    write_layout, line, _ = CHECKED[layout]
    write_layout(tmp_path)
    words = [*shlex.split(line)[1:], "--quick", "--networks", "none", "--project", "project"]
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
