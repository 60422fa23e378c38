"""Which server to talk to and as whom: an option wins over the environment, that over what `lacuna login` saved."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from platformdirs import user_config_path

DEFAULT_URL = "http://127.0.0.1:8400"


@dataclass(frozen=True, slots=True)
class Credentials:
    url: str
    token: str
    name: str


def get_credentials_path() -> Path:
    return user_config_path("lacuna") / "credentials.json"


def save_credentials(credentials: Credentials) -> Path:
    """Write the token so that only its owner can read it."""
    path = get_credentials_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump(asdict(credentials), stream)
    temporary.replace(path)
    return path


def forget_credentials() -> None:
    get_credentials_path().unlink(missing_ok=True)


def load_credentials() -> Credentials | None:
    try:
        return Credentials(**json.loads(get_credentials_path().read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None  # nobody logged in, or the file is no longer ours to understand


def choose_server(url_option: str | None) -> tuple[str, str | None]:
    """Return the URL and the token; a saved token is only ever sent to the server that gave it."""
    saved = load_credentials()
    url = (url_option or os.environ.get("LACUNA_URL") or (saved.url if saved else DEFAULT_URL)).rstrip("/")
    token = os.environ.get("LACUNA_TOKEN") or (saved.token if saved and saved.url == url else None)
    return url, token
