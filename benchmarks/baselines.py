"""Baselines of a few lines on the cases and folds of finished runs.

    python -m benchmarks.baselines PROJECT [PROJECT ...]

Forests on 24 numbers of the histogram and the gradients, on the sides of an image, or on all
columns of a table, and a support vector machine on 50 principal components of 32 × 32 pixels.
AUC of classes (the mean of all against the rest), C of times, mean absolute error of numbers: the
mean over folds, or that of the test set, with a 95 % interval of 500 draws of patients.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skimage.transform import resize
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from skiagram.image_store.store import ImageStore
from skiagram.records.files import read_table
from skiagram.tasks.cases import read_cases

Values = NDArray[np.float64]
DRAWS = 500


def describe(image: Values) -> tuple[Values, Values, Values]:
    """Return 24 numbers, the sides, and 32 × 32 pixels of an image."""
    gray = image.mean(axis=-1) if image.ndim == 4 or image.shape[-1] == 3 else image
    low, high = np.nanpercentile(gray, [0.5, 99.5])
    scaled = np.nan_to_num(np.clip((gray - low) / max(high - low, 1e-9), 0, 1))
    histogram = np.histogram(scaled, bins=16, range=(0, 1))[0] / scaled.size
    steps = np.sqrt(sum(np.square(part) for part in np.gradient(scaled)))
    numbers = [*histogram, low, high, *np.percentile(steps, [10, 25, 50, 75, 90, 99])]
    sides = [*gray.shape, gray.shape[-2] / gray.shape[-1]]
    plane = scaled if scaled.ndim == 2 else scaled[len(scaled) // 2]
    return np.array(numbers), np.array(sides), resize(plane, (32, 32)).ravel()


def read_inputs(project: Path, case_id: NDArray[np.str_]) -> dict[str, Values]:
    """Return what the baselines read, a row a case."""
    measured = read_table(project / "data/cases/measured.parquet").set_index("case_id")
    if len(measured.columns):
        return {"forest, all columns": measured.loc[case_id].to_numpy(dtype=float)}
    store = ImageStore(project / "data/images")
    described = [describe(np.asarray(store.image(case), dtype=float)) for case in case_id.tolist()]
    numbers, sides, pixels = (np.stack(part) for part in zip(*described, strict=True))
    return {"forest, 24 numbers": numbers, "forest, sides": sides, "PCA and SVM": pixels}


def find_target(kind: str, label: NDArray[np.int64], value: Values) -> Values:
    """Return what is learned: classes, numbers, or martingale residuals of times to an event."""
    if kind != "time":
        return label.astype(float) if kind == "class" else value
    event = label == 1
    hazard = np.array(
        [
            np.sum(event & (value <= t))
            and sum(1 / np.sum(value >= each) for each in value[event & (value <= t)])
            for t in value
        ]
    )
    return event - hazard


def fit_and_score(name: str, kind: str, x: Values, y: Values, new: Values) -> Values:
    """Return (n, classes) probabilities or decision values, or (n,) values, of new cases."""
    steps: list[Any] = [SimpleImputer(), StandardScaler()]
    if name.startswith("forest"):
        forest = {"n_estimators": 200, "min_samples_leaf": 2, "random_state": 0}
        is_class = kind == "class"
        last = RandomForestClassifier(**forest) if is_class else RandomForestRegressor(**forest)
    else:
        steps.append(PCA(min(50, len(x) // 2), random_state=0))
        last = SVC() if kind == "class" else SVR(C=100.0)
    model = make_pipeline(*steps, last).fit(x, y)
    if kind != "class":
        return model.predict(new)
    if name.startswith("forest"):
        return model.predict_proba(new)
    # An AUC asks for no probabilities; of two classes there is one value, of the second.
    decision = model.decision_function(new)
    return np.column_stack([-decision, decision]) if decision.ndim == 1 else decision


def measure(kind: str, cases: pd.DataFrame, scores: Values) -> float:
    """Return the mean over folds of the figure."""
    figures = []
    for _, rows in cases.reset_index(drop=True).groupby("fold"):
        label, value, score = rows["label"].to_numpy(), rows["value"].to_numpy(), scores[rows.index]
        if kind == "class":
            areas = [roc_auc_score(label == k, score[:, int(k)]) for k in np.unique(label)]
            figures.append(np.mean(areas))
        elif kind == "time":  # how often who has the event first has the higher score
            earlier = (value[:, None] < value[None]) & (label[:, None] == 1)
            higher = np.sign(score[:, None] - score[None])[earlier]
            figures.append((higher + 1).mean() / 2)
        else:
            figures.append(np.abs(value - score).mean())
    return float(np.mean(figures))


def draw_patients(cases: pd.DataFrame) -> Iterator[NDArray[np.int64]]:
    """Yield rows of as many patients as there are, drawn with repetition."""
    rows_of = list(cases.reset_index(drop=True).groupby("patient_id").indices.values())
    generator = np.random.default_rng(0)
    for _ in range(DRAWS):
        drawn = generator.integers(len(rows_of), size=len(rows_of))
        yield np.concatenate([rows_of[patient] for patient in drawn])


def measure_project(project: Path) -> Iterator[str]:
    """Yield a line for each baseline."""
    all_cases, task = read_cases(project / "data/cases")
    kind = task.predicted.kind
    # the reported cases with their truth and folds
    cases = pd.read_csv(project / "reports/scores.csv", dtype={"label": str}).query("repeat == 0")
    names = ["censored", "event"] if kind == "time" else list(task.predicted.classes)
    cases["label"] = [names.index(name) if name in names else -1 for name in cases["label"]]
    cases["value"] = cases.get("value", np.nan)
    inputs = read_inputs(project, all_cases.case_id)
    row_of = {case: row for row, case in enumerate(all_cases.case_id.tolist())}
    places = np.array([row_of[case] for case in cases["case_id"]])
    is_development = all_cases.split != "test"
    values = all_cases.value if all_cases.value is not None else np.full(len(all_cases), np.nan)
    for name, x in inputs.items():
        scores: Values | None = None
        for fold in np.unique(cases["fold"]):
            rows = (cases["fold"] == fold).to_numpy()
            training = is_development & ~np.isin(
                all_cases.patient_id, all_cases.patient_id[places[rows]]
            )
            y = find_target(kind, all_cases.label[training], values[training])
            new = fit_and_score(name, kind, x[training], y, x[places[rows]])
            scores = np.zeros((len(cases), *new.shape[1:])) if scores is None else scores
            scores[rows] = new
        figure = measure(kind, cases, scores)
        drawn = [measure(kind, cases.iloc[rows], scores[rows]) for rows in draw_patients(cases)]
        low, high = np.nanpercentile(drawn, [2.5, 97.5])
        yield f"{project.name}, {name}: {figure:.3f} ({low:.3f} to {high:.3f})"


def main() -> None:
    """Print the figures of all baselines of some projects."""
    for project in map(Path, sys.argv[1:]):
        for line in measure_project(project):
            sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
