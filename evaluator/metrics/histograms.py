"""Histograms of many examples at once, on edges that may differ by example."""

import numpy as np
from numpy.typing import NDArray

from evaluator.arrays import Floats, Ints
from evaluator.compiled import compiled

Reals = NDArray[np.floating]
BLOCK = 256  # examples whose counts stay in the cache while the models pass


def compute_edges(low: Reals, high: Reals, bins: int) -> Reals:
    """Edges of `bins` equal bins, (N, bins + 1), by the arithmetic of numpy.linspace in the dtype of low and high.

    low, high: (N,) of one floating dtype, low <= high. The edge that a value is compared with decides its bin, so
    another formula for the same edges would not give the same histogram.
    """
    width = high - low
    step = width / width.dtype.type(bins)
    ticks = np.arange(bins + 1, dtype=low.dtype)
    edges = ticks * step[:, None] + low[:, None]
    flat = (step == 0) & (width > 0)  # so narrow that a twentieth is 0: linspace divides first
    edges[flat] = (ticks / width.dtype.type(bins)) * width[flat, None] + low[flat, None]
    edges[:, -1] = high
    return edges


def count_by_bin(values: Reals, edges: Reals) -> Ints:
    """How many of each column's values fall into each left-closed bin; those outside all bins are not counted.

    values: (R, N); edges: (N, B + 1), ascending in each row. Returns (N, B); a value equal to the last edge falls
    outside, as with numpy.digitize.
    """
    exact = np.float64 if values.dtype == np.float64 else np.float32  # float16 fits into float32 without rounding
    bins = edges.shape[1] - 1
    counts = np.zeros((len(edges), bins), np.int64)
    with np.errstate(over="ignore", divide="ignore"):
        scale = bins / (edges[:, -1].astype(np.float64) - edges[:, 0])
    scale[~np.isfinite(scale)] = 0.0  # so narrow that there is no guess: the search starts at the first bin
    _count(values.astype(exact, copy=False), edges.astype(exact, copy=False), scale, counts)
    return counts


@compiled
def _count(values: Reals, edges: Reals, scale: Floats, counts: Ints) -> None:
    models, examples = values.shape
    bins = counts.shape[1]
    for start in range(0, examples, BLOCK):
        end = min(start + BLOCK, examples)
        for model in range(models):
            for example in range(start, end):
                value = values[model, example]
                low, high = edges[example, 0], edges[example, bins]
                if value < low or value >= high:
                    continue
                # The product is a guess that rounding may put one bin off: the edges decide.
                bin_ = min(int((value - low) * scale[example]), bins - 1)
                while value < edges[example, bin_]:
                    bin_ -= 1
                while value >= edges[example, bin_ + 1]:
                    bin_ += 1
                counts[example, bin_] += 1
