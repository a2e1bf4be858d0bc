"""The default classical arm on tables of radiomics features, beside baselines of a few lines.

    SKIAGRAM_DATA=<folder with radiomics_tables/> python -m benchmarks.radiomics_tables [SEED ...]

Mean AUC over five folds of each table. `mean_of_models` is the model that stands for the arm of
`skiagram run TABLE`; the others are scikit-learn's own, and the mean rank of seven of them.
"""

import os
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skiagram.options import build, read_option_file

OWN = Path(__file__).resolve().parents[1] / "conf/model/mean_of_models.yaml"


def models(seed: int) -> dict[str, Pipeline]:
    """Return the baselines, and last the default of this program."""
    estimators = {
        "forest": RandomForestClassifier(200, min_samples_leaf=2, random_state=seed),
        "extra trees": ExtraTreesClassifier(200, min_samples_leaf=2, random_state=seed),
        "ridge logistic": LogisticRegression(C=0.03, max_iter=5000),
        "lasso": LogisticRegression(C=0.3, l1_ratio=1.0, solver="liblinear", random_state=seed),
        "boosting": HistGradientBoostingClassifier(max_iter=150, random_state=seed),
        "SVM": SVC(),
        "mean_of_models": build(read_option_file(OWN), "model").estimator(seed, "classification"),
    }
    steps = SimpleImputer(strategy="median"), StandardScaler()
    made = {name: make_pipeline(*steps, estimator) for name, estimator in estimators.items()}
    by_anova = SelectKBest(k=20), LogisticRegression(C=0.1, max_iter=5000)
    return {"ANOVA and logistic": make_pipeline(*steps, *by_anova), **made}


def measure(table: pd.DataFrame, seed: int) -> dict[str, float]:
    """Return the mean AUC over five folds of every model, and of the mean rank of seven."""
    label = table["Target"].astype(str).isin(["1", "1.0", "True"]).to_numpy(dtype=int)
    features = table.drop(columns=["ID", "Target"], errors="ignore")
    values = features.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float, copy=True)
    values[~np.isfinite(values)] = np.nan
    areas: dict[str, list[float]] = {}
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    for training, test in folds.split(values, label):
        ranks = []
        for name, model in models(seed).items():
            model.fit(values[training], label[training])
            if hasattr(model, "decision_function"):
                score = model.decision_function(values[test])
            else:
                score = model.predict_proba(values[test])[:, 1]
            areas.setdefault(name, []).append(roc_auc_score(label[test], score))
            if name != OWN.stem:
                ranks.append(rankdata(score))
        mean_rank = roc_auc_score(label[test], np.mean(ranks, axis=0))
        areas.setdefault("mean rank of seven", []).append(mean_rank)
    return {name: float(np.mean(area)) for name, area in areas.items()}


def main() -> None:
    """Print a row a table and the mean over tables, for each seed."""
    warnings.simplefilter("ignore")
    folder = Path(os.environ["SKIAGRAM_DATA"], "radiomics_tables")
    for seed in map(int, sys.argv[1:] or ["0"]):
        rows = {}
        for path in sorted(folder.glob("*.csv.gz")):
            rows[path.name.partition(".")[0]] = measure(pd.read_csv(path), seed)
            sys.stderr.write(f"seed {seed}: {path.name}\n")
        measured = pd.DataFrame(rows).T
        measured.loc["mean"] = measured.mean()
        sys.stdout.write(f"seed {seed}\n{measured.round(3).to_string()}\n")


if __name__ == "__main__":
    main()
