"""Public digests of what is hidden: keyed, so that no guess can be compared with them, and still binding.

A plain SHA-256 of a problem or a forget set lets whoever guesses right make sure of it. HMAC-SHA-256 under a secret of
the competition does not, and commits all the same: with the key, which is revealed at the end, anybody can check.
"""

import hashlib
import hmac
from collections.abc import Sequence

KEY_BYTES = 32


def commit(key: str, digest: str) -> str:
    """What is shown of a hidden digest, in hex: HMAC-SHA-256 of its text. key: 64 hexadecimal digits."""
    return hmac.new(bytes.fromhex(key), digest.encode(), hashlib.sha256).hexdigest()


def join_digests(digests: Sequence[str]) -> str:
    """One digest is itself; of several, the SHA-256 of them in their order, a line each."""
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()
