"""What the evaluator refuses, and why; the caller decides who is to blame.

ValueError
├── InvalidPool   a pool, an accuracy vector, a time or an option cannot be scored
└── BadWeights    returned weights do not fit the network they were returned for
    └── NotFiniteWeights   they fit, but hold or give NaN or infinity
"""


class InvalidPool(ValueError):
    """The numbers given cannot be scored: shapes disagree, values are missing or not finite."""


class BadWeights(ValueError):
    """Weights a submission returned are malformed, of another network, or not finite."""


class NotFiniteWeights(BadWeights):
    """The weights fit the network, but they or its outputs are NaN or infinite."""
