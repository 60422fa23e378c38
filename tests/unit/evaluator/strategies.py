"""Pools as hypothesis strategies: ties, constants and wide ranges included."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

VALUES = st.one_of(
    st.integers(-3, 3).map(float),
    st.floats(-100, 100, allow_nan=False, width=32),
)


@st.composite
def pools(draw, *, least: int = 5, most: int = 12, most_examples: int = 3):
    """Two (R, N) float64 pools of the same N, each of its own R."""
    examples = draw(st.integers(1, most_examples))
    sizes = [draw(st.integers(least, most)) for _ in range(2)]
    left, right = (draw(hnp.arrays(np.float64, (size, examples), elements=VALUES)) for size in sizes)
    return left, right
