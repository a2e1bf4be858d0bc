"""Public folders as they come, in stand-ins: masks beside images, gray in files of all kinds."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skiagram.errors import DataError
from skiagram.image_store.store import ImageStore
from skiagram.steps.audit import audit_images
from tests.cli.layouts import disc, speckle, write_layout
from tests.datasets.sources import ingested

pytestmark = pytest.mark.slow

BUSI = "Dataset_BUSI_with_GT"
TWO = "--classes benign malignant --positive malignant --mask-grid resample"


@pytest.fixture
def busi(here):
    """Work beside 25 pictures with 28 masks, and 5 normal ones with black masks."""
    write_layout("BUSI", here)
    return here / BUSI


def test_masks_beside_images_stop_check_and_table_and_say_the_ways_on(busi, here, terminal):
    ways = (
        "33 of 63 image files are masks by their names | `--masks regions` | `--masks leave-out` | "
        "`benign/benign (0)_mask.png` of `benign/benign (0).png`"
    )
    terminal.says(f"check {BUSI} {TWO}", ways, 4)
    terminal.says(f"table {BUSI} t.csv --pattern {{label}}/{{patient}}.png", ways, 4)
    assert not (here / "t.csv").exists()
    for choice, says in {
        "leave-out": "all 25 unknown | !region, pixels",
        "regions": "all 25 unknown | region, pixels",
        "images": "all 53 unknown | !region, pixels",
    }.items():
        terminal.says(f"check {BUSI} {TWO} --masks {choice}", says, None)


@pytest.mark.parametrize("listed", ["in folders", "in a table", "by `table`", "under a key"])
def test_masks_become_the_regions_and_those_of_one_image_are_united(
    listed, busi, here, terminal, initialised
):
    tables, more = [], ["--masks", "regions"]
    if listed == "in a table":
        names = [path.relative_to(busi) for path in busi.rglob("*).png")]
        rows = [f"{name},{name.parent}" for name in names]
        (here / "busi.csv").write_text("\n".join(["file,label", *rows]))
        tables = ["busi.csv"]
    if listed == "under a key":
        (here / "key").write_text("0123456789abcdef")
        more += ["--patient-key", "key"]
    if listed == "by `table`":
        terminal(["table", BUSI, "busi.csv", "--pattern", "{label}/{patient}.png", *more])
        tables, more = ["busi.csv"], []
    folders, _ = ingested(initialised([BUSI, *tables, *TWO.split(), *more]), here / "out", "cv")
    store = ImageStore(folders.images)
    regions = {store.image(case).tobytes(): store.region(case) for case in store.case_ids}
    for at, radius in ((0, 9), (1, 9), (3, 9), (20, 14), (24, 14)):
        region = regions[speckle(at, radius).tobytes()]
        np.testing.assert_array_equal(region.inside, disc(at, radius))


def test_masks_that_are_left_out_stay_out_and_other_files_are_still_missed(busi, initialised):
    source = initialised([BUSI, "--masks", "leave-out"], says="33 masks of 30 images")
    assert len(source.open(None).entries) == 30
    Image.new("L", (50, 50), 3).save(busi / "benign/benign (99).png")
    with pytest.raises(DataError, match=r"benign \(99\)\.png: an image without a row"):
        source.open(None)


def test_an_image_without_its_mask_is_named_where_masks_are_regions(busi, here, terminal):
    (busi / "benign/benign (5)_mask.png").unlink()
    said = "images have no mask by their names, for example `benign/benign (5).png`"
    terminal.says(f"check {BUSI} {TWO} --masks regions", said, 4)
    (here / "busi.csv").write_text("file,label,mask\nbenign/benign (5).png,benign,b.png\n")
    said = "the table already names masks in its column `mask`"
    terminal.says(f"check {BUSI} busi.csv --masks regions", said, 2)


def test_gray_in_files_of_all_kinds_is_counted_and_runs(here, terminal):
    write_layout("brain MR", here)
    brains = here / "brain_tumor_dataset"
    line = f"check {brains.name} --positive yes"
    gray = "images hold gray in three channels | transparent pixels; they are laid on black"
    terminal.says(line, f"7 of 64 images are in colour or have transparent pixels | {gray}")
    colour = np.random.default_rng(1).integers(0, 256, (80, 80, 3), dtype=np.uint8)
    Image.fromarray(colour).save(brains / "no/no 10.jpg")
    refused = "a colour image. Allowed: gray | no/58 no.png: transparent pixels"
    terminal.says(f"{line} --gray refuse", refused, 4)
    terminal.says(f"{line} --gray", "7 of 65 images are in colour; they are turned gray")


def test_images_without_a_lesion_are_left_out_and_a_class_of_them_says_the_ways_on(
    busi, here, terminal, initialised
):
    line = f"check {busi} --masks regions --mask-grid resample"
    no_lesion = "no image of the class `normal` has a lesion: 5 masks are empty"
    terminal.says(line, f"{no_lesion} | `--classes benign malignant` leaves it out", 4)
    terminal.says(f"{line} --classes benign malignat", "did you mean `malignant`?", 2)
    place = busi / "benign/benign (4)_mask.png"
    Image.new("L", Image.open(place).size).save(place)
    says = "Left out, without a lesion in their masks: 1 of `benign`"
    source = initialised([*line.split()[1:], *TWO.split()], says=says)
    folders, cases = ingested(source, here / "out", "cv")
    assert len(cases) == 24
    issues = (folders.cases / "card.json").read_text()  # they stand on the page
    assert "5 of 30 images or rows are of classes that `--classes` does not name" in issues
    assert "1 of 25 images or rows have no lesion in their masks" in issues


@pytest.mark.parametrize(("copies", "number"), [("drop", 60), ("join", 64)])
def test_copies_are_settled_by_ingest_as_by_check(copies, number, here, terminal, initialised):
    write_layout("brain MR", here)
    brains = here / "brain_tumor_dataset"  # a patient each, so that copies stop
    names = [path.relative_to(brains) for path in sorted(brains.rglob("*.*"))]
    rows = [f"{name},{name.parent},P{at}" for at, name in enumerate(names)]
    (here / "brains.csv").write_text("\n".join(["file,label,patient", *rows]))
    line = f"check {brains} {here}/brains.csv --positive yes"
    terminal.says(line, "STOP near_duplicates_across_patients | `--copies join`", 4)
    told = f"`copies: {copies}`"
    source = initialised([*line.split()[1:], "--copies", copies], says=told)
    folders, cases = ingested(source, here / "out", "cv")
    assert told in (folders.cases / "card.json").read_text()
    with Path(f"tables/{source.name}.cases.csv").open() as file:
        assert [row["case_id"] for row in csv.DictReader(file)] == cases.case_id.tolist()
    assert len(cases) == number
    assert not audit_images(here / "out", (), here / "audit").stopping
