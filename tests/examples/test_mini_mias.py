"""The script of mini-MIAS writes films and squares whose label only the tissue tells."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from PIL import Image

from examples import mini_mias
from tests.examples.mini_mias_files import BREAST, LABEL, breast, film, write

ARTICLE = mini_mias.ARTICLE
PLACED = ["mdb001-0.tif", "mdb004-0.tif", "mdb007-0.tif", "mdb007-1.tif"]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Write films and squares of ten stand-ins; return where."""
    folder = tmp_path_factory.mktemp("written")
    write(folder / "mini-mias")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        counts = {"normal": 1, "abnormal": 1}
        patch.setattr(mini_mias, "ARTICLE", {"test": counts, "train": counts})
        mini_mias.main(folder / "mini-mias", "films", 256)
        mini_mias.main(folder / "mini-mias", "squares", 64)
    return folder


def read(folder, kind):
    """Return a table and its images, by file."""
    table = pd.read_csv(folder / f"{kind}.csv", keep_default_na=False).set_index("file")
    return table, {name: np.asarray(Image.open(folder / kind / name)) for name in table.index}


def test_films_carry_labels_patient_tissue_and_side(written):
    table, _ = read(written, "films-256")
    assert len(table) == 10
    columns = ["label", "severity", "patient_id", "tissue", "side", "mask_plausible"]
    assert table.loc["mdb007.tif", columns].tolist() == [
        *("abnormal", "benign", 4, "fatty-glandular", "left", "yes")
    ]
    assert table.loc["mdb010.tif", columns].tolist() == [
        *("normal", "", 5, "dense-glandular", "right", "yes")
    ]
    assert table.loc["mdb005.tif", "severity"] == "malignant"  # its place is not known


@pytest.mark.parametrize("number", [1, 2])
def test_a_film_is_masked_turned_and_averaged(number, written):
    image = read(written, "films-256")[1][f"mdb00{number}.tif"]
    assert (image.shape, image.dtype) == ((256, 256), np.float32)
    assert (image > 0).sum() == pytest.approx(breast()[2::4, 2::4].sum(), rel=0.05)
    assert np.median(image[image > 0]) == BREAST + number
    assert image.max() < LABEL
    assert image[:, :62].max() == 0
    assert image[120, 68] > 0  # the chest wall is on the left


def test_lesions_without_a_place_on_the_breast_have_no_square_and_no_mark(written):
    squares, films = read(written, "squares")[0], read(written, "films-256")[0]
    assert [name for name in squares.index if "-" in name] == PLACED
    normal = ["mdb002.tif", "mdb003.tif", "mdb006.tif", "mdb010.tif"]
    assert squares.index[squares["label"] == "normal"].tolist() == normal
    assert films.index[films["marks"] != ""].tolist() == ["mdb001.tif", "mdb004.tif", "mdb007.tif"]
    assert films.loc["mdb007.tif", "marks"].count(";") == 1


@pytest.mark.parametrize("kind", ["films-256", "squares"])
def test_marks_lie_on_the_lesions_as_they_are_stored(kind, written):
    table, images = read(written, kind)
    found = 0
    for name, cell in table["marks"].items():
        for mark in filter(None, cell.split(";")):
            x, y, radius = map(float, mark.split())
            above = images[name] - BREAST - int(name[5])
            bright = np.argwhere(above > 1)
            near = bright[np.hypot(*(bright - (y, x)).T) < 6]
            weight = above[tuple(near.T)]
            assert_allclose(np.average(near, axis=0, weights=weight), (y, x), atol=0.3)
            assert (
                radius
                == {"films-256": 5, "squares": 10}[kind] * {"7": 1, "1": 2, "4": 1.5}[name[5]]
            )
            found += 1
            if kind == "squares":  # at its centre
                assert (x, y) == (31.75, 31.75)
    assert found == 4


def test_normal_squares_take_each_lesion_place_once(written):
    """All breasts have one outline, so places carry over pixel by pixel."""
    films = mini_mias.read_films(written / "mini-mias")
    normal = sorted(mini_mias.place_normal_squares(films).values())
    places = [lesion.place for film in films.values() for lesion in film.lesions if lesion.place]
    on_breast = sorted(place for place in places if breast()[place])
    assert_allclose(on_breast, normal, atol=8)


