"""Files that no model of gray 8-bit films can score."""

import numpy as np
from PIL import Image


def write_odd_films(folder):
    """Write them; each name says what is odd."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    gray = rng.integers(0, 255, (20, 20)).astype(np.uint8)
    Image.fromarray(np.stack([gray, gray.T, gray], axis=-1)).save(folder / "colour.png")
    Image.fromarray(gray.astype(np.uint16) * 200).save(folder / "deep.tiff")
    Image.fromarray(gray[:4, :4]).save(folder / "tiny.png")
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.png").write_text("no film\n")
    Image.fromarray(gray).save(folder / "whole.png")
    (folder / "truncated.png").write_bytes((folder / "whole.png").read_bytes()[:100])
    (folder / "whole.png").unlink()
    (folder / "folder.png").mkdir()
    names = {path.stem: path for path in sorted(folder.iterdir())}
    return names | {"absent": folder / "absent.png"}
