from api.security import hash_password, hash_token, is_password, make_token


def test_a_password_matches_its_hash_only() -> None:
    stored = hash_password("correct horse")
    assert is_password("correct horse", stored)
    assert not is_password("wrong horse", stored)


def test_no_account_matches_no_password() -> None:
    assert not is_password("anything", None)


def test_an_account_without_a_password_cannot_be_entered() -> None:
    assert not is_password("!", "!")


def test_tokens_differ_and_are_kept_as_digests() -> None:
    one, two = make_token(), make_token()
    assert one != two
    assert one.startswith("lct_")
    assert one not in hash_token(one)
    assert len(hash_token(one)) == 64