def test_what_lies_beyond_the_film_is_black(tmp_path):
    pixels = np.full((1024, 1024), 100, np.uint8)
    lesion = mini_mias.Lesion(malignant=True, place=(0, 1020), radius=9)
    cells = {"patient_id": "1"}
    whole = mini_mias.Film(pixels, np.ones((1024, 1024), bool), [lesion], cells)
    mini_mias.write_squares({"corner": whole}, tmp_path, 64)
    square = np.asarray(Image.open(tmp_path / "corner-0.tif"))
    assert square[32:, :34].min() == 100
    assert square.sum() == 100 * 32 * 34


def test_a_thin_line_ties_no_label_to_the_breast():
    pixels = film(2)
    mask, plausible = mini_mias.find_breast(pixels)
    assert plausible
    assert (mask & breast()).sum() / (mask | breast()).sum() > 0.98
    pixels[:40, 256:768] = LABEL  # a bright edge of the film, as digitisers leave
    pixels[:200, 300:340] = LABEL
    assert not mini_mias.find_breast(pixels)[0][20:110, 690:760].any()


def test_two_equal_bright_parts_are_doubtful():
    pixels = np.zeros((1024, 1024), dtype=np.uint8)
    pixels[:, :300] = 200
    assert mini_mias.find_breast(pixels)[1]
    pixels[:, 700:] = 200
    assert not mini_mias.find_breast(pixels)[1]


def test_a_film_that_is_not_the_published_one_is_named(tmp_path):
    write(tmp_path / "mini-mias")
    Image.fromarray(film(4)[::2]).save(tmp_path / "mini-mias/mdb004.png")
    with pytest.raises(SystemExit, match=r"mdb004\.png: not the published film of 1024"):
        mini_mias.read_films(tmp_path / "mini-mias")


@pytest.mark.parametrize("seed", range(5))
def test_the_split_of_the_article_has_exact_counts_and_whole_patients(seed):
    label = np.random.default_rng(seed).permutation(["normal"] * 207 + ["abnormal"] * 115)
    table = pd.DataFrame({"patient_id": [str(at // 2) for at in range(322)], "label": label})
    drawn = mini_mias.draw_article(table)
    counts = drawn.groupby("split")["label"].value_counts().to_dict()
    assert counts == {(part, kind): n for part, of in ARTICLE.items() for kind, n in of.items()}
    assert len(drawn.drop_duplicates(["patient_id", "split"])) == drawn["patient_id"].nunique()


@pytest.mark.slow
def test_the_real_films_have_the_published_counts(real_data, tmp_path):
    films = mini_mias.read_films(real_data / "mini-mias")
    lost, undecided = set(), set()
    for name, one in films.items():
        places = [lesion.place for lesion in one.lesions if lesion.place]
        lost |= {name for place in places if not one.breast[place]}
        # a breast is taller at the chest wall than at the nipple, unless it fills the film
        height = one.breast.sum(axis=0)
        filled = np.flatnonzero(height)
        if height[filled[0] + 20] <= height[filled[-1] - 20]:
            undecided.add(name)
    assert lost == {"mdb212", "mdb214"}  # their recorded places lie on empty film
    assert undecided <= {"mdb151", "mdb152"}
    table = mini_mias.write_films(films, tmp_path, 128)
    assert table["severity"].value_counts().to_dict() == {"": 207, "benign": 63, "malignant": 52}
    assert table["tissue"].value_counts().tolist() == [112, 106, 104]
    assert table["patient_id"].nunique() == 161
    assert sum(len(cell.split(";")) for cell in table["marks"] if cell) == 117
    assert len(mini_mias.draw_article(table)) == 120


@pytest.mark.slow
def test_the_real_squares_can_be_run(real_data, tmp_path, monkeypatch, terminal):
    monkeypatch.chdir(tmp_path)
    mini_mias.main(real_data / "mini-mias", "squares", 64)
    line = "check squares squares.csv --positive abnormal --unstated-spacing 0.4 0.4"
    terminal.says(line, "abnormal 117 104 | normal 207 | This data set can be run")
