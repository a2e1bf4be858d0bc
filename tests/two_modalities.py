"""A study of PET and MR, each on a grid of its own, of a few patients with masks."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skiagram.cli.main import main
from skiagram.datasets.ingest import IngestFolders, ingest
from skiagram.options import build, read_option_file
from skiagram.readers.grid import VoxelGrid
from tests.readers.examples import nifti_bytes

AXES = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
GRIDS = {
    "PET": VoxelGrid((5, 8, 9), (3.0, 4.0, 4.0), (0.0, 0.0, 0.0), AXES),
    "MR": VoxelGrid((5, 16, 18), (3.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXES),
}
HEADER = ("file", "mask", "modality", "patient_id", "label_value", "label", "split")


def write_study(root, patients, test=0):
    """Write `study` and its table; positive patients are brighter within the mask of the PET."""
    folder, rows = root / "study", []
    for number in range(patients):
        for at, (modality, grid) in enumerate(GRIDS.items()):
            draw = np.random.default_rng([number, at])
            mask = np.zeros(grid.shape, np.uint8)
            mask[1:4, 2:-2, 2 : -2 - number % 2] = 3
            voxels = draw.normal(200, 20, grid.shape)
            voxels[mask > 0] += 15 * (number % 2) * (at == 0)
            names = [f"p{number:02d}/{modality}_{kind}.nii" for kind in ("image", "mask")]
            (folder / names[0]).parent.mkdir(parents=True, exist_ok=True)
            (folder / names[0]).write_bytes(nifti_bytes(voxels.astype(np.int16), grid))
            (folder / names[1]).write_bytes(nifti_bytes(mask, grid))
            part = "test" if number >= patients - test else "train"
            rows.append([*names, modality, f"p{number:02d}", "3", "ab"[number % 2], part])
    table = pd.DataFrame(rows, columns=HEADER)
    table = table if test else table.drop(columns="split")
    table.to_csv(root / "study.csv", index=False)


def ingest_study(root, design):
    """Make a data set of the study by the command and ingest it; return the folders."""
    (root / "conf/dataset").mkdir(parents=True)
    shutil.copytree(Path(__file__).parents[1] / "conf/restoration", root / "conf/restoration")
    folders = IngestFolders(*(root / name for name in ("images", "cases", "sealed")))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.delenv("SKIAGRAM_DATA", raising=False)
        words = ["study", "study.csv", "--positive", "b", "--images", "PET", "MR"]
        assert main(["init", *words]) == 0
        source = build(read_option_file(root / "conf/dataset/study.yaml"), "dataset")
        ingest(source, design, None, folders)
    return folders
