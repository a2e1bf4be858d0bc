"""What the small projects read: files and tables as a user has them, drawn from fixed seeds."""

import nibabel as nib
import numpy as np
import pandas as pd
from PIL import Image

SIDE = 20  # pixels


def _film(generator, stripes, blob=0.0):
    """Return noise of SIDE × SIDE pixels, uint8, with stripes and a bright middle."""
    wave = np.sin(np.arange(SIDE) * 1.3 + generator.uniform(0, 6))
    row, column = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    middle = np.exp(-(row**2 + column**2) / 20)
    pixels = generator.normal(128, 25, (SIDE, SIDE)) + stripes * wave + blob * middle
    return np.clip(pixels, 0, 255).astype(np.uint8)


def _write_films(folder, films):
    folder.mkdir(parents=True)
    for name, pixels in films:
        Image.fromarray(pixels).save(folder / name)


def write_two_classes(place, name="films", patients=60, seed=11):
    """Write two films a patient with their split, of whom every second one has stripes."""
    generator = np.random.default_rng(seed)
    films, rows = [], []
    for patient in range(patients):
        striped, age = patient % 2, round(float(generator.normal(60, 9)), 1)
        split = "test" if patient % 3 == 0 else "validation" if patient % 10 == 1 else "train"
        for view in range(2):
            file = f"{patient:03d}-{view}.png"
            films.append((file, _film(generator, 14.0 * striped)))
            label = ("plain", "striped")[striped]
            rows.append((file, label, f"{name}-{patient:03d}", split, age, "AB"[patient // 2 % 2]))
    _write_films(place / name, films)
    columns = ["file", "label", "patient", "split", "age", "site"]
    pd.DataFrame(rows, columns=columns).to_csv(place / f"{name}.csv", index=False)


def write_two_cohorts(place):
    write_two_classes(place)
    write_two_classes(place, "leeds", patients=30, seed=21)


def write_three_classes(place):
    """Write colour films of three classes, a table without a split."""
    generator = np.random.default_rng(12)
    films, rows = [], []
    for patient in range(54):
        kind = patient % 3
        pixels = np.stack([_film(generator, (0, 14, 0)[kind])] * 3, axis=-1).astype(int)
        pixels += np.array([15 + 12 * (kind == 2), 0, -15])
        file = f"{patient:03d}.png"
        films.append((file, np.clip(pixels, 0, 255).astype(np.uint8)))
        rows.append((file, ("plain", "striped", "reddish")[kind], f"p{patient:03d}"))
    _write_films(place / "films", films)
    pd.DataFrame(rows, columns=["file", "label", "patient"]).to_csv(
        place / "films.csv", index=False
    )


def write_times(place):
    """Write films with a bright middle, the brighter the sooner the event; a third is censored."""
    generator = np.random.default_rng(13)
    films, rows = [], []
    for patient in range(60):
        hazard = generator.uniform(-1, 1)
        file = f"{patient:03d}.png"
        films.append((file, _film(generator, 0.0, 40 * (1 + hazard))))
        event, end = generator.exponential(500 * np.exp(-2 * hazard)), generator.uniform(100, 1500)
        state, age = "died" if event <= end else "alive", int(generator.integers(40, 90))
        rows.append((file, f"p{patient:03d}", round(min(event, end)), state, age))
    _write_films(place / "films", films)
    columns = ["file", "patient", "days", "state", "age"]
    pd.DataFrame(rows, columns=columns).to_csv(place / "films.csv", index=False)


def write_values(place):
    """Write films with a bright middle and two values that rise with it: a number and a grade."""
    generator = np.random.default_rng(14)
    films, rows = [], []
    for patient in range(60):
        height = generator.uniform(-1, 1)
        file = f"{patient:03d}.png"
        films.append((file, _film(generator, 0.0, 40 * (1 + height))))
        number = round(60 + 20 * height + generator.normal(0, 4), 1)
        grade = int(np.digitize(height + generator.normal(0, 0.3), [-0.4, 0.4])) + 1
        rows.append((file, f"p{patient:03d}", number, grade))
    _write_films(place / "films", films)
    columns = ["file", "patient", "width_mm", "severity"]
    pd.DataFrame(rows, columns=columns).to_csv(place / "films.csv", index=False)


def write_volumes(place):
    """Write a PET and an MR volume of each patient, with a mask each, as NIfTI, and their table."""
    generator = np.random.default_rng(15)
    (place / "volumes").mkdir(parents=True)
    rows = []
    axes = np.indices((8, 12, 12))
    for patient in range(36):
        sick = patient % 2
        radius = generator.uniform(2.5, 3.8)
        centre = np.array([4, 6, 6]) + generator.uniform(-0.7, 0.7, 3)
        mask = ((axes - centre[:, None, None, None]) ** 2).sum(0) <= radius**2
        for modality, spacing, height in (
            ("PET", (4.0, 4.0, 5.0), 3.0),
            ("MR", (2.0, 2.0, 3.0), 40.0),
        ):
            texture = generator.normal(0, height * (0.15 + 0.1 * sick), mask.shape)
            pixels = (height * (0.3 + mask) + texture).astype(np.float32)
            stem, affine = f"{patient:02d}_{modality}", np.diag([*spacing, 1.0])
            for kind, values in (("image", pixels), ("mask", mask.astype(np.uint8))):
                file = place / "volumes" / f"{stem}_{kind}.nii.gz"
                nib.save(nib.Nifti1Image(values.transpose(2, 1, 0), affine), file)
            label = ("no", "yes")[sick]
            rows.append(
                (f"{stem}_image.nii.gz", f"{stem}_mask.nii.gz", modality, f"p{patient:02d}", label)
            )
    columns = ["file", "mask", "modality", "patient", "label"]
    pd.DataFrame(rows, columns=columns).to_csv(place / "volumes.csv", index=False)


def write_features(place):
    """Write a table of features as PyRadiomics names them, a row a patient, and their labels."""
    generator = np.random.default_rng(16)
    label = np.arange(90) % 2
    names = [f"original_firstorder_{name}" for name in ("Mean", "Skewness", "Energy", "Entropy")]
    names += [f"original_glcm_{name}" for name in ("Contrast", "Correlation", "Id", "Idm")]
    names += ["original_shape_MeshVolume", "vol_edema"]
    values = generator.normal(size=(len(label), len(names)))
    values[:, [0, 5]] += 0.8 * label[:, None]
    table = pd.DataFrame(values.round(6), columns=names)
    table.insert(0, "ID", [f"subject-{at:03d}" for at in range(len(label))])
    table["Target"] = label
    table.to_csv(place / "radiomics.csv", index=False)
