"""A small folder in the form of mini-MIAS: ten films with half an ellipse each."""

import numpy as np
from PIL import Image

SIDE = 1024
STRIP = (256, 768)  # columns of the film; beyond it the square is padded with black
BREAST, LABEL, SPOT = 150, 250, 220
ROWS = """\
mdb001 G CIRC B 600 425 40
mdb002 D NORM
mdb003 F NORM
mdb004 F SPIC M 400 500 30
mdb005 F CALC M *NOTE 3*
mdb006 F NORM
mdb007 G CIRC B 560 600 20
mdb007 G CIRC B 640 380 20
mdb008 G CIRC B
mdb009 D MISC B 260 30 11
mdb010 D NORM"""


def breast(wall_on_left=True):
    """Return half an ellipse at the chest wall, (1024, 1024) bool."""
    row, column = np.mgrid[:SIDE, :SIDE]
    depth = column - STRIP[0] if wall_on_left else STRIP[1] - 1 - column
    inside = ((row - 500) / 420) ** 2 + (depth / 330) ** 2 < 1
    inside &= depth >= 0
    return inside


def film(number):
    """Return a film: grey air, a breast, a label off the breast, a bright spot at each lesion."""
    wall_on_left = number % 2 == 0
    pixels = np.zeros((SIDE, SIDE), dtype=np.uint8)
    pixels[:, STRIP[0] : STRIP[1]] = 5 + number % 3
    pixels[breast(wall_on_left)] = BREAST + number
    columns = slice(690, 760) if wall_on_left else slice(264, 334)
    pixels[20:110, columns] = LABEL
    for row in ROWS.splitlines():
        words = row.split()
        if words[0] == f"mdb{number:03d}" and len(words) == 7:
            x, y = int(words[4]), int(words[5])
            pixels[SIDE - 1 - y - 2 : SIDE - 1 - y + 3, x - 2 : x + 3] = SPOT
    return pixels


def write(folder):
    """Write films, as PNG and PGM, and the text file."""
    folder.mkdir()
    for number in range(1, 11):
        path = folder / f"mdb{number:03d}{'.png' if number % 3 else '.pgm'}"
        Image.fromarray(film(number)).save(path)
    (folder / "Info.txt").write_text(f"INFORMATION:\n\n{ROWS}\n\n=====\n")
