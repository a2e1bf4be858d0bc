"""The default classical arm on tables of radiomics features, beside members and other means.

    SKIAGRAM_DATA=<folder> python -m benchmarks.radiomics_tables SEED [SEED ...]

Mean AUC over five folds of each table in `radiomics_tables/` and `radiomics_tables_2/`. Each
candidate is a model or the mean probability, or rank, of several. The best of the first folder's
tables is judged on the second's, and the other way round, with an interval over tables; so are
halves that are drawn at random.
"""

import os
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.cluster import FeatureAgglomeration
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
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
from sklearn.preprocessing import QuantileTransformer, StandardScaler
from sklearn.svm import SVC

FOLDERS = ("radiomics_tables", "radiomics_tables_2")
DEFAULT = "default"  # conf/model/mean_of_models.yaml
MEANS = {  # candidate → members whose probabilities are averaged; one that is named twice counts so
    DEFAULT: ["ridge", "lasso", "forest", "extra trees"],
    "balanced forests": ["ridge", "lasso", "balanced forest", "balanced trees"],
    "all balanced": ["balanced ridge", "balanced lasso", "balanced forest", "balanced trees"],
    "forests twice": [
        *("balanced ridge", "balanced lasso"),
        *(2 * ["balanced forest", "balanced trees"]),
    ],
    "ridge and forest": ["balanced ridge", "balanced forest"],
    "ridge and forests": ["balanced ridge", "balanced forest", "balanced trees"],
}
RANKED = {
    "ranks of four": MEANS["all balanced"],
    "ranks of seven": [*MEANS["all balanced"], "SVM", "LDA of ranks", "ridge of clusters"],
}
RESAMPLES, HALVES = 2000, 400


def models(seed: int, columns: int, cases: int) -> dict[str, Pipeline]:
    """Return the members, each with its preparation."""
    forest = {"n_estimators": 200, "min_samples_leaf": 2, "random_state": seed}
    balanced = {"class_weight": "balanced"}
    by_draw = {"class_weight": "balanced_subsample"}
    lasso = {"C": 0.3, "l1_ratio": 1.0, "solver": "liblinear", "random_state": seed}
    clusters = FeatureAgglomeration(n_clusters=min(max(2, columns // 4), cases // 2, columns - 1))
    few = {"max_iter": 100, "learning_rate": 0.05, "max_leaf_nodes": 7, "min_samples_leaf": 5}
    shrunk = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5])
    steps = {
        "ridge": [LogisticRegression(C=0.005, max_iter=5000)],
        "balanced ridge": [LogisticRegression(C=0.005, max_iter=5000, **balanced)],
        "lasso": [LogisticRegression(**lasso, max_iter=5000)],
        "balanced lasso": [LogisticRegression(**lasso, max_iter=5000, **balanced)],
        "forest": [RandomForestClassifier(**forest)],
        "balanced forest": [RandomForestClassifier(**forest, **by_draw)],
        "forest of a fifth": [RandomForestClassifier(**forest, **by_draw, max_features=0.2)],
        "extra trees": [ExtraTreesClassifier(**forest)],
        "balanced trees": [ExtraTreesClassifier(**forest, **balanced)],
        "boosting": [HistGradientBoostingClassifier(**few, random_state=seed, **balanced)],
        "SVM": [SVC(**balanced)],
        "LDA": [shrunk],
        "ridge of clusters": [clusters, LogisticRegression(C=0.03, max_iter=5000, **balanced)],
        "ANOVA and logistic": [
            SelectKBest(k=min(20, columns)),
            LogisticRegression(C=0.1, max_iter=5000, **balanced),
        ],
    }
    filled = SimpleImputer(strategy="median")
    made = {name: make_pipeline(filled, StandardScaler(), *each) for name, each in steps.items()}
    ranks = QuantileTransformer(n_quantiles=50, output_distribution="normal", random_state=seed)
    made["ridge of ranks"] = make_pipeline(filled, ranks, *steps["balanced ridge"])
    made["LDA of ranks"] = make_pipeline(filled, ranks, shrunk)
    return made


def measure(table: pd.DataFrame, seed: int) -> dict[str, float]:
    """Return candidate → mean AUC over five folds."""
    label = table["Target"].astype(str).isin(["1", "1.0", "True"]).to_numpy(dtype=int)
    features = table.drop(columns=["ID", "Target"], errors="ignore")
    values = features.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float, copy=True)
    values[~np.isfinite(values)] = np.nan
    areas: dict[str, list[float]] = {}
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    for training, test in folds.split(values, label):
        scores = pd.DataFrame()
        for name, model in models(seed, values.shape[1], len(training)).items():
            model.fit(values[training], label[training])
            if hasattr(model, "predict_proba"):
                scores[name] = model.predict_proba(values[test])[:, 1]
            else:
                scores[name] = model.decision_function(values[test])
        candidates = {name: scores[name] for name in scores}
        candidates |= {name: scores[members].mean(axis=1) for name, members in MEANS.items()}
        ranks = scores.rank()
        candidates |= {name: ranks[members].mean(axis=1) for name, members in RANKED.items()}
        for name, score in candidates.items():
            areas.setdefault(name, []).append(roc_auc_score(label[test], score))
    return {name: float(np.mean(area)) for name, area in areas.items()}


def judge(areas: pd.DataFrame, chosen_on: NDArray[np.bool_]) -> str:
    """Say which candidate is best on some tables, and what it gains on the others.

    Args:
        areas: A row a table, a column a candidate.
        chosen_on: (tables,) which ones choose.
    """
    best = areas[chosen_on].mean().idxmax()
    gain = (areas[best] - areas[DEFAULT])[~chosen_on].to_numpy()
    drawn = np.random.default_rng(0).integers(0, len(gain), (RESAMPLES, len(gain)))
    low, high = np.quantile(gain[drawn].mean(axis=1), [0.025, 0.975])
    return f"{best}: {gain.mean():+.3f} ({low:+.3f} to {high:+.3f}) on the others"


def main() -> None:
    """Print the mean AUC of each candidate by table, and what the choice on one half gains."""
    warnings.simplefilter("ignore")
    rows: dict[str, dict[str, float]] = {}
    first, seeds = [], [*map(int, sys.argv[1:] or ["0"])]
    for folder in FOLDERS:
        for path in sorted(Path(os.environ["SKIAGRAM_DATA"], folder).glob("*.csv.gz")):
            measured = [measure(pd.read_csv(path), seed) for seed in seeds]
            rows[path.name.partition(".")[0]] = dict(pd.DataFrame(measured).mean())
            first.append(folder == FOLDERS[0])
            sys.stderr.write(f"{path.name}\n")
    areas, of_first = pd.DataFrame(rows).T, np.array(first)
    sys.stdout.write(f"{areas.assign(first=of_first).groupby('first').mean().T.round(3)}\n")
    sys.stdout.write(f"{areas.round(3).to_string()}\n")
    sys.stdout.write(f"Best of the first folder, {judge(areas, of_first)}\n")
    sys.stdout.write(f"Best of the second folder, {judge(areas, ~of_first)}\n")
    # Halves that are drawn at random, of all tables.
    random, gains = np.random.default_rng(0), []
    for _ in range(HALVES):
        half = random.permutation(len(areas)) < len(areas) // 2
        best = areas[half].mean().idxmax()
        gains.append(float((areas[best] - areas[DEFAULT])[~half].mean()))
    above = np.mean(np.array(gains) > 0)
    sys.stdout.write(f"Random halves: {np.mean(gains):+.3f}, above 0 in {above:.0%}\n")


if __name__ == "__main__":
    main()
