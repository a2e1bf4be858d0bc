"""Public folders as they come, in stand-ins: masks beside images, gray in files of all kinds."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skiagram.cli.main import main
from skiagram.datasets.folder.source import Folder
from skiagram.image_store.store import ImageStore
from skiagram.steps.audit import audit_images
from tests.datasets.own_folders import initialised
from tests.datasets.sources import ingested
from tests.terminal import Terminal

pytestmark = pytest.mark.slow

MASKED = ["--positive", "malignant"]


def write_masked(folder: Path, number: int = 6) -> Path:
    """Write a folder as BUSI's: `benign (1).png`, `benign (1)_mask.png`, one with a second mask."""
    generator = np.random.default_rng(0)
    for label, radius in (("benign", 9), ("malignant", 14)):
        (folder / label).mkdir(parents=True)
        for at in range(1, number + 1):
            sides = generator.integers(48, 72, 2)
            rows, columns = np.mgrid[: sides[0], : sides[1]]
            inside = np.hypot(rows - sides[0] // 2, columns - sides[1] // 2) < radius
            pixels = (generator.normal(110, 25, sides) - 40 * inside).clip(0, 255).astype(np.uint8)
            name = folder / label / f"{label} ({at})"
            Image.fromarray(np.stack([pixels] * 3, -1)).save(f"{name}.png")
            left = inside & (columns < (sides[1] // 2 if at == 3 else sides[1]))
            Image.fromarray(left).save(f"{name}_mask.png")
            if at == 3:
                Image.fromarray(inside & ~left).save(f"{name}_mask_1.png")
    return folder


def write_busi(folder: Path, number: int = 30) -> Path:
    """Write a folder as BUSI's 780 pictures, each oddity in its share or once.

    56 % are benign, 27 % malignant, 17 % normal with a black mask; 17 images have a second mask and
    one a third; two pictures are in colour; masks may be RGB, or of another size.
    """
    generator = np.random.default_rng(0)
    shares = {"benign": 437, "malignant": 210, "normal": 133}
    for label, share in shares.items():
        (folder / label).mkdir(parents=True)
        for at in range(1, round(share * number / 780) + 1):
            sides = generator.integers(48, 72, 2)
            rows, columns = np.mgrid[: sides[0], : sides[1]]
            radius = {"benign": 9, "malignant": 14, "normal": 0}[label]
            inside = np.hypot(rows - sides[0] // 2, columns - sides[1] // 2) < radius
            pixels = (generator.normal(110, 25, sides) - 40 * inside).clip(0, 255).astype(np.uint8)
            colour = np.stack([pixels] * 3, -1)
            name = folder / label / f"{label} ({at})"
            if label == "malignant" and at <= max(1, number * 2 // 780):
                colour[:6, :20] = (250, 220, 10)  # a mark that the device draws
            Image.fromarray(colour).save(f"{name}.png")
            parts = [inside]
            if label == "benign" and at <= max(2, number * 17 // 780):
                parts = [inside & (columns < sides[1] // 2), inside & (columns >= sides[1] // 2)]
            if label == "benign" and at == 1:
                parts = [
                    parts[0],
                    parts[1] & (rows < sides[0] // 2),
                    parts[1] & (rows >= sides[0] // 2),
                ]
            for part, drawn in enumerate(parts):
                mask = Image.fromarray(drawn)
                if at == 3:
                    mask = mask.convert("RGB")
                if label == "malignant" and at == 2:
                    mask = Image.fromarray(drawn.repeat(2, 0).repeat(2, 1))
                mask.save(f"{name}_mask{'' if part == 0 else f'_{part}'}.png")
    return folder


def write_brains(folder: Path, number: int = 64) -> Path:
    """Write a folder as the one of 253 brain MR, each oddity in its share or once.

    155 are in `yes`, 98 in `no`, of sizes that no two share; 19 are in colour, one has alpha of 145
    to 255 in .8 % of its pixels; some are doubled under other names, one of them in both classes.
    """
    generator = np.random.default_rng(0)
    doubled = max(1, number // 60)  # in each class
    sick = round(number * 155 / 253) - doubled - 1
    coloured = round(number * 19 / 253)
    for at in range(number - 2 * doubled - 1):
        label = "yes" if at < sick else "no"
        sides = generator.integers(60, 140, 2)
        rows, columns = np.mgrid[: sides[0], : sides[1]]
        spot = np.hypot(rows - sides[0] / 3, columns - sides[1] / 2) < 12
        pixels = generator.normal(90, 20, sides) + 60 * (label == "yes") * spot
        gray = Image.fromarray(pixels.clip(0, 240).astype(np.uint8))
        number_in_class = at + 1 if at < sick else at - sick + 1
        ending = ("jpg", "jpg", "JPG", "jpeg", "png")[at % 5]
        stem = f"Y{number_in_class}" if label == "yes" else f"{number_in_class} no"
        if label == "no" and at % 7 == 0:
            stem = f"no {number_in_class}"
        place = folder / label
        place.mkdir(parents=True, exist_ok=True)
        path = place / f"{stem}.{ending}"
        if at == sick + 2:
            alpha = np.full(gray.size[::-1], 255, np.uint8)
            alpha[:, 0] = 145
            clear = gray.convert("RGBA")
            clear.putalpha(Image.fromarray(alpha))
            clear.save(path.with_suffix(".png"))
        elif at % (number // coloured) == 1:
            colour = np.asarray(gray.convert("RGB")).copy()
            colour[5:15, 5:25] = (250, 30, 30)  # somebody's arrow
            Image.fromarray(colour).save(path, quality=95)
        elif at % 4 == 3 and ending != "png":
            warm = np.asarray(gray.convert("RGB")) + np.array([2, 0, 1], np.uint8)
            Image.fromarray(warm).save(path, quality=95, subsampling=2)
        elif at % 4 == 3:
            gray.convert("RGBA").save(path)
        else:
            (gray if at % 4 == 2 else gray.convert("RGB")).save(path, quality=95)
    for at in range(doubled):
        shutil.copy(sorted((folder / "yes").iterdir())[8 * at], folder / f"yes/Y{400 + at}.jpg")
        shutil.copy(sorted((folder / "no").iterdir())[8 * at], folder / f"no/no {400 + at}.jpg")
    shutil.copy(sorted((folder / "no").iterdir())[3], folder / "yes/Y500.jpg")
    return folder


def test_masks_beside_images_stop_check_and_table_and_say_the_ways_on(
    tmp_path: Path, terminal: Terminal
) -> None:
    folder = write_masked(tmp_path / "busi")
    table = ["table", str(folder), str(tmp_path / "t.csv"), "--pattern", "{label}/{patient}.png"]
    for line in (["check", str(folder), *MASKED], table):
        *_, error = terminal(line, 4).splitlines()
        assert "14 of 26 image files are masks by their names" in error
        assert "`benign/benign (1)_mask.png` of `benign/benign (1).png`" in error
        assert "`--masks regions`" in error
        assert "`--masks leave-out`" in error
    assert not (tmp_path / "t.csv").exists()
    for choice, images in (("leave-out", "12"), ("regions", "12"), ("images", "26")):
        shown = terminal(["check", str(folder), *MASKED, "--masks", choice], None)
        lines = [line.split() for line in shown.splitlines()]
        assert ["all", images, "unknown"] in lines
        assert any(line[:2] == ["region,", "pixels"] for line in lines) == (choice == "regions")


@pytest.mark.parametrize("listed", ["in folders", "in a table", "by `table`", "under a key"])
def test_masks_become_the_regions_and_those_of_one_image_are_united(
    listed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_masked(tmp_path / "busi")
    words = [str(folder), *MASKED, "--masks", "regions"]
    if listed == "in a table":
        with (tmp_path / "busi.csv").open("w") as file:
            rows = [[f"{path.parent.name}/{path.name}", path.parent.name]
                    for path in folder.rglob("*).png")]  # fmt: skip
            csv.writer(file).writerows([["file", "label"], *rows])
        words.insert(1, str(tmp_path / "busi.csv"))
    if listed == "under a key":
        (tmp_path / "key").write_text("0123456789abcdef")
        words += ["--patient-key", str(tmp_path / "key")]
    if listed == "by `table`":
        table = str(tmp_path / "busi.csv")
        pattern = ["--pattern", "{label}/{patient}.png", "--masks", "regions"]
        assert main(["table", str(folder), table, *pattern]) == 0
        words = [str(folder), table, *MASKED]
    source = initialised(tmp_path / "project", monkeypatch, *words)
    folders, cases = ingested(source, tmp_path / "out", "cv")
    store = ImageStore(folders.images)
    found = {}
    for case in cases.case_id:
        region = store.region(case)
        assert region is not None
        found[store.image(case).tobytes()] = region.inside
    for label, radius in (("benign", 9), ("malignant", 14)):
        pixels = np.asarray(Image.open(folder / label / f"{label} (3).png"))[..., 0]
        rows, columns = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
        centre = [side // 2 for side in pixels.shape]
        drawn = np.hypot(rows - centre[0], columns - centre[1]) < radius
        np.testing.assert_array_equal(found[np.ascontiguousarray(pixels).tobytes()], drawn)


def test_masks_that_are_left_out_stay_out_and_other_files_are_still_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_masked(tmp_path / "busi")
    words = [str(folder), *MASKED, "--masks", "leave-out"]
    source = initialised(tmp_path / "project", monkeypatch, *words)
    assert "14 masks of 12 images" in capsys.readouterr().err
    assert isinstance(source, Folder)
    assert len(source.open(None).entries()) == 12
    Image.new("L", (50, 50), 3).save(folder / "benign/benign (99).png")
    with pytest.raises(Exception, match=r"benign \(99\)\.png: an image without a row"):
        source.open(None)


def test_an_image_without_its_mask_is_named_where_masks_are_regions(
    tmp_path: Path, terminal: Terminal
) -> None:
    folder = write_masked(tmp_path / "busi")
    (folder / "benign/benign (5)_mask.png").unlink()
    error = terminal(["check", str(folder), *MASKED, "--masks", "regions"], 4)
    assert (
        "1 of 12 images have no mask by their names, for example `benign/benign (5).png`" in error
    )
    with (tmp_path / "busi.csv").open("w") as file:
        csv.writer(file).writerows([["file", "label", "mask"], ["a.png", "benign", "b.png"]])
    line = ["check", str(folder), str(tmp_path / "busi.csv"), "--masks", "regions"]
    assert "the table names masks in its column `mask`" in terminal(line, 2)


def test_gray_in_files_of_all_kinds_is_counted_and_runs(tmp_path: Path, terminal: Terminal) -> None:
    folder = write_brains(tmp_path / "brains")
    shown = terminal(["check", str(folder), "--positive", "yes"])
    assert "12 of 64 images hold gray in three channels" in shown
    assert "7 of 64 images are in colour or have transparent pixels" in shown
    assert "`no/1 no.JPG`" in shown
    assert "1 of 64 images have transparent pixels; they are laid on black" in shown
    colour = np.random.default_rng(1).integers(0, 256, (80, 80, 3), dtype=np.uint8)
    Image.fromarray(colour).save(folder / "no/no 10.jpg")
    shown = terminal(["check", str(folder), "--positive", "yes", "--gray", "refuse"], 4)
    assert "a colour image. Allowed: gray" in shown
    assert "no/3 no.png: transparent pixels" in shown
    assert "7 of 65 images are in colour; they are turned gray" in terminal(
        ["check", str(folder), "--positive", "yes", "--gray"]
    )


def test_images_without_a_lesion_are_left_out_and_a_class_of_them_says_the_ways_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    terminal: Terminal,
) -> None:
    folder = write_busi(tmp_path / "busi")
    line = ["check", str(folder), "--masks", "regions", "--mask-grid", "resample"]
    shown = terminal(line, 4)
    assert "no image of the class `normal` has a lesion: 5 masks are empty" in shown
    assert "`--classes benign malignant` leaves it out" in shown
    assert "did you mean `malignant`?" in terminal([*line, "--classes", "benign", "malignat"], 2)
    Image.new("L", Image.open(folder / "benign/benign (4).png").size).save(
        folder / "benign/benign (4)_mask.png"
    )
    words = [*line[1:], "--classes", "benign", "malignant", *MASKED]
    source = initialised(tmp_path / "project", monkeypatch, *words)
    told = capsys.readouterr().out
    assert "Left out, without a lesion in their masks: 1 of `benign`" in told
    folders, cases = ingested(source, tmp_path / "out", "cv")
    assert len(cases) == 24
    issues = (folders.cases / "card.json").read_text()  # they stand on the page
    assert "5 of 30 images or rows are of classes that `--classes` does not name" in issues
    assert "1 of 25 images or rows have no lesion in their masks" in issues


@pytest.mark.parametrize(("copies", "number"), [("drop", 60), ("join", 64)])
def test_copies_are_settled_by_ingest_as_by_check(
    copies: str,
    number: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    terminal: Terminal,
) -> None:
    folder = write_brains(tmp_path / "brains")
    with (tmp_path / "brains.csv").open("w") as file:  # a patient each, so that copies stop
        names = sorted(folder.rglob("*.*"))
        rows = [[path.relative_to(folder).as_posix(), path.parent.name, f"P{at}"]
                for at, path in enumerate(names)]  # fmt: skip
        csv.writer(file).writerows([["file", "label", "patient"], *rows])
    words = [str(folder), str(tmp_path / "brains.csv"), "--positive", "yes"]
    shown = terminal(["check", *words], 4)
    assert "STOP near_duplicates_across_patients" in shown
    assert "`--copies join`" in shown
    source = initialised(tmp_path / "project", monkeypatch, *words, "--copies", copies)
    told = f"`copies: {copies}`"
    assert told in capsys.readouterr().out
    folders, cases = ingested(source, tmp_path / "out", "cv")
    assert told in (folders.cases / "card.json").read_text()
    with Path("tables/brains.cases.csv").open() as file:
        assert [row["case_id"] for row in csv.DictReader(file)] == cases.case_id.tolist()
    assert len(cases) == number
    report = audit_images(tmp_path / "out", (), tmp_path / "audit")
    assert not report.stopping
