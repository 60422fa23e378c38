import hashlib
import hmac

from core.domain.commitments import commit, commit_provenance

KEY, DIGEST = "ab" * 32, hashlib.sha256(b"a problem").hexdigest()
PROVENANCE = {
    "sandbox": "bubblewrap",
    "spec_digest": DIGEST,
    "pool_digests": {"control": DIGEST},
    "calibrations": ["c"],
}


def test_a_commitment_is_checked_with_nothing_but_the_standard_library() -> None:
    assert commit(KEY, DIGEST) == hmac.digest(bytes.fromhex(KEY), DIGEST.encode(), "sha256").hex()
    assert commit("cd" * 32, DIGEST) != commit(KEY, DIGEST) != DIGEST


def test_a_hidden_scorecards_digests_are_keyed_wherever_they_stand() -> None:
    shown = commit_provenance(PROVENANCE, KEY)
    keyed = {"spec_digest": commit(KEY, DIGEST), "pool_digests": {"control": commit(KEY, DIGEST)}}
    assert shown == PROVENANCE | keyed
    assert list(shown) == list(PROVENANCE)
    assert DIGEST not in repr(shown)


def test_without_a_key_they_are_empty() -> None:
    assert commit_provenance(PROVENANCE, None) == PROVENANCE | {"spec_digest": "", "pool_digests": {"control": ""}}


def test_a_digest_that_was_never_known_stays_unknown() -> None:
    assert commit_provenance({"spec_digest": ""}, KEY) == {"spec_digest": ""}
