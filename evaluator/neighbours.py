"""Whether values of one pool lie among their own: what no region of a score sees when laws are combs or spikes.

A region needs mass; a law that keeps a tenth of every tooth of a fine comb has none to show in any interval. Its values
have neighbours of their own pool all the same.
"""

import numpy as np
from numpy.typing import ArrayLike

from evaluator.arrays import Floats, check_pools


def compute_clumping(unlearned: ArrayLike, retrained: ArrayLike) -> float:
    """How much more often than by chance a value's nearest neighbour is of its own pool, mean over examples.

    unlearned, retrained: (R, N) and (R', N) confidences, R, R' >= 2. Equal values are each other's neighbours, all of
    them alike. Returns 0 on average for one law, up to 1 for pools that never mix; may be slightly negative.
    Raises InvalidPool as check_pools does.
    Source: docs/flags.md, clumped_values; the statistic of Henze (1988) in one dimension.

    >>> compute_clumping([[0.0], [0.1]], [[5.0], [5.1]])
    1.0
    """
    left, right = check_pools(unlearned, retrained)
    sizes = np.array([len(left), len(right)])
    own = np.concatenate([np.zeros(len(left)), np.ones(len(right))])
    shares = [_share_own(column, own) for column in np.concatenate([left, right]).T]
    total = int(sizes.sum())
    chance = float((sizes * (sizes - 1)).sum()) / (total * (total - 1))
    return (float(np.mean(shares)) - chance) / (1 - chance)


def _share_own(values: Floats, own: Floats) -> float:
    """Share of the (M,) values whose nearest other value is of the same pool; several nearest ones count in parts."""
    points, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    second = np.bincount(place, weights=own, minlength=len(points))
    pools = np.stack([counts - second, second])  # values of each pool at each point
    alone = counts == 1
    same = np.where(alone, 0.0, ((pools * (pools - 1)).sum(axis=0)) / np.maximum(counts - 1, 1))
    if not alone.any() or len(points) == 1:
        return float(same.sum()) / len(values)
    gaps = np.concatenate([[np.inf], np.diff(points), [np.inf]])
    near = np.minimum(gaps[:-1], gaps[1:])
    shares = np.zeros((2, len(points)))
    heads = np.zeros(len(points))
    for side, at in ((gaps[:-1], -1), (gaps[1:], 1)):
        nearest = np.isfinite(side) & (side == near)
        where = np.flatnonzero(nearest)
        shares[:, where] += pools[:, where + at]
        heads[where] += counts[where + at]
    mine = pools[1][alone].astype(np.int64)
    same[alone] = shares[mine, np.flatnonzero(alone)] / heads[alone]
    return float(same.sum()) / len(values)
