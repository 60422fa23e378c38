import hashlib
import hmac

from core.domain.commitments import commit

KEY, DIGEST = "ab" * 32, hashlib.sha256(b"a problem").hexdigest()


def test_a_commitment_is_checked_with_nothing_but_the_standard_library() -> None:
    assert commit(KEY, DIGEST) == hmac.digest(bytes.fromhex(KEY), DIGEST.encode(), "sha256").hex()
    assert commit("cd" * 32, DIGEST) != commit(KEY, DIGEST) != DIGEST
