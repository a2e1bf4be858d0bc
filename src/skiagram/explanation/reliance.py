"""Which features the scores of a classical model rest on, at little cost and without a label.

Values of features that go together are exchanged between cases, all of them at once. The more pairs
of cases the model then orders otherwise, the more it rests on them. This says what a model uses,
not what its use is worth: the AUC that is lost is measured by `explain_features`, which needs fits
that did not see the cases (Breiman 2001, *Machine Learning* 45:5; groups: Gregorutti et al. 2015,
*Comput. Stat. Data Anal.* 90:15).
"""

import numpy as np

from skiagram.arrays import Floats, Singles
from skiagram.explanation.clusters import cluster_features
from skiagram.explanation.record import FeatureReliance, Reliance
from skiagram.fitting.contract import Fitted
from skiagram.fitting.fits import finite
from skiagram.records.feature_table import FeatureTable
from skiagram.seeding import stream

_ROWS = 10_000  # scored together, and in all where clusters are few: a second or two


def measure_reliance(
    title: str, fitted: Fitted[FeatureTable], table: FeatureTable, unseen: bool, seed: int
) -> Reliance:
    """Say which features a fitted model rests on, the first few.

    Args:
        table: All that the model reads of some cases; at least two.
        unseen: Whether the model learned from none of them.
    """
    # Features that go together (mean |Spearman's ρ| of .7), of those that the model reads, and
    # some cases drawn at random, between which values are exchanged.
    table = table.columns(fitted.requires.columns)
    clusters = cluster_features(table, 0.7)
    generator = stream(seed, "reliance")
    # A few cases are enough for an order.
    table = table.select(np.sort(generator.permutation(len(table))[:80]))
    cases, position = len(table), {name: column for column, name in enumerate(table.names)}
    orders = min(10, max(1, _ROWS // (cases * len(clusters))))

    # Each cluster exchanged in the same few orders; as many as fit are scored together.
    drawn = [generator.permutation(cases) for _ in range(orders)]
    before = _order_pairs(fitted, table, table.values[None])[0]
    pairs = 2 * before[0].size * (cases - 1)
    shares, together = list[float](), max(1, _ROWS // (cases * orders))
    for start in range(0, len(clusters), together):
        batch = list(clusters.values())[start : start + together]
        changed = np.tile(table.values, (len(batch), orders, 1, 1))
        for tables, members in zip(changed, batch, strict=True):
            columns = np.array([position[name] for name in members])
            for values, order in zip(tables, drawn, strict=True):
                values[:, columns] = table.values[np.ix_(order, columns)]
        after = _order_pairs(fitted, table, changed.reshape(-1, *table.values.shape))
        # The share of pairs in another order; one that becomes a tie, or was one, counts half.
        changes = [np.abs(ordered - before).sum() / pairs for ordered in after]
        shares += np.reshape(changes, (len(batch), orders)).mean(axis=1).tolist()

    # Clusters whose exchange changes the order, the strongest first.
    features = [
        FeatureReliance(first, tuple(others), share)
        for (first, *others), share in zip(clusters.values(), shares, strict=True)
        if share > 0
    ]
    features.sort(key=lambda feature: -feature.reordered)
    return Reliance(title, cases, unseen, len(clusters), len(features), tuple(features[:10]))


def _order_pairs(
    fitted: Fitted[FeatureTable], table: FeatureTable, changed: Singles
) -> list[Floats]:
    """Tell which case of each pair a model ranks higher: −1, 0 or 1, (n, n, columns of scores).

    Args:
        changed: (changes, n, features) values in the place of those of the table.
    """
    values = changed.reshape(-1, len(table.names))
    case_id = np.arange(len(values)).astype(str)
    scores = finite(fitted.scores(FeatureTable(case_id, table.names, values)))
    by_change = scores.reshape(*changed.shape[:2], -1)
    return [np.sign(each[:, None] - each) for each in by_change]
