import stat

import pytest

from client.credentials import (
    DEFAULT_URL,
    Credentials,
    choose_server,
    get_credentials_path,
    load_credentials,
    save_credentials,
)

SAVED = Credentials(url="http://one:8400", token="secret", name="ada")


def test_nobody_logged_in_means_the_local_server_without_a_token() -> None:
    assert choose_server(None) == (DEFAULT_URL, None)


def test_what_was_saved_is_used() -> None:
    save_credentials(SAVED)
    assert choose_server(None) == ("http://one:8400", "secret")


def test_only_the_owner_can_read_the_token() -> None:
    path = save_credentials(SAVED)
    path.chmod(0o644)
    assert stat.S_IMODE(save_credentials(SAVED).stat().st_mode) == 0o600


def test_a_saved_token_never_goes_to_another_server() -> None:
    save_credentials(SAVED)
    assert choose_server("http://two:8400") == ("http://two:8400", None)


def test_the_option_wins_over_the_environment_and_that_over_what_was_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    save_credentials(SAVED)
    monkeypatch.setenv("LACUNA_URL", "http://two:8400")
    monkeypatch.setenv("LACUNA_TOKEN", "other")
    assert choose_server(None) == ("http://two:8400", "other")
    assert choose_server("http://three:8400/") == ("http://three:8400", "other")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"url": 1}', '{"url": "x", "token": "y", "name": "z", "more": 1}'])
def test_a_damaged_file_counts_as_not_logged_in(text: str) -> None:
    path = get_credentials_path()
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert load_credentials() is None
