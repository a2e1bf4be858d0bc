"""The table of a folder: what is read, and what is refused by name."""

from contextlib import nullcontext
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skiagram.datasets.folder.columns import find_thousands_problem, require_columns
from skiagram.datasets.folder.table import normalise_name, split_modalities
from skiagram.errors import DataError, OptionError
from skiagram.tables.frames import read_table
from tests.datasets.own_folders import LABELS, listing_of


@pytest.mark.parametrize(("covariates", "scores"), [(("density",), ()), ((), ("density",))])
def test_a_decimal_comma_is_refused_by_name(covariates, scores):
    lines = [f"{at}.png;{'xy'[at % 2]};{at},{at}" for at in range(40)] + ["40.png;x;0.5"]
    table = "\n".join(["file;label;density", *lines])
    columns = replace(LABELS, covariates=covariates, scores=scores)
    problem, *_ = listing_of(table, columns, ("x", "y")).problems
    assert "density" in str(problem)
    assert "set the decimal separator to `.`" in problem.remedy


@pytest.mark.parametrize(
    ("cells", "examples"),
    [
        (["987", "1.122", "2.345", ""], "`987`, `1.122`, `2.345`"),
        (["-1.122", "12", "-100", "NA"], "`-100`, `-1.122`"),
        (["1.234.567", "12.345", "1"], "`1.234.567` is a number to people alone"),
        (["987", "0.122", "2.345"], ""),  # no number of thousands starts with 0
        (["987", "1.12", "2.345"], ""),
        (["1987", "1.122", "2.345"], ""),
        (["98", "1.122", "2.345"], ""),
        (["987", "122"], ""),
        (["100.000", "1.122"], ""),
    ],
)
def test_points_that_may_separate_thousands_are_refused(cells, examples):
    """A time of 1,122 days, as Excel shows it in German, was one of 1.122 days."""
    lines = [f"{at}.png,{'xy'[at % 2]},{cell}" for at, cell in enumerate(cells)]
    table = "\n".join(["file,label,days", *lines])
    problem = find_thousands_problem(read_table(table.encode()), "days")
    assert (problem is None) == (not examples)
    assert examples in str(problem)
    for named in (replace(LABELS, covariates=("days",)), replace(LABELS, scores=("days",))):
        found = listing_of(table, named, ("x", "y")).problems
        assert any("thousands" in str(each) for each in found) == bool(examples)


@pytest.mark.parametrize(
    ("named", "faults"),
    [({}, 1), ({"mask": "drawn"}, 0), ({"frame": "page"}, 0), ({"visit": "time"}, 1)],
)
def test_a_region_tells_rows_of_a_file_apart_where_a_mask_shows_it(named, faults):
    """An image was a case of two classes, with a column `region` that no mask belongs to."""
    head = "file,patient,label,region,drawn,page,time\n"
    lines = "a.png,p1,x,left,a1.png,1,1\na.png,p1,y,right,a2.png,2,1\nb.png,p2,x,left,b1.png,1,1"
    columns = replace(LABELS, patient="patient", region="region", **named)
    listing = listing_of(head + lines, columns, ("x", "y"))
    assert len(listing.problems) == faults
    assert all("a.png: 2 rows" in str(problem) for problem in listing.problems)
    # what is seen at a visit stays known
    sides = listing.known["visits"].get("region", ())
    assert {*sides} == ({"left", "right"} if "visit" in named else set())


@pytest.mark.parametrize(
    ("cell", "is_outside"),
    [
        ("m.png; ../x.png", True),
        ("m.png; /x.png", True),
        ("m.png;..", True),
        ("a/../../x.png;m.png", True),
        ("a..png;b../m.png", False),
    ],
)
def test_no_mask_lies_outside_the_folder(cell, is_outside):
    """A second name was read from anywhere where a blank stood before it."""
    table = f"file,label,mask\na.png,x,{cell}\nb.png,y,m.png"
    found = listing_of(table, replace(LABELS, mask="mask"), ("x", "y")).problems
    assert [f"`{cell}` lies outside" in str(each) for each in found] == [True] * is_outside


def test_a_missing_column_is_named_beside_those_that_are_there():
    with pytest.raises(DataError, match=r"no column `label`\. Allowed: `file`, `diagnosis`"):
        require_columns(read_table(b"file,diagnosis\na.png,normal\n"), ("file", "label"))


@pytest.mark.slow
@settings(deadline=None, max_examples=20)
@given(st.from_regex(r"[a-c./]{1,8}", fullmatch=True))
def test_one_file_has_one_spelling(name):
    assert normalise_name(normalise_name(name)) == normalise_name(name)
    assert normalise_name(f"./{name.lstrip('/')}") == normalise_name(name.lstrip("/") or ".")


@pytest.mark.parametrize(
    ("further", "words"),
    [
        ("ct.nii,b,CT,p1,", "line 3: label `b`, and `a` in line 2"),
        ("ct.nii,a,CT,p1,3 3 3 2", "line 3: lesions on a further image.*none on that of `PET`"),
        ("ct.nii,a,CT,p1,", ""),
    ],
)
def test_what_a_further_image_alone_says_is_not_left_out(further, words):
    rows = read_table(
        f"file,label,modality,patient_id,marks\npet.nii,a,PET,p1,\n{further}\n".encode()
    )
    columns = replace(LABELS, patient="patient_id", modality="modality", marks="marks")
    with pytest.raises(DataError, match=words) if words else nullcontext():
        split_modalities(rows, columns, ("PET", "CT"))


@pytest.mark.parametrize("chosen", [(), ("CR", "DX")])
def test_images_of_no_patients_have_no_further_modality(chosen):
    rows = read_table(b"file,label,modality\n1.png,a,CR\n2.png,a,DX\n")
    with pytest.raises((DataError, OptionError), match="--modality none"):
        split_modalities(rows, replace(LABELS, modality="modality"), chosen)


@pytest.mark.parametrize("word", ["val", "valid", "Validation", "TRAIN", "training", "testing"])
def test_parts_of_a_data_set_have_several_names(word):
    table = f"file,label,part\na.png,x,{word}\n"
    listing = listing_of(table, replace(LABELS, split="part"), ("x", "y"))
    assert not listing.problems
    assert listing.entries["split"].iloc[0] in ("train", "validation", "test")
