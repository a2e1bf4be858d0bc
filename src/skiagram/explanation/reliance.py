"""Which features the scores of a classical model rest on, at little cost and without a label.

Values of features that go together are exchanged between cases, all of them at once. The more pairs
of cases the model then orders otherwise, the more it rests on them. This says what a model uses,
not what its use is worth: the AUC that is lost is measured by `explain_features`, which needs fits
that did not see the cases (Breiman 2001, *Machine Learning* 45:5; groups: Gregorutti et al. 2015,
*Comput. Stat. Data Anal.* 90:15).
"""

import numpy as np

from skiagram.explanation.clusters import cluster_features
from skiagram.explanation.record import FeatureReliance, Reliance
from skiagram.features.table import FeatureTable
from skiagram.models.contract import Fitted
from skiagram.models.fits import finite
from skiagram.seeding import stream

_CORRELATION = 0.7  # mean |Spearman's ρ| from which features go together
_CASES = 80  # between which values are exchanged
_ROWS = 10_000  # about as many are scored in all, which takes a second or two
_MOST_ORDERS = 10
_FIRST = 10  # features that are named


def measure_reliance(
    title: str, fitted: Fitted[FeatureTable], table: FeatureTable, unseen: bool, seed: int
) -> Reliance:
    """Say which features a fitted model rests on, the first few.

    Args:
        table: All that the model reads of some cases; at least two.
        unseen: Whether the model learned from none of them.
    """
    # Features that go together, of those that the model reads, and some cases drawn at random.
    table = table.columns(fitted.requires.columns)
    clusters = cluster_features(table, _CORRELATION)
    generator = stream(seed, "reliance")
    table = table.select(np.sort(generator.permutation(len(table))[:_CASES]))
    cases, position = len(table), {name: column for column, name in enumerate(table.names)}
    orders = min(_MOST_ORDERS, max(1, _ROWS // (cases * len(clusters))))

    # Each cluster exchanged in as many orders, the same for all clusters; scored together.
    drawn = [generator.permutation(cases) for _ in range(orders)]
    changed = np.tile(table.values, (len(clusters) * orders, 1, 1))
    for row, members in enumerate(clusters.values()):
        columns = np.array([position[name] for name in members])
        for number, order in enumerate(drawn):
            changed[row * orders + number][:, columns] = table.values[np.ix_(order, columns)]
    values = np.concatenate([table.values[None], changed]).reshape(-1, len(table.names))
    case_id = np.arange(len(values)).astype(str)
    scores = finite(fitted.scores(FeatureTable(case_id, table.names, values)))

    # The share of pairs in another order, mean over orders and over columns of scores; a pair that
    # becomes a tie, or was one, counts half.
    by_change = scores.reshape(len(changed) + 1, cases, -1)
    before, *after = (np.sign(each[:, None] - each) for each in by_change)
    pairs = 2 * before[0].size * (cases - 1)
    shares = np.array([np.abs(order - before).sum() / pairs for order in after])
    by_cluster = shares.reshape(len(clusters), orders).mean(axis=1)
    features = [
        FeatureReliance(first, tuple(others), float(share))
        for (first, *others), share in zip(clusters.values(), by_cluster, strict=True)
        if share > 0
    ]
    features.sort(key=lambda feature: -feature.reordered)
    return Reliance(title, cases, unseen, len(clusters), len(features), tuple(features[:_FIRST]))
