"""Whether the fits behind the folds keep the same features."""

import pandas as pd

from skiagram.evaluation.records.stability import ChosenFeature, FeatureSelection
from skiagram.evaluation.stability.selection import selection_stability

_FITS = r"repeat\d+-(?:fold\d+|outer\d+-final)"  # neither final nor inner fits
_MOST = 10


def feature_selection(table: pd.DataFrame) -> FeatureSelection | None:
    """Compare what the fits of the folds kept; None for a model that chooses no features.

    Under `holdout` these are the fits of the folds, under `cv` those that scored the outer folds.
    Folds share training cases, so the interval is too narrow and the agreement somewhat too high
    for what fresh patients would show.

    Args:
        table: Columns `fit`, `feature` and `chosen`, a row a fit and feature; may be empty.
    """
    if table.empty:
        return None
    own = table[table["fit"].str.fullmatch(_FITS)]
    wide = own.pivot_table(
        index="fit", columns="feature", values="chosen", aggfunc="any", fill_value=False
    ).astype(bool)
    share = {str(name): float(column.mean()) for name, column in wide.items()}
    ranked = sorted((name for name in share if share[name]), key=lambda name: (-share[name], name))
    return FeatureSelection(
        agreement=selection_stability(wide.to_numpy()),
        fits=len(wide),
        features=wide.shape[1],
        kept=float(wide.sum(axis=1).mean()),
        most_chosen=tuple(ChosenFeature(name, share[name]) for name in ranked[:_MOST]),
    )
