"""Public digests of what is hidden: keyed, so that no guess can be compared with them, and still binding.

A plain SHA-256 of a problem or a forget set lets whoever guesses right make sure of it. HMAC-SHA-256 under a secret of
the competition does not, and commits all the same: with the key, which is revealed at the end, anybody can check.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

KEY_BYTES = 32
PROVENANCE = ("spec_digest", "problem_digest", "manifest_digest", "pool_digests")  # of what is hidden, in a scorecard


def commit(key: str, digest: str) -> str:
    """What is shown of a hidden digest, in hex: HMAC-SHA-256 of its text. key: 64 hexadecimal digits."""
    return hmac.new(bytes.fromhex(key), digest.encode(), hashlib.sha256).hexdigest()


def commit_provenance(provenance: Mapping[str, Any], key: str | None) -> dict[str, Any]:
    """A hidden scorecard's provenance as it may be shown: its digests keyed, or, without a key, empty."""
    keyed = {name: _commit_all(key, provenance[name]) for name in PROVENANCE if name in provenance}
    return {**provenance, **keyed}


def _commit_all(key: str | None, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _commit_all(key, digest) for name, digest in value.items()}
    return commit(key, value) if key and value else ""
