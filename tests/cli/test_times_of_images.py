"""A folder of images and a table of times go to a report, a card and estimates of new images."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.pipeline.project import Project


def write_images(folder: Path, number: int = 60) -> list[str]:
    """Write images with a bright middle, the brighter the sooner the event; return arguments."""
    generator = np.random.default_rng(0)
    (folder / "films").mkdir()
    row, column = np.mgrid[:32, :32] - 16
    middle = np.exp(-(row**2 + column**2) / 30)
    rows = []
    for at in range(number):
        hazard = generator.uniform(-1, 1)
        pixels = generator.normal(100, 15, size=(32, 32)) + 40 * (1 + hazard) * middle
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(
            folder / "films" / f"{at:03d}.png"
        )
        event, end = generator.exponential(500 * np.exp(-2 * hazard)), generator.uniform(100, 1500)
        state = "died" if event <= end else "alive"
        rows.append((f"{at:03d}.png", f"p{at}", round(min(event, end)), state))
    table = pd.DataFrame(rows, columns=["file", "patient", "days", "state"])
    table.to_csv(folder / "films.csv", index=False)
    return ["films", "films.csv", "--time", "days", "--event", "state"]


@pytest.mark.thorough
def test_images_and_times_go_to_a_report_and_new_images_get_survival(tmp_path: Path) -> None:
    def skiagram(*words: str) -> str:
        done = Project(tmp_path).skiagram(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    line = write_images(tmp_path)
    shown = skiagram("run", *line, "--networks", "tiny_cnn", "--folds", "2")
    assert "C (Harrell)" in shown
    assert "Use networks in place of classical features" in shown
    model = "films-project/models/cox"
    assert "It estimates a time to an event, in days." in skiagram("show", model)
    skiagram("predict", model, "films/000.png", "films/001.png", "-o", "new.csv")
    new = pd.read_csv(tmp_path / "new.csv")
    survival = new[[name for name in new.columns if "survival at" in name]].to_numpy()
    assert survival.shape == (2, 3)
    assert (np.diff(survival, axis=1) <= 0).all()
